#include "src/object_file.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

/// Of memory for a handle on an array and what owns its data: layouts of many dimensions have memory of their own, and
/// there are two.
std::uint64_t handle_bytes(const stored_segment& of) {
  constexpr std::uint64_t k_owner_bytes = 512;
  constexpr std::uint64_t k_large_layout_bytes = 640;
  return k_owner_bytes + (of.header.shape.rank() > layout::k_inline ? 2 * k_large_layout_bytes : 0);
}

}  // namespace

object_file::object_file(const descriptor& file, const file_structure& structure, array_loader& loader,
                         memory_budget& budget, std::string_view type, std::uint32_t schema)
    : file_(file), structure_(structure), loader_(loader), budget_(budget) {
  if (structure_.type != type || !structure_.is_object()) {
    throw type_mismatch(file_.path(), std::string(type), structure_.type);
  }
  if (structure_.schema != schema) {
    throw type_mismatch(file_.path(), std::string(type),
                        structure_.type + " with other fields (LARDER_FIELDS)");
  }
  budget_.take(file_.path(), structure_.arrays.size() * sizeof(loaded), "the table of arrays");
  loaded_.resize(structure_.arrays.size());
}

std::span<const std::byte> object_file::stream() const noexcept { return structure_.object_stream(); }

const stored_segment& object_file::find(std::uint32_t segment, dtype expected) const {
  if (segment >= structure_.arrays.size()) fail("an array in a segment that is not there");
  const stored_segment& found = structure_.arrays[segment];
  if (found.header.dtype != expected) fail("an array in a segment of another element type");
  if (loaded_[segment].as_vector) refuse_shared();
  return found;
}

void object_file::refuse_shared() const {
  // Each would be a copy: a few bytes of the file could ask for any amount of memory.
  fail("a segment that several values share cannot be loaded into a vector: load all of them as arrays");
}

raw_array object_file::array(std::uint32_t segment, dtype expected, result_kind wanted) {
  const stored_segment& found = find(segment, expected);
  loaded& here = loaded_[segment];
  auto& known = wanted == result_kind::read_only_array ? here.read_only : here.writable;
  if (!known) {
    const auto& other = wanted == result_kind::read_only_array ? here.writable : here.read_only;
    // A copy serves both. Of mappings, the read-only one shows the file, whatever the order in which they are asked for.
    const bool serves = other && !origin_of(*other);
    if (!serves) budget_.take(file_.path(), handle_bytes(found), "an array");
    known = serves ? other : loader_.load(found, wanted);
  }
  return *known;
}

void object_file::elements(std::uint32_t segment, dtype expected, const placement& place) {
  const stored_segment& found = find(segment, expected);
  if (loaded_[segment].used()) refuse_shared();
  budget_.take(file_.path(), object_reader::k_allocation_bytes, "a vector");
  loader_.load_vector(found, place);
  loaded_[segment].as_vector = true;
}

void object_file::take_memory(std::uint64_t bytes) { budget_.take(file_.path(), bytes, "the object"); }
void object_file::give_memory(std::uint64_t bytes) noexcept { budget_.give(bytes); }

void object_file::require_all_used() const {
  const auto unused = std::ranges::find_if(loaded_, [](const loaded& each) { return !each.used(); });
  if (unused != loaded_.end()) {
    fail("an array in segment " + std::to_string(unused - loaded_.begin()) +
         " that the object does not refer to");
  }
}

}  // namespace larder::detail
