#include "src/known_small_files.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "src/file_times.hpp"
#include "src/fork_safety.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

/// The time of the last change cannot be set to another one, except by setting the clock.
bool is_same_file(const file_structure& read, const struct ::stat& status) noexcept {
  return read.identity == file_identity{status.st_dev, status.st_ino} &&
         read.file_bytes == static_cast<std::uint64_t>(status.st_size) &&
         order(read.modified, status.st_mtim) == 0 && order(read.changed, status.st_ctim) == 0;
}

/// Nothing has to be read from the file for what a user may want of it. (Compressed arrays are read from it each time.)
bool has_all(const file_structure& of) noexcept {
  const auto is_raw = [](const stored_segment& each) { return each.codec == codec::raw; };
  const bool has_arrays =
      of.array_count == 0 || (!of.small.empty() && std::ranges::all_of(of.arrays(), is_raw));
  return has_arrays && (!of.is_object() || !of.object.empty());
}

/// What may be written to might be through a mapping, which not every file system gives a time for.
bool is_small_and_sealed(const file_structure& of) noexcept {
  // Of what is compressed, it may be much more.
  return of.read_only && of.file_bytes <= known_small_file::k_most_bytes &&
         of.object.size() + of.metadata.size() <= known_small_file::k_most_bytes;
}

/// Whether each change of the file is seen at once in what the system says of it without opening it: not so where it may come from another
/// machine (NFS, SMB), or from a program (FUSE). What is mounted for reading only may be mounted anew with other files that have the same times.
bool is_of_this_machine(const descriptor& file) noexcept {
  constexpr unsigned long k_xfs = 0x58465342;
  constexpr unsigned long k_zfs = 0x2fc12fc1;
  constexpr unsigned long k_bcachefs = 0xca451a4e;
  struct ::statfs system {};
  if (::fstatfs(file.fd(), &system) != 0 || (system.f_flags & ST_RDONLY) != 0) return false;
  switch (static_cast<unsigned long>(system.f_type)) {
    case EXT4_SUPER_MAGIC:  // also ext2 and ext3
    case k_xfs:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case k_zfs:
    case k_bcachefs:
      return true;
    default:
      return false;
  }
}

// Files whose paths have the same hash share a place, of which there are so many.
constexpr std::size_t k_places = 1024;
// Who was not looked for while others were so often is displaced. High enough that it costs nothing where many files are looked for at random.
constexpr std::uint32_t k_patience = 32;

/// What is known at a place (0: nothing), and how often others were looked for since it was: hints, which order nothing, and spare most looks
/// the mutex.
struct hint {
  std::atomic<std::uint64_t> name = 0;
  std::atomic<std::uint32_t> others = 0;
};
constinit std::array<hint, k_places> hints;

struct known_file {
  std::shared_ptr<const file_structure> structure;
  ::timespec used{};
};

/// Under fork_safe_mutex, from its making on. Never destroyed: threads may load until the very end. Full, it takes some 10 MiB.
known_file& known_file_at(std::size_t place) {
  static auto& files = *new std::array<known_file, k_places>;
  return files[place];
}

}  // namespace

known_small_file::known_small_file(const std::string& path) : known_small_file(path, coarse_now()) {}

known_small_file::known_small_file(const std::string& path, const ::timespec& now)
    : name_(xxh3_64(text_bytes(path))), now_(now) {
  hint& here = hints[name_ % k_places];
  const std::uint64_t known_name = here.name.load(std::memory_order_relaxed);
  const std::uint32_t others = here.others.load(std::memory_order_relaxed);
  if (known_name != name_) {
    takes_place_ = known_name == 0 || others >= k_patience;
    if (!takes_place_) here.others.store(others + 1, std::memory_order_relaxed);
    return;
  }
  takes_place_ = true;
  if (others != 0) here.others.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard lock(fork_safe_mutex());
    const known_file& known = known_file_at(name_ % k_places);
    structure_ = known.structure;
    used_ = known.used;
  }
  if (structure_ == nullptr) return;
  // Paths of the same hash lead to different files, or to one.
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) == 0 && is_same_file(*structure_, status)) {
    if (order(used_, status.st_atim) < 0) used_ = status.st_atim;
    return;
  }
  // Asked once, and freed without the mutex.
  const std::shared_ptr<const file_structure> old = std::move(structure_);
  std::shared_ptr<const file_structure> forgotten;
  const std::lock_guard lock(fork_safe_mutex());
  known_file& known = known_file_at(name_ % k_places);
  if (known.structure != old) return;
  forgotten.swap(known.structure);
  here.name.store(0, std::memory_order_relaxed);
}

void known_small_file::remember(const descriptor& file, const std::shared_ptr<const file_structure>& read,
                                const ::timespec& used) noexcept {
  if (!takes_place_ || !is_small_and_sealed(*read) || !has_all(*read)) return;
  // What changed in the last two seconds may change without getting another time.
  if (!is_settled(read->modified, now_) || !is_settled(read->changed, now_)) return;
  if (!is_of_this_machine(file)) return;
  try {
    std::shared_ptr<const file_structure> structure = read;  // what it displaces is freed after the mutex
    const std::lock_guard lock(fork_safe_mutex());
    known_file& known = known_file_at(name_ % k_places);
    known.structure.swap(structure);
    known.used = used;
    hint& here = hints[name_ % k_places];
    here.name.store(name_, std::memory_order_relaxed);
    here.others.store(0, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {  // then it is read again
  }
}

}  // namespace larder::detail
