#pragma once
// Maps or reads the arrays of a file, one or many, as the options and the constness of the handles ask.

#include <array>
#include <cstdint>
#include <memory>

#include <larder/detail/object_reader.hpp>
#include <larder/detail/raw_array.hpp>
#include <larder/load.hpp>

#include "src/buffer.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "src/memory_budget.hpp"

namespace larder::detail {

struct load_policy {
  std::uint64_t copy_below =
      0;  ///< without a mode in the options, arrays of fewer bytes are copied, not mapped
  bool copy_small_files = false;  ///< likewise those of a file whose bytes were read with its structure
  bool trusted = false;           ///< written by larder itself: bools are bools
};

/// The file, its structure and the budget live as long. The file is open for writing, if arrays are to be mapped so.
class array_loader {
 public:
  array_loader(const descriptor& file, const file_structure& structure, const load_options& options,
               memory_budget& budget, const load_policy& policy = {});

  /// One of the file's arrays, for a handle of that kind. value_error for a mode that it cannot have, format_error,
  /// io_error. The file is marked dirty before an array is mapped read_write.
  raw_array load(const stored_segment& of, result_kind wanted);

  /// Copies a 1-d array (else layout_error) to a vector.
  void load_vector(const stored_segment& of, const placement& place);

 private:
  mmap_mode choose_mode(const stored_segment& of, result_kind wanted) const;
  raw_array map(const stored_segment& of, mmap_mode mode);
  raw_array copy(const stored_segment& of);
  void read_to(const stored_segment& of, std::byte* out);
  /// format_error (E_DTYPE) for a bool of a foreign file that is none.
  void check_bools(const stored_segment& of, const std::byte* data) const;
  void mark_dirty();

  const descriptor& file_;
  const file_structure& structure_;
  const load_options& options_;
  memory_budget& budget_;
  load_policy policy_;
  bool marked_dirty_ = false;
  std::array<std::shared_ptr<const buffer>, 4> mappings_;  // of the whole file, by mode
};

/// value_error for a mode that a handle of this kind can never have.
void check_mode(const std::string& path, mmap_mode mode, result_kind wanted);

/// io_error for a file that is never written to again.
void refuse_sealed_for_good(const std::string& path);

/// Opens a file to load from it: for writing, if that is asked for. Without a value where there is nothing at `path`.
std::optional<descriptor> open_to_load(const std::string& path, const load_options& options);

}  // namespace larder::detail
