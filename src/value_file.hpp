#pragma once
// Loading the value of a file, whatever it is: for load, and for the entries of the cache.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <larder/detail/value_source.hpp>
#include <larder/load.hpp>

#include "src/array_loader.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "src/memory_budget.hpp"
#include "src/object_file.hpp"

namespace larder::detail {

/// Who reads.
struct read_policy {
  trailer_demand trailer = trailer_demand::as_found;
  load_policy arrays{};
};

class value_file final : public value_source {
 public:
  /// Reads and checks the structure. `object` says whether the value that is wanted is an object. The options live as
  /// long as this. io_error, format_error.
  value_file(descriptor file, const load_options& options, object_demand object,
             const read_policy& policy = {});
  /// Of a file that is not opened, since it is in memory whole: of known_small_file, for values that are copied. file() has its path only.
  value_file(const std::string& path, std::shared_ptr<const file_structure> known,
             const load_options& options, const load_policy& arrays);
  value_file(const value_file&) = delete;
  value_file& operator=(const value_file&) = delete;

  raw_array array(dtype expected, result_kind wanted) override;
  void elements(dtype expected, const placement& place) override;
  object_source& object(std::string_view type, std::uint32_t schema) override;

  const descriptor& file() const noexcept { return file_; }
  const file_structure& structure() const noexcept { return structure_; }

 private:
  /// The array that the value is; type_mismatch.
  const stored_segment& sole_array(dtype expected, result_kind wanted);

  descriptor file_;
  const load_options& options_;
  memory_budget budget_;
  std::shared_ptr<const file_structure> known_;
  file_structure own_;               // where it is not known
  const file_structure& structure_;  // one of these two
  array_loader loader_;
  std::optional<object_file> object_;
};

}  // namespace larder::detail
