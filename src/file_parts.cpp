#include "src/file_parts.hpp"

#include <algorithm>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

constexpr std::uint64_t k_at_once = 4096;

std::vector<std::byte> copy(std::span<const std::byte> from, std::uint64_t offset, std::uint64_t size) {
  const auto part = from.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  return {part.begin(), part.end()};
}

}  // namespace

file_parts::file_parts(const descriptor& file, std::uint64_t file_bytes)
    : file_(file), file_bytes_(file_bytes) {
  front_ = fetch(0, std::min<std::uint64_t>(file_bytes, k_at_once));
}

std::span<const std::byte> file_parts::front(std::size_t wanted) {
  wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, file_bytes_));
  if (front_.size() < wanted) front_ = fetch(0, wanted);
  return front_;
}

std::vector<std::byte> file_parts::part(std::uint64_t offset, std::uint64_t size) {
  if (offset + size <= front_.size()) return copy(front_, offset, size);
  const std::uint64_t back_offset = file_bytes_ - std::min<std::uint64_t>(file_bytes_, k_at_once);
  if (offset < back_offset) return fetch(offset, size);
  if (back_.empty()) back_ = fetch(back_offset, file_bytes_ - back_offset);
  return copy(back_, offset - back_offset, size);
}

std::vector<std::byte> file_parts::fetch(std::uint64_t offset, std::uint64_t size) const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  read_exactly(file_, bytes, offset);
  return bytes;
}

void read_exactly(const descriptor& file, std::span<std::byte> out, std::uint64_t offset) {
  if (file.read_at(out, offset) != out.size()) {
    throw format_error(file.path(), format_code::truncated, "the file became shorter while it was read");
  }
}

}  // namespace larder::detail
