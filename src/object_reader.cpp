#include <larder/detail/object_reader.hpp>

#include <algorithm>
#include <utility>

#include <larder/error.hpp>

#include "src/bool_check.hpp"

namespace larder::detail {

void object_source::fail(std::string_view detail) const {
  throw format_error(path(), format_code::object, detail);
}

struct object_reader::pointers_seen {
  struct pointer {
    std::shared_ptr<void> held;  // null while what it points to is being read
    const void* tag = nullptr;
    unsigned height = 0;
  };
  std::vector<pointer> by_id;

  /// Of memory for each: the vector has up to two places for it, and a third while it grows.
  static constexpr std::size_t k_bytes = 3 * sizeof(pointer);
};

object_reader::object_reader(object_source& source)
    : source_(source), at_(source.stream().data()), end_(at_ + source.stream().size()) {}
object_reader::~object_reader() = default;

void object_reader::finish() const {
  if (at_ != end_) fail("the stream goes on after its value");
  source_.require_all_used();
}

void object_reader::text(std::string& out) {
  static const std::size_t k_inline_bytes = std::string().capacity();
  const std::size_t bytes = count(1);
  if (bytes > k_inline_bytes) take_allocation(bytes + 1);
  out.resize(bytes);
  run(out.data(), bytes);
}

raw_array object_reader::array(dtype expected, result_kind wanted) {
  const auto segment = scalar<std::uint32_t>();
  if (segment != k_inline_elements) return source_.array(segment, expected, wanted);
  constexpr std::size_t k_buffer_bytes = 256;  // the object that owns the elements, and their alignment
  const std::size_t elements = count(item_size(expected));
  take_memory(elements * item_size(expected) + k_buffer_bytes);
  raw_array a = allocate(expected, extents(elements), initial::unspecified);
  run(a.data, a.nbytes());
  if (expected == dtype::boolean) require_bools(source_.path(), {a.data, a.nbytes()});
  return a;
}

void object_reader::elements(dtype expected, const placement& place) {
  const auto segment = scalar<std::uint32_t>();
  if (segment != k_inline_elements) return source_.elements(segment, expected, place);
  const std::size_t elements = count(item_size(expected));
  if (elements != 0) take_allocation(elements * item_size(expected));
  run(place(elements), elements * item_size(expected));
}

void object_reader::refuse_nesting() const {
  fail("values are nested more than " + std::to_string(k_deepest_nesting) + " deep");
}

void object_reader::count_empty_element() {
  if (++empty_elements_ > k_most_empty_elements) fail("too many elements that hold nothing");
}

std::shared_ptr<void> object_reader::shared_before(std::uint32_t id, const void* tag) {
  if (pointers_ == nullptr || id > pointers_->by_id.size())
    fail("a shared pointer to something that never came");
  const auto& pointer = pointers_->by_id[id - 1];
  if (!pointer.held) fail("shared pointers lead in a circle");
  if (pointer.tag != tag) fail("a shared pointer to something of another type");
  nesting_.join(pointer.height);
  return pointer.held;
}

void object_reader::begin_shared(std::uint32_t id) {
  if (pointers_ == nullptr) pointers_ = std::make_unique<pointers_seen>();
  if ((id & ~k_first_use) != pointers_->by_id.size() + 1)
    fail("shared pointers that are not numbered in order");
  take_memory(pointers_seen::k_bytes);
  pointers_->by_id.emplace_back();
}

void object_reader::end_shared(std::uint32_t id, std::shared_ptr<void> pointer, const void* tag) {
  pointers_->by_id[(id & ~k_first_use) - 1] = {std::move(pointer), tag, nesting_.height()};
}

}  // namespace larder::detail
