#include "parallel/message_writer.hpp"

#include <algorithm>

#include "src/strided_copy.hpp"

namespace larder::detail {
namespace {

// What is copied twice, to the message and to the log, is small.
constexpr std::uint64_t k_most_inside = std::uint64_t{64} << 10;

}  // namespace

message_writer::message_writer(log_writer& log, std::uint64_t max_nbytes) noexcept
    : log_(log), most_inside_(static_cast<std::size_t>(std::min(max_nbytes, k_most_inside))) {}

void message_writer::text(std::string_view text) {
  number(std::uint64_t{text.size()});
  bytes(text.data(), text.size());
}

void message_writer::finish() {
  log_.append(std::as_bytes(std::span(message_)));
  message_.clear();
}

void message_writer::array(const raw_array& a) {
  number(value_kind::array);
  put(a);
}

void message_writer::object(const object_parts& object) {
  number(value_kind::object);
  number(object.schema);
  text(object.type);
  text(object.bytes);
  number(static_cast<std::uint32_t>(object.arrays.size()));
  for (const raw_array& each : object.arrays) put(each);
}

void message_writer::put(const raw_array& a) {
  const bool columns = !a.is_row_major() && a.is_column_major();
  const raw_array rows = columns ? transpose_view(a) : a;
  const bool inside = rows.nbytes() <= most_inside_;
  number(rows.dtype);
  number(static_cast<std::uint8_t>(columns));
  number(inside ? data_place::message : data_place::log);
  number(static_cast<std::uint8_t>(rows.layout.rank()));
  for (const std::size_t size : rows.layout.shape()) number(std::uint64_t{size});
  if (!inside) {
    number(log_.append_data(rows));
  } else if (rows.is_row_major()) {
    bytes(rows.data, rows.nbytes());
  } else {
    const std::size_t before = message_.size();
    message_.resize(before + rows.nbytes());
    gather(rows, 0, rows.count(), reinterpret_cast<std::byte*>(message_.data() + before));
  }
}

}  // namespace larder::detail
