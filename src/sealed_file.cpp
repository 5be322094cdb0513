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

// What is in memory is opened every now and then by those who leave it to the system to note that.
constexpr std::int64_t k_opened_seconds = 3600;

/// Whether it will do to look into memory.
bool is_enough(const known_small_file& known, use_mark mark) noexcept {
  if (known.structure() == nullptr) return false;
  if (mark == use_mark::none) return seconds_since(known.opened()) < k_opened_seconds;
  // Who may not mark it tries again after some time.
  return is_noted(known.accessed(), *known.structure()) ||
         (known.is_unmarkable() && seconds_since(known.opened()) < k_recent_use_seconds);
}

std::optional<descriptor> open_sealed(const std::string& path, use_mark mark) {
  // A symbolic link is none: one that leads nowhere would be in the way of whoever writes there.
  constexpr int k_flags = O_RDONLY | O_NOFOLLOW;
  if (mark == use_mark::if_old) return descriptor::open_if_exists(path, k_flags);
  // The system has nothing to note then. Only the owner of a file may ask for that.
  const int fd = open_fd(path, k_flags | O_NOATIME, 0);
  if (fd >= 0) return descriptor(fd, path);
  if (errno == ENOENT) return std::nullopt;
  return descriptor::open_if_exists(path, k_flags);
}

}  // namespace

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

  auto file = open_sealed(path, mark);
  if (!file) return false;
  const trailer_demand trailer = is_full ? trailer_demand::sealed : trailer_demand::known;
  value_file opened(*std::move(file), options, object, {.trailer = trailer, .arrays = arrays});
  use(opened);
  const file_structure& before = opened.structure();
  const bool needs_mark =
      mark == use_mark::always || (mark == use_mark::if_old && !is_noted(before.accessed, before) &&
                                   !is_noted_by_system(opened.file(), before));
  if (needs_mark && mark_used(opened.file())) return true;  // which has changed it
  if (known) known->remember(opened.file(), before, needs_mark);
  return true;
}

}  // namespace larder::detail
