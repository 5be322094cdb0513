#include <larder/detail/object_writer.hpp>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <larder/error.hpp>

#include "src/buffer.hpp"

namespace larder::detail {
namespace {

/// What makes two handles the same view.
struct view_key {
  const std::byte* data;
  larder::dtype type;
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;

  friend auto operator<=>(const view_key&, const view_key&) = default;
};

view_key key_of(const raw_array& a) {
  const auto shape = a.layout.shape();
  const auto strides = a.layout.strides();
  return {a.data, a.dtype, {shape.begin(), shape.end()}, {strides.begin(), strides.end()}};
}

}  // namespace

struct object_writer::handles_seen {
  std::map<view_key, std::uint32_t> arrays;
  struct pointee {
    std::uint32_t id;
    bool complete;                     // false while it is being written
    std::shared_ptr<const void> held;  // so that no other comes to its address
    unsigned height = 0;
  };
  // Of another type at the same address is another object: a struct and its first member, say.
  std::map<std::pair<const void*, const void*>, pointee> pointees;
  std::vector<pointee*> by_id;
};

object_writer::object_writer(std::string_view type) : seen_(std::make_unique<handles_seen>()) {
  scalar(static_cast<std::uint32_t>(type.size()));
  append(type.data(), type.size());
  stream_begin_ = bytes_.size();
}
object_writer::~object_writer() = default;

void object_writer::array(const raw_array& a) {
  raw_array lasting = kept(a);
  const auto [place, added] =
      seen_->arrays.try_emplace(key_of(lasting), static_cast<std::uint32_t>(arrays_.size()));
  if (added) arrays_.push_back(std::move(lasting));
  scalar(place->second);
}

void object_writer::elements(const raw_array& a) {
  if (a.nbytes() <= k_inline_vector_bytes) {
    scalar(k_inline_elements);
    count(a.count());
    append(a.data, a.nbytes());
  } else {
    scalar(static_cast<std::uint32_t>(arrays_.size()));
    arrays_.push_back(kept(a));
  }
}

raw_array object_writer::kept(const raw_array& a) const {
  const bool lasts = a.owner != nullptr && a.owner->keeps_bytes();
  if (lasts || within_users_save_ == 0) return a;
  const bool columns = !a.is_row_major() && a.is_column_major();  // which the file keeps
  return columns ? transpose_view(copy_of(transpose_view(a))) : copy_of(a);
}

void object_writer::refuse_nesting() const {
  throw value_error("dump: values of users' types are nested more than " + std::to_string(k_deepest_nesting) +
                    " deep, counted through pointers, which may lead in a circle");
}

void object_writer::count_empty_element() {
  if (++empty_elements_ > k_most_empty_elements) {
    throw value_error("dump: containers with more than " + std::to_string(k_most_empty_elements) +
                      " elements that hold nothing; store their number instead");
  }
}

std::uint32_t object_writer::shared_id(const std::shared_ptr<const void>& pointee, const void* tag) {
  if (pointee == nullptr) return 0;
  const auto next = static_cast<std::uint32_t>(seen_->by_id.size() + 1);
  const auto [place, added] =
      seen_->pointees.try_emplace({pointee.get(), tag}, handles_seen::pointee{next, false, pointee, 0});
  if (added) {
    seen_->by_id.push_back(&place->second);
    return next | k_first_use;
  }
  if (!place->second.complete) throw value_error("dump: shared pointers lead in a circle");
  nesting_.join(place->second.height);
  return place->second.id;
}

void object_writer::end_shared(std::uint32_t id) {
  auto& pointee = *seen_->by_id[(id & ~k_first_use) - 1];
  pointee.complete = true;
  pointee.height = nesting_.height();
}

}  // namespace larder::detail
