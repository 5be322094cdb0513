#include "parallel/message_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <larder/error.hpp>

#include "src/buffer.hpp"
#include "src/strided_copy.hpp"

namespace larder::detail {
namespace {

raw_array copied(const raw_array& a) {
  return a.is_row_major() ? copy_of(a) : transpose_view(copy_of(transpose_view(a)));
}

}  // namespace

const std::string& message_reader::path() const noexcept {
  static const std::string name = "a result from another process";
  return name;
}

void message_reader::refuse(const std::string& detail) const {
  throw format_error(path(), format_code::object, detail);
}

std::span<const std::byte> message_reader::take(std::uint64_t count) {
  if (count > left_.size()) refuse("the message ends within a value");
  const auto taken = left_.first(static_cast<std::size_t>(count));
  left_ = left_.subspan(taken.size());
  return taken;
}

void message_reader::bytes(void* data, std::size_t count) {
  copy_next(data, count);
  received_.copied += count;
}

void message_reader::copy_next(void* data, std::size_t count) {
  const auto taken = take(count);
  if (count != 0) std::memcpy(data, taken.data(), count);
}

std::string_view message_reader::text_view() {
  const auto taken = take(number<std::uint64_t>());
  return {reinterpret_cast<const char*>(taken.data()), taken.size()};
}

void message_reader::finish() const {
  if (!left_.empty()) refuse("the message goes on after its values");
}

array_place message_reader::place() {
  array_place a{};
  const auto type = number<std::uint8_t>();
  if (type > static_cast<std::uint8_t>(dtype::boolean)) refuse("an array of an unknown element type");
  a.dtype = static_cast<dtype>(type);
  a.columns = number<std::uint8_t>() != 0;
  a.place = number<data_place>();
  const auto rank = number<std::uint8_t>();
  if (rank > k_max_rank) refuse("an array of too many dimensions");
  for (unsigned d = 0; d < rank; ++d) a.shape.push_back(static_cast<std::size_t>(number<std::uint64_t>()));
  a.bytes = checked_bytes(extents(a.shape), item_size(a.dtype));
  switch (a.place) {
    case data_place::message:
      a.inside = take(a.bytes).data();
      return a;
    case data_place::log:
      if (log_ == nullptr) refuse("an array beside a message that has nothing there");
      a.offset = number<std::uint64_t>();
      return a;
    case data_place::file:
      place_in_file(a);
      return a;
  }
  refuse("an array in an unknown place");
}

void message_reader::place_in_file(array_place& a) {
  if (files_ == nullptr) refuse("an array in a file of a message without files");
  for (std::size_t d = 0; d != a.shape.size(); ++d) {
    a.strides.push_back(static_cast<std::ptrdiff_t>(number<std::int64_t>()));
  }
  a.file = number<std::uint64_t>();
  a.buffer_offset = number<std::uint64_t>();
  a.buffer_bytes = number<std::uint64_t>();
  a.offset = number<std::uint64_t>();
  const auto mode = number<std::uint8_t>();
  if (mode != static_cast<std::uint8_t>(mmap_mode::read_write) &&
      mode != static_cast<std::uint8_t>(mmap_mode::copy_on_write))
    refuse("an array in a file that is mapped in an unknown way");
  a.writable_as = static_cast<mmap_mode>(mode);

  // Its first and last byte, which no sum may hide.
  __extension__ using wide = __int128;
  const std::size_t item = item_size(a.dtype);
  const auto alignment = static_cast<std::ptrdiff_t>(std::min<std::size_t>(item, 8));
  wide low = a.offset;
  wide high = low + static_cast<wide>(a.bytes == 0 ? 0 : item);
  bool is_aligned = a.offset % static_cast<std::uint64_t>(alignment) == 0;
  for (std::size_t d = 0; d != a.shape.size() && a.bytes != 0; ++d) {
    const wide span = static_cast<wide>(a.shape[d] - 1) * a.strides[d];
    (span < 0 ? low : high) += span;
    is_aligned = is_aligned && (a.shape[d] == 1 || a.strides[d] % alignment == 0);
  }
  if (low < 0 || high > static_cast<wide>(a.buffer_bytes)) refuse("an array that reaches beyond its buffer");
  if (!is_aligned) refuse("an array whose elements are not aligned");
}

array_place message_reader::sole_array(dtype expected) {
  if (number<value_kind>() != value_kind::array) {
    throw type_mismatch(path(), type_text(expected), "an object");
  }
  array_place found = place();
  if (found.dtype != expected) throw type_mismatch(path(), type_text(expected), type_text(found.dtype));
  return found;
}

raw_array message_reader::array(dtype expected, result_kind wanted) {
  return load(sole_array(expected), wanted);
}

void message_reader::elements(dtype expected, const placement& place) {
  const array_place from = sole_array(expected);
  copy(from, place(from.bytes / item_size(from.dtype)));
}

object_source& message_reader::object(std::string_view type, std::uint32_t schema) {
  const std::string expected(type);
  if (number<value_kind>() != value_kind::object) throw type_mismatch(path(), expected, "an array");
  const auto written = number<std::uint32_t>();
  const auto found = text_view();
  if (found != type) throw type_mismatch(path(), expected, std::string(found));
  if (written != schema)
    throw type_mismatch(path(), expected, expected + " with other fields (LARDER_FIELDS)");
  // The object's bytes begin with the type text, too, as they do in a file.
  const auto bytes = take(number<std::uint64_t>());
  if (bytes.size() < sizeof(std::uint32_t) + type.size()) refuse("an object without its type");
  stream_ = bytes.subspan(sizeof(std::uint32_t) + type.size());
  received_.copied += stream_.size();
  parts_.clear();
  for (auto n = number<std::uint32_t>(); n != 0; --n) parts_.push_back({place(), {}, {}});
  return *this;
}

message_reader::part& message_reader::find(std::uint32_t segment, dtype expected) {
  if (segment >= parts_.size()) fail("an array that is not there");
  if (parts_[segment].place.dtype != expected) fail("an array of another element type");
  return parts_[segment];
}

raw_array message_reader::array(std::uint32_t segment, dtype expected, result_kind wanted) {
  part& here = find(segment, expected);
  auto& known = wanted == result_kind::read_only_array ? here.read_only : here.writable;
  if (!known && here.place.place == data_place::file) known = load(here.place, wanted);
  if (!known) {
    const auto& other = wanted == result_kind::read_only_array ? here.writable : here.read_only;
    // A copy serves both. Of a mapping the other kind is a copy: the pages go when the one handle does.
    known = !other ? load(here.place, wanted) : origin_of(*other) ? copied(*other) : *other;
  }
  return *known;
}

void message_reader::elements(std::uint32_t segment, dtype expected, const placement& place) {
  const array_place& from = find(segment, expected).place;
  if (from.shape.size() != 1) fail("a vector of several dimensions");
  copy(from, place(from.shape[0]));
}

raw_array message_reader::map(const array_place& from, mmap_mode mode) {
  auto owner = files_->map(from.file, from.buffer_offset, from.buffer_bytes, mode);
  std::byte* const data = owner->data() + from.offset;
  return {std::move(owner), data, from.dtype, layout(from.shape, from.strides)};
}

raw_array message_reader::load(const array_place& from, result_kind wanted) {
  if (from.place == data_place::file) {
    received_.mapped += from.bytes;
    return map(from, wanted == result_kind::read_only_array ? mmap_mode::read : from.writable_as);
  }
  const extents shape(from.shape);
  const std::size_t item = item_size(from.dtype);
  const auto finished = [&](raw_array rows) { return from.columns ? transpose_view(rows) : rows; };
  if (from.place == data_place::log && from.bytes > max_nbytes_) {
    const mmap_mode mode =
        wanted == result_kind::read_only_array ? mmap_mode::read : mmap_mode::copy_on_write;
    if (auto owner = log_->map(from.offset, from.bytes, mode)) {
      received_.mapped += from.bytes;
      std::byte* const data = owner->data();
      return finished({std::move(owner), data, from.dtype, layout::row_major(shape, item)});
    }
  }
  raw_array rows = allocate(from.dtype, shape, initial::unspecified);
  copy(from, rows.data);
  return finished(std::move(rows));
}

void message_reader::copy(const array_place& from, std::byte* out) {
  received_.copied += from.bytes;
  if (from.bytes == 0) return;
  if (from.place == data_place::message) {
    std::memcpy(out, from.inside, from.bytes);
    return;
  }
  if (from.place == data_place::file) {
    const raw_array mapped = map(from, mmap_mode::read);
    gather(mapped, 0, mapped.count(), out);
    return;
  }
  log_->read({out, from.bytes}, from.offset);
  log_->give_back(from.offset, from.bytes);
}

}  // namespace larder::detail
