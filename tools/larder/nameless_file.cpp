#include "tools/larder/nameless_file.hpp"

#include <larder/error.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

constexpr std::size_t k_piece = std::size_t{1} << 20;
constexpr const char* k_input = "standard input";

std::size_t read_input(std::span<std::byte> piece) {
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw io_error(k_input, "cannot read", errno);
  }
}

}  // namespace

detail::atomic_file nameless_file() {
  std::error_code fault;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(fault);
  if (fault) throw io_error("TMPDIR", "is no directory for temporary files", fault.value());
  return {(directory / "larder").string(), 0600, detail::existing::keep};
}

detail::descriptor nameless_file_of_input() {
  const detail::atomic_file copy = nameless_file();
  std::vector<std::byte> piece(k_piece);
  while (const std::size_t got = read_input(piece)) copy.file().write(std::span(piece).first(got));
  const int fd = ::fcntl(copy.file().fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw io_error(k_input, "cannot keep open", errno);
  return {fd, k_input};
}

void print_file(const detail::descriptor& file) {
  std::vector<std::byte> piece(k_piece);
  for (std::uint64_t at = 0; const std::size_t got = file.read_at(piece, at); at += got)
    print({reinterpret_cast<const char*>(piece.data()), got});
}

}  // namespace larder::command
