#include "parallel/message_writer.hpp"

#include <algorithm>

#include "src/buffer.hpp"
#include "src/strided_copy.hpp"

namespace larder::detail {
namespace {

// What is copied twice, to the message and to the log, is small.
constexpr std::uint64_t k_most_inside = std::uint64_t{64} << 10;

bool is_columns(const raw_array& a) noexcept { return !a.is_row_major() && a.is_column_major(); }

}  // namespace

void message_encoder::text(std::string_view text) {
  number(std::uint64_t{text.size()});
  bytes(text.data(), text.size());
}

void message_encoder::array(const raw_array& a) {
  number(value_kind::array);
  put(a);
}

void message_encoder::object(const object_parts& object) {
  number(value_kind::object);
  number(object.schema);
  text(object.type);
  text(object.bytes);
  number(static_cast<std::uint32_t>(object.arrays.size()));
  for (const raw_array& each : object.arrays) put(each);
}

void message_encoder::put_head(const raw_array& a, bool columns, std::uint8_t place) {
  number(a.dtype);
  number(static_cast<std::uint8_t>(columns));
  number(place);
  number(static_cast<std::uint8_t>(a.layout.rank()));
  for (const std::size_t size : a.layout.shape()) number(std::uint64_t{size});
}

void message_encoder::put_here(const raw_array& a) {
  const bool columns = is_columns(a);
  const raw_array rows = columns ? transpose_view(a) : a;
  put_head(rows, columns, static_cast<std::uint8_t>(data_place::message));
  if (rows.is_row_major()) {
    bytes(rows.data, rows.nbytes());
  } else {
    const std::size_t before = message_.size();
    message_.resize(before + rows.nbytes());
    gather(rows, 0, rows.count(), reinterpret_cast<std::byte*>(message_.data() + before));
  }
}

void message_encoder::put_in_log(const raw_array& a, log_writer& log) {
  const bool columns = is_columns(a);
  const raw_array rows = columns ? transpose_view(a) : a;
  put_head(rows, columns, static_cast<std::uint8_t>(data_place::log));
  number(log.append_data(rows));
}

void message_encoder::put_in_file(const raw_array& a, const placed_array& at, mmap_mode writable_as) {
  put_head(a, false, static_cast<std::uint8_t>(data_place::file));
  for (const std::ptrdiff_t stride : a.layout.strides()) number(std::int64_t{stride});
  number(at.file->id());
  number(at.buffer_offset);
  number(at.buffer_bytes);
  number(at.offset);
  number(static_cast<std::uint8_t>(writable_as));
}

message_writer::message_writer(log_writer& log, std::uint64_t max_nbytes, file_sender* files) noexcept
    : log_(log), max_nbytes_(max_nbytes), files_(files) {}

bool message_writer::finish() {
  log_.append(std::as_bytes(std::span(message_)));
  const bool has_files = !sent_.empty();
  drop();
  return has_files;
}

void message_writer::put(const raw_array& a) {
  const std::uint64_t bytes = a.nbytes();
  if (bytes > max_nbytes_ && goes_as_file(a)) return;
  if (bytes > std::min(max_nbytes_, k_most_inside)) {
    put_in_log(a, log_);
    has_log_data_ = true;
  } else {
    put_here(a);
  }
}

/// Memory that this process has made to be shared, and files on disk that it only reads. What it has got from the other process may be
/// changed there: of that a result is a copy.
bool message_writer::goes_as_file(const raw_array& a) {
  if (files_ == nullptr) return false;
  const auto at = place(a, {}, moving::none);
  if (!at) return false;
  const bool is_made_here = a.owner->shared_descriptor() >= 0 && at->file->is_own();
  const bool is_read = at->sharing == sharing::read_only && !at->file->path().empty();
  if (!is_made_here && !is_read) return false;
  if (const auto id = at->file->id(); std::ranges::find(sent_, id) == sent_.end()) {
    if (!files_->try_send(*at->file)) return false;
    sent_.push_back(id);
  }
  put_in_file(a, *at, is_read ? mmap_mode::copy_on_write : mmap_mode::read_write);
  return true;
}

}  // namespace larder::detail
