#include "src/file_parts.hpp"

#include <algorithm>

#include <larder/error.hpp>

namespace larder::detail {

file_parts::file_parts(const descriptor& file, std::uint64_t file_bytes)
    : file_(file), file_bytes_(file_bytes) {
  const auto first = std::span(fetched_).first(
      file_bytes <= fetched_.size() ? static_cast<std::size_t>(file_bytes) : k_at_once);
  read_exactly(file_, first, 0);
  front_ = first;
}

std::span<const std::byte> file_parts::front(std::size_t wanted) {
  wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, file_bytes_));
  if (front_.size() < wanted) front_ = fetch(0, wanted, long_front_);
  return front_;
}

std::span<const std::byte> file_parts::part(std::uint64_t offset, std::uint64_t size,
                                            std::vector<std::byte>& scratch) {
  const auto within = [&](std::span<const std::byte> bytes, std::uint64_t begin) {
    return bytes.subspan(static_cast<std::size_t>(offset - begin), static_cast<std::size_t>(size));
  };
  if (offset + size <= front_.size()) return within(front_, 0);
  if (file_bytes_ - offset > k_at_once) return fetch(offset, size, scratch);
  const auto last = std::span(fetched_).last(k_at_once);
  if (last_offset_ == 0) {
    last_offset_ = file_bytes_ - k_at_once;
    read_exactly(file_, last, last_offset_);
  }
  return within(last, last_offset_);
}

std::span<const std::byte> file_parts::whole() const noexcept {
  return std::span(fetched_).first(file_bytes_ <= fetched_.size() ? static_cast<std::size_t>(file_bytes_)
                                                                  : 0);
}

std::span<const std::byte> file_parts::fetch(std::uint64_t offset, std::uint64_t size,
                                             std::vector<std::byte>& scratch) const {
  scratch.resize(static_cast<std::size_t>(size));
  read_exactly(file_, scratch, offset);
  return scratch;
}

void read_exactly(const descriptor& file, std::span<std::byte> out, std::uint64_t offset) {
  if (file.read_at(out, offset) != out.size()) {
    throw format_error(file.path(), format_code::truncated, "the file became shorter while it was read");
  }
}

}  // namespace larder::detail
