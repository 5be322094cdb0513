#include "src/known_small_files.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <mutex>
#include <new>
#include <utility>

#include <sys/stat.h>

#include "src/fork_safety.hpp"
#include "src/same_bytes.hpp"
#include "src/settled_time.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

::timespec coarse_now() noexcept {
  ::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now;
}

bool is_same(const ::timespec& a, const ::timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Nobody but root sets the time of the last change back.
bool is_same_file(const file_structure& read, const struct ::stat& status) noexcept {
  return read.identity == file_identity{status.st_dev, status.st_ino} &&
         read.file_bytes == static_cast<std::uint64_t>(status.st_size) &&
         is_same(read.modified, status.st_mtim) && is_same(read.changed, status.st_ctim);
}

/// Nothing has to be read from the file for what a user may want of it.
bool has_all(const file_structure& of) noexcept {
  const auto is_raw = [](const stored_segment& each) { return each.codec == codec::raw; };
  const bool has_arrays =
      of.array_count == 0 || (!of.small.empty() && std::ranges::all_of(of.arrays(), is_raw));
  return has_arrays && (!of.is_object() || !of.object.empty());
}

/// What may be written to might be through a mapping, which not every file system gives a time for.
bool is_small_and_sealed(const file_structure& of) noexcept {
  // Of what is compressed, it may be much more.
  return of.read_only && of.file_bytes <= known_small_file::k_too_large &&
         of.object.size() + of.metadata.size() <= known_small_file::k_too_large;
}

// Files whose paths have the same hash share a place, of which there are so many.
constexpr std::size_t k_places = 1024;

/// Of the last look that came to a place, and of what is known there (0: nothing): hints, which order nothing, and spare most looks the mutex.
struct names {
  std::atomic<std::uint64_t> last = 0;
  std::atomic<std::uint64_t> known = 0;
};
constinit std::array<names, k_places> all_names;

struct known_file {
  std::string path;
  std::shared_ptr<const file_structure> structure;
};

/// Under fork_safe_mutex, from its making on. Never destroyed: threads may load until the very end. Full, it takes 8 MiB.
known_file& known_file_at(std::size_t place) {
  static auto& files = *new std::array<known_file, k_places>;
  return files[place];
}

}  // namespace

known_small_file::known_small_file(const std::string& path) : known_small_file(path, coarse_now()) {}

known_small_file::known_small_file(const std::string& path, const ::timespec& now)
    : path_(path), name_(xxh3_64(text_bytes(path))), now_(now) {
  names& here = all_names[name_ % k_places];
  const std::uint64_t known_name = here.known.load(std::memory_order_relaxed);
  const bool again = here.last.load(std::memory_order_relaxed) == name_;
  if (!again) here.last.store(name_, std::memory_order_relaxed);
  takes_place_ = again || known_name == 0;
  if (known_name == name_) {
    const std::lock_guard lock(fork_safe_mutex());
    const known_file& known = known_file_at(name_ % k_places);
    if (known.path == path) structure_ = known.structure;
  }
  if (structure_ == nullptr) return;
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) == 0 && is_same_file(*structure_, status)) {
    accessed_ = status.st_atim;
    return;
  }
  // Asked once, and freed without the mutex.
  const std::shared_ptr<const file_structure> old = std::move(structure_);
  std::shared_ptr<const file_structure> forgotten;
  const std::lock_guard lock(fork_safe_mutex());
  known_file& known = known_file_at(name_ % k_places);
  if (known.structure != old) return;
  forgotten.swap(known.structure);
  here.known.store(0, std::memory_order_relaxed);
}

void known_small_file::remember(const std::shared_ptr<const file_structure>& read) noexcept {
  // What changed in the last two seconds may change without getting another time.
  const bool settled = is_settled(read->modified, now_) && is_settled(read->changed, now_);
  if (!takes_place_ || !settled || !is_small_and_sealed(*read) || !has_all(*read)) return;
  try {
    // What they take the place of is freed after the mutex.
    std::string path = path_;
    std::shared_ptr<const file_structure> structure = read;
    const std::lock_guard lock(fork_safe_mutex());
    known_file& known = known_file_at(name_ % k_places);
    known.path.swap(path);
    known.structure.swap(structure);
    all_names[name_ % k_places].known.store(name_, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {  // then it is read again
  }
}

}  // namespace larder::detail
