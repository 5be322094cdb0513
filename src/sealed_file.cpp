#include "src/sealed_file.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>

#include "src/descriptor.hpp"
#include "src/file_times.hpp"
#include "src/known_small_files.hpp"

namespace larder::detail {
namespace {

// A use that is noted so well is not noted again.
constexpr std::int64_t k_recent_seconds = 60;
// What is in memory is opened every now and then by those who leave it to the system to note that.
constexpr std::int64_t k_opened_seconds = 3600;

bool is_recent(const ::timespec& used, std::int64_t seconds) noexcept {
  return coarse_now().tv_sec - used.tv_sec < seconds;
}

/// Whether it was used since it was made, and just now.
bool is_noted(const ::timespec& accessed, const file_structure& of) noexcept {
  return compare(accessed, of.modified) > 0 && is_recent(accessed, k_recent_seconds);
}

/// Whether it will do to look into memory.
bool is_enough(const known_small_file& known, use_mark mark) noexcept {
  if (known.structure() == nullptr) return false;
  if (mark == use_mark::none) return is_recent(known.opened(), k_opened_seconds);
  // Who may not mark it tries again after some time.
  return is_noted(known.accessed(), *known.structure()) ||
         (known.is_unmarkable() && is_recent(known.opened(), k_recent_seconds));
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

bool mark_used(const descriptor& file) noexcept {
  // Not UTIME_NOW, which is as coarse as the system's clock ticks: what is used shortly after another is used later.
  std::array<::timespec, 2> times = {{{}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}}};
  ::clock_gettime(CLOCK_REALTIME, &times.front());
  return ::futimens(file.fd(), times.data()) == 0;
}

bool with_sealed_file(const std::string& path, object_demand object, verification verify,
                      const load_policy& arrays, use_mark mark, function_ref<void(value_file&)> use) {
  const load_options options{.verification = verify};
  const bool is_full = verify == verification::full;

  std::optional<known_small_file> known;
  // In the memory of what is known, arrays can be copied, but not mapped.
  const bool copies_arrays = arrays.copy_below >= known_small_file::k_most_bytes;
  if (mark != use_mark::always && !is_full && copies_arrays) {
    known.emplace(path);
    if (is_enough(*known, mark)) {
      value_file in_memory(path, known->structure(), options, arrays);
      use(in_memory);
      return true;
    }
  }

  auto file = open_sealed(path);
  if (!file) return false;
  const trailer_demand trailer = is_full ? trailer_demand::sealed : trailer_demand::known;
  value_file opened(*std::move(file), options, object, {.trailer = trailer, .arrays = arrays});
  use(opened);
  const bool needs_mark =
      mark == use_mark::always ||
      (mark == use_mark::if_old && !is_noted(opened.structure().accessed, opened.structure()));
  const bool is_marked = needs_mark && mark_used(opened.file());
  // A mark has changed it.
  if (known && !is_marked) known->remember(opened.file(), opened.structure(), needs_mark);
  return true;
}

}  // namespace larder::detail
