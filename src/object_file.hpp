#pragma once
// An object in a file: its stream in memory, its arrays mapped or read when the stream comes to them.

#include <optional>
#include <string_view>
#include <vector>

#include <larder/detail/object_reader.hpp>

#include "src/array_loader.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "src/memory_budget.hpp"

namespace larder::detail {

class object_file final : public object_source {
 public:
  /// Of the file whose structure this is, which lives as long, as do the loader and the budget. type_mismatch unless it
  /// holds this type, with this layout.
  object_file(const descriptor& file, const file_structure& structure, array_loader& loader,
              memory_budget& budget, std::string_view type, std::uint32_t schema);
  object_file(const object_file&) = delete;
  object_file& operator=(const object_file&) = delete;

  std::span<const std::byte> stream() const noexcept override;
  raw_array array(std::uint32_t segment, dtype expected, result_kind wanted) override;
  void elements(std::uint32_t segment, dtype expected, const placement& place) override;
  void take_memory(std::uint64_t bytes) override;
  void give_memory(std::uint64_t bytes) noexcept override;
  void require_all_used() const override;
  const std::string& path() const noexcept override { return file_.path(); }

 private:
  /// What was made of a segment so far.
  struct loaded {
    std::optional<raw_array> read_only;
    std::optional<raw_array> writable;
    bool as_vector = false;

    bool used() const noexcept { return read_only || writable || as_vector; }
  };

  const stored_segment& find(std::uint32_t segment, dtype expected) const;
  [[noreturn]] void refuse_shared() const;

  const descriptor& file_;
  const file_structure& structure_;
  array_loader& loader_;
  memory_budget& budget_;
  std::vector<loaded> loaded_;
};

}  // namespace larder::detail
