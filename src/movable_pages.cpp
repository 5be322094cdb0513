#include "src/movable_pages.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/buffer.hpp"
#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

/// Where pages are moved to.
struct room {
  std::shared_ptr<const shared_file> file;
  std::uint64_t offset;
  bool is_part;  // others lie in the file, too
};

descriptor nameless_file(const std::string& folder) {
  if (folder.empty()) {
    const int fd = ::memfd_create("larder array", MFD_CLOEXEC);
    if (fd < 0) throw io_error("shared memory for an array", "cannot create", errno);
    return {fd, "shared memory"};
  }
  int fd = open_fd(folder, O_TMPFILE | O_RDWR, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // not every file system has files without names
    std::string name = folder + "/.larder-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
  }
  if (fd < 0) throw io_error(folder, "cannot create a file for an array there (temp_folder)", errno);
  return {fd, folder};
}

/// A file for many buffers: those for which no descriptor is left. What lay in it is never used again, so that a process that has
/// something mapped does not see something else there; it is free again when all of them are gone.
struct arena {
  std::weak_ptr<const shared_file> file;
  std::string folder;
  std::uint64_t end;
  std::size_t buffers;
  std::size_t most;
};

constexpr std::size_t k_most_arenas = 64;

/// The more there are, the larger a new one: so a few dozen serve all that a process can map.
constexpr std::size_t buffers_of_next(std::size_t arenas) noexcept {
  return std::size_t{64} << std::min<std::size_t>(arenas / 8, 7);
}

// Under fork_safe_mutex. Never destroyed: arrays may live as long as the program.
std::vector<arena>& arenas() {
  static auto& all = *new std::vector<arena>;
  return all;
}

std::optional<room> room_in_arena(std::size_t bytes, const std::string& folder) {
  const std::lock_guard lock(fork_safe_mutex());
  auto& all = arenas();
  std::erase_if(all, [](const arena& each) { return each.file.expired(); });
  for (arena& each : all) {
    const bool has_room = each.buffers < each.most || all.size() >= k_most_arenas;
    auto file = has_room && each.folder == folder ? each.file.lock() : nullptr;
    // What was inherited is the parent's to use.
    if (!file || !file->is_own()) continue;
    ++each.buffers;
    return room{std::move(file), std::exchange(each.end, each.end + bytes), true};
  }
  return std::nullopt;
}

room find_room(std::size_t bytes, const std::string& folder) {
  if (take_kept_descriptor()) {
    try {
      return {std::make_shared<shared_file>(nameless_file(folder), true), 0, false};
    } catch (...) {
      give_kept_descriptor();
      // The process may have used its descriptors up otherwise.
      if (auto found = room_in_arena(bytes, folder)) return *std::move(found);
      throw;
    }
  }
  if (auto found = room_in_arena(bytes, folder)) return *std::move(found);
  auto file = std::make_shared<const shared_file>(nameless_file(folder));
  const std::lock_guard lock(fork_safe_mutex());
  auto& all = arenas();
  all.push_back({file, folder, bytes, 1, buffers_of_next(all.size())});
  return {std::move(file), 0, true};
}

/// Puts a mapping of the file in the place of the pages. Whoever reads them meanwhile finds the one or the other. All that can
/// fail, but for the kernel's own bookkeeping, does so before anything changes.
bool replace_pages(std::byte* data, std::size_t bytes, int protection, const room& to) noexcept {
  void* const fresh =
      ::mmap(nullptr, bytes, protection, MAP_SHARED, to.file->fd(), static_cast<off_t>(to.offset));
  if (fresh == MAP_FAILED) return false;
  if (::mremap(fresh, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, data) == MAP_FAILED) {
    ::munmap(fresh, bytes);
    return false;
  }
  if (bytes >= k_huge_bytes) ::madvise(data, bytes, MADV_HUGEPAGE);  // advice, as in heap_buffer
  return true;
}

/// Of what was written in vain.
void give_back(const room& to, std::size_t bytes) noexcept {
  if (!to.is_part) return;
  ::fallocate(to.file->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(to.offset),
              static_cast<off_t>(bytes));
}

}  // namespace

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t whole_pages(std::size_t bytes) noexcept {
  return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

std::optional<placed_buffer> movable_pages::place(std::byte* data, std::size_t bytes, int protection,
                                                  detail::sharing sharing, const std::string& temp_folder,
                                                  moving may_move) const {
  const std::lock_guard lock(placing_mutex(this));
  if (!file_) {
    if (may_move == moving::none) return std::nullopt;
    const std::size_t pages = whole_pages(bytes);
    room to = find_room(pages, temp_folder);
    // By write(), which is faster than a mapping, and which says so where there is no memory.
    if (!write_all_at(to.file->fd(), {data, bytes}, to.offset)) {
      const int errno_value = errno;
      give_back(to, pages);
      const std::string where = temp_folder.empty() ? "shared memory" : temp_folder + " (temp_folder)";
      throw io_error(where, "cannot take " + std::to_string(bytes) + " bytes for an array that is passed",
                     errno_value);
    }
    // Said before it is so: a child that is forked just then takes pages for moved that are not, which does no harm.
    offset_ = to.offset;
    file_ = to.file;
    if (!replace_pages(data, pages, protection, to)) {
      file_ = nullptr;
      give_back(to, pages);
      return std::nullopt;
    }
  }
  return placed_buffer{file_, offset_, bytes, data, sharing};
}

}  // namespace larder::detail
