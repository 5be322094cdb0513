#include "src/sealed_file.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>

#include "src/descriptor.hpp"
#include "src/known_small_files.hpp"

namespace larder::detail {
namespace {

bool is_recent(const ::timespec& used, const ::timespec& made) noexcept {
  constexpr std::int64_t k_recent_seconds = 60;
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  const bool used_since =
      used.tv_sec != made.tv_sec ? used.tv_sec > made.tv_sec : used.tv_nsec > made.tv_nsec;
  return used_since && now.tv_sec - used.tv_sec < k_recent_seconds;
}

/// With nothing to do for reading: the system would look at the time at each call. Only the owner of a file may ask for that.
std::optional<descriptor> open_sealed(const std::string& path) {
  // A symbolic link is none: one that leads nowhere would be in the way of whoever writes there.
  constexpr int k_flags = O_RDONLY | O_NOFOLLOW;
  const int fd = open_fd(path, k_flags | O_NOATIME, 0);
  if (fd >= 0) return descriptor(fd, path);
  if (errno == ENOENT) return std::nullopt;
  return descriptor::open_if_exists(path, k_flags);
}

}  // namespace

void mark_used(const descriptor& file) noexcept {
  // Not UTIME_NOW, which is as coarse as the system's clock ticks: what is used shortly after another is used later.
  std::array<::timespec, 2> times = {{{}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}}};
  ::clock_gettime(CLOCK_REALTIME, &times.front());
  (void)::futimens(file.fd(), times.data());  // who may not, does not
}

bool with_sealed_file(const std::string& path, object_demand object, verification verify,
                      const load_policy& arrays, use_mark mark, function_ref<void(value_file&)> use) {
  const load_options options{.verification = verify};
  const bool is_full = verify == verification::full;
  const auto needs_mark = [mark](const ::timespec& used, const ::timespec& made) {
    return mark == use_mark::always || (mark == use_mark::if_old && !is_recent(used, made));
  };

  std::optional<known_small_file> known;
  if (mark != use_mark::always && !is_full && arrays.copy_below >= known_small_file::k_too_large) {
    known.emplace(path);
    const auto& structure = known->structure();
    if (structure != nullptr && !needs_mark(known->accessed(), structure->modified)) {
      value_file in_memory(path, structure, options, arrays);
      use(in_memory);
      return true;
    }
  }

  auto file = open_sealed(path);
  if (!file) return false;
  const trailer_demand trailer = is_full ? trailer_demand::sealed : trailer_demand::known;
  value_file opened(*std::move(file), options, object, {.trailer = trailer, .arrays = arrays});
  use(opened);
  const file_structure& structure = opened.structure();
  if (needs_mark(structure.accessed, structure.modified)) {
    mark_used(opened.file());
  } else if (known) {
    known->remember(opened.shared_structure());
  }
  return true;
}

}  // namespace larder::detail
