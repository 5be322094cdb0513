#include "src/file_digest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/descriptor.hpp"
#include "src/file_times.hpp"
#include "src/remembered_digests.hpp"
#include "src/team_loop.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_piece = std::size_t{256} << 10;  // stays in the cache between reading and hashing

constinit remembered_digests remembered;

[[noreturn]] void refuse_size(const descriptor& file) {
  throw io_error(
      file.path(),
      "does not hold as many bytes as its size says (it is being written, or no ordinary file, as in "
      "/proc): give what is in it instead",
      EINVAL);
}

void refuse_irregular(const descriptor& file, const struct ::stat& status) {
  if (S_ISREG(status.st_mode)) return;
  throw io_error(file.path(), "has no content to hash: give the path of a regular file",
                 S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
}

digest read_chunk(const descriptor& file, const array_digester& digester, std::size_t i) {
  const auto scratch = std::make_unique_for_overwrite<std::byte[]>(std::min(k_piece, digester.chunk_size(i)));
  const std::uint64_t begin = i * std::uint64_t{k_chunk_bytes};
  xxh3_stream stream;
  digester.begin(stream);
  for (std::size_t done = 0; done < digester.chunk_size(i);) {
    const std::span piece(scratch.get(), std::min(k_piece, digester.chunk_size(i) - done));
    if (file.read_at(piece, begin + done) != piece.size()) refuse_size(file);
    stream.update(piece);
    done += piece.size();
  }
  return stream.finish();
}

/// Read and not mapped: a mapped file that is cut off meanwhile would end the program.
digest read(const descriptor& file, std::uint64_t bytes) {
  // The files of /proc are as long as 0 bytes, and not empty.
  std::array<std::byte, 1> more;
  if (bytes == 0 && file.read_at(more, 0) != 0) refuse_size(file);
  array_digester digester({}, bytes);
  for_each_on_team(digester.chunk_count(), k_all_processors,
                   [&](std::size_t i) { digester.take_digest(i, read_chunk(file, digester, i)); });
  return digester.finish();
}

}  // namespace

file_digest digest_of_file(const std::string& path) {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return digest_of_file(path, now);
}

file_digest digest_of_file(const std::string& path, const std::timespec& now) {
  const descriptor file = descriptor::open(path, O_RDONLY);
  const struct ::stat status = file.stat();
  refuse_irregular(file, status);
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const digest state = state_of(status);
  if (const auto known = remembered.find(state)) return {bytes, *known};
  const digest value = read(file, bytes);
  // What changed while it was read has another state now, or had been changed too short a time before.
  if (is_settled(status, now) && state_of(file.stat()) == state) remembered.remember(state, value);
  return {bytes, value};
}

digest state_of(const struct ::stat& status) noexcept {
  const auto number = [](auto value) { return static_cast<std::uint64_t>(value); };
  const std::array words{number(status.st_dev),          number(status.st_ino),
                         number(status.st_size),         number(status.st_mtim.tv_sec),
                         number(status.st_mtim.tv_nsec), number(status.st_ctim.tv_sec),
                         number(status.st_ctim.tv_nsec)};
  return xxh3_128(std::as_bytes(std::span(words)));
}

bool is_settled(const struct ::stat& status, const std::timespec& now) noexcept {
  return is_settled(status.st_mtim, now) && is_settled(status.st_ctim, now);
}

}  // namespace larder::detail
