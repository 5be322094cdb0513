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

/// The time of the last change can only be set with the system's clock.
bool is_same_file(const file_structure& read, const struct ::stat& status) noexcept {
  return read.identity == file_identity{status.st_dev, status.st_ino} &&
         read.file_bytes == static_cast<std::uint64_t>(status.st_size) &&
         compare(read.modified, status.st_mtim) == 0 && compare(read.changed, status.st_ctim) == 0;
}

/// Nothing has to be read from the file for what a user may want of it. (Compressed arrays are read from it each time.)
bool has_all(const file_structure& of) noexcept {
  const auto is_raw = [](const stored_segment& each) { return each.codec == codec::raw; };
  const bool has_arrays = of.arrays.empty() || (!of.small.empty() && std::ranges::all_of(of.arrays, is_raw));
  return has_arrays && (!of.is_object() || !of.object.empty());
}

/// A file that may be written to may be so through a mapping, for which tmpfs notes no time.
bool is_small_and_sealed(const file_structure& of) noexcept {
  // Of what is compressed, it may be much more.
  return of.read_only && of.file_bytes <= known_small_file::k_most_bytes &&
         of.object.size() + of.metadata.size() <= known_small_file::k_most_bytes;
}

/// Whether the system answers for files of this type itself.
bool is_local(const struct ::statfs& system) noexcept {
  constexpr unsigned long k_xfs = 0x58465342;
  constexpr unsigned long k_zfs = 0x2fc12fc1;
  constexpr unsigned long k_bcachefs = 0xca451a4e;
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

/// Whether each change of the file is seen at once in what the system says of it without opening it: not so where it may come from another
/// machine (NFS, SMB), or from a program (FUSE). What is mounted for reading only may be mounted anew with other files that have the same times.
bool is_of_this_machine(const descriptor& file, std::uint64_t device) noexcept {
  // A server may be what is asked: once, where nothing else is used.
  static constinit std::atomic<std::uint64_t> last_foreign = 0;
  if (last_foreign.load(std::memory_order_relaxed) == device) return false;
  struct ::statfs system {};
  if (::fstatfs(file.fd(), &system) != 0) return false;
  if (is_local(system)) return (system.f_flags & ST_RDONLY) == 0;
  last_foreign.store(device, std::memory_order_relaxed);
  return false;
}

constexpr std::size_t k_places = known_small_file::k_places;
// A file gives up its place after so many looks for others in a row: so many that it costs nothing where many are looked for at random.
constexpr std::uint32_t k_patience = 256;

/// What is known at a place (0: nothing), and how often others were looked for since it was: hints, which order nothing, and spare looks for
/// what is not known the mutex.
struct hint {
  std::atomic<std::uint64_t> path_hash = 0;
  std::atomic<std::uint32_t> others = 0;
};
constinit std::array<hint, k_places> hints;

struct known_file {
  std::shared_ptr<const file_structure> structure;
  ::timespec opened{};
  bool is_unmarkable = false;
};

/// Under fork_safe_mutex, from its making on. Never destroyed: threads may load until the very end. Full, it takes some 10 MiB.
known_file& known_file_at(std::size_t place) {
  static auto& files = *new std::array<known_file, k_places>;
  return files[place];
}

}  // namespace

known_small_file::known_small_file(const std::string& path) : known_small_file(path, coarse_now()) {}

known_small_file::known_small_file(const std::string& path, const ::timespec& now)
    : path_hash_(xxh3_64(text_bytes(path))), now_(now) {
  // Each file has two places: most find one that they share with nobody.
  const std::array<std::size_t, 2> places{path_hash_ % k_places, (path_hash_ >> 32) % k_places};
  const auto hash_at = [](std::size_t place) {
    return hints[place].path_hash.load(std::memory_order_relaxed);
  };
  const auto known = std::ranges::find(places, path_hash_, hash_at);
  if (known == places.end()) {
    for (const std::size_t place : places) {
      std::atomic<std::uint32_t>& others = hints[place].others;
      const bool is_empty = hash_at(place) == 0;
      const std::uint32_t looks = others.load(std::memory_order_relaxed);
      if (!may_take_place_) {
        place_ = place;
        may_take_place_ = is_empty || looks >= k_patience;
      }
      if (!is_empty && looks < k_patience) others.store(looks + 1, std::memory_order_relaxed);
    }
    return;
  }
  place_ = *known;
  may_take_place_ = true;
  hint& here = hints[place_];
  if (here.others.load(std::memory_order_relaxed) != 0) here.others.store(0, std::memory_order_relaxed);
  {
    const std::lock_guard lock(fork_safe_mutex());
    const known_file& file = known_file_at(place_);
    structure_ = file.structure;
    opened_ = file.opened;
    is_unmarkable_ = file.is_unmarkable;
  }
  if (structure_ == nullptr) return;
  // Of two paths with the same hash the inode decides.
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) == 0 && is_same_file(*structure_, status)) {
    accessed_ = status.st_atim;
    return;
  }
  // Asked once, and freed without the mutex.
  const std::shared_ptr<const file_structure> old = std::move(structure_);
  const std::lock_guard lock(fork_safe_mutex());
  known_file& file = known_file_at(place_);
  if (file.structure != old) return;
  file.structure.reset();
  here.path_hash.store(0, std::memory_order_relaxed);
}

void known_small_file::remember(const descriptor& file, const file_structure& read,
                                bool is_unmarkable) noexcept {
  if (!may_take_place_ || !is_small_and_sealed(read) || !has_all(read)) return;
  // What changed in the last two seconds may change without getting another time.
  if (!is_settled(read.modified, now_) || !is_settled(read.changed, now_)) return;
  if (!is_of_this_machine(file, read.identity.device)) return;
  try {
    auto structure =
        std::make_shared<const file_structure>(read);  // what it displaces is freed after the mutex
    const std::lock_guard lock(fork_safe_mutex());
    known_file& known = known_file_at(place_);
    known.structure.swap(structure);
    known.opened = now_;
    known.is_unmarkable = is_unmarkable;
    hint& here = hints[place_];
    here.path_hash.store(path_hash_, std::memory_order_relaxed);
    here.others.store(0, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {  // then it is read again
  }
}

}  // namespace larder::detail
