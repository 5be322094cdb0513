#pragma once
// Memory, or a file, that other processes of this machine map by a descriptor of it; and where in one an array lies.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <sys/types.h>

#include <larder/detail/raw_array.hpp>

#include "src/descriptor.hpp"
#include "src/fork_safety.hpp"

namespace larder::detail {

/// What tells a file from every other one that there is at the same time.
struct file_identity {
  dev_t device = 0;
  ino_t inode = 0;  // 0: not known

  bool is_known() const noexcept { return inode != 0; }
  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// Owned by the buffers that lie in it. When the last of them goes, those to which it was sent are to be told: see on_files_gone.
/// All members may be called by several threads at once.
class shared_file {
 public:
  /// One that its owners have open as long as they live. `is_counted`: take_kept_descriptor() gave it its place.
  explicit shared_file(descriptor file, bool is_counted = false) noexcept;
  /// A file on disk that was opened at this path; `flags` as for open(2). It is opened again when it is needed, and stays open then if there
  /// are not many of those.
  shared_file(std::string path, int flags, const file_identity& identity) noexcept;
  ~shared_file();
  shared_file(const shared_file&) = delete;
  shared_file& operator=(const shared_file&) = delete;

  /// Never given twice in this process.
  std::uint64_t id() const noexcept { return id_; }

  static std::uint64_t id_of(const std::shared_ptr<const shared_file>& file) noexcept { return file->id(); }
  /// Where it was opened; empty where it has no name.
  const std::string& path() const noexcept { return path_; }

  /// -1 where it is not open.
  int fd() const noexcept { return fd_.load(std::memory_order_acquire); }
  /// For one that is not open: opens it at its path. Without a value where that is gone, or is another file now, or cannot be opened.
  std::optional<descriptor> open_again() const;
  /// Whether it is open, or could be opened: then it may be open from now on.
  bool is_there() const;

  /// Whether there is a place for it among the descriptors that are kept, which it has from now on.
  bool keep() const noexcept;

  /// Was made in this process, and not inherited from the one that forked it.
  bool is_own() const noexcept { return made_in_.is_this(); }

  /// Somebody else has it from now on.
  void set_sent() const noexcept { sent_.store(true, std::memory_order_relaxed); }

 private:
  const std::uint64_t id_;
  const origin_process made_in_;
  mutable std::atomic<int> fd_;
  mutable std::atomic<bool> is_counted_ = false;  // among the descriptors that are kept for passing arrays
  mutable std::atomic<bool> sent_ = false;
  const std::string path_;
  const int flags_ = 0;
  const file_identity identity_;
};

/// A place among the descriptors that are kept open for passing arrays: there are some 128. Where there is none, do without.
bool take_kept_descriptor() noexcept;
void give_kept_descriptor() noexcept;

/// Called after a file that had been sent somewhere is gone, by whichever thread let it go; not null from the first call on.
void on_files_gone(void (*told)() noexcept);
/// How many of them have gone so far.
std::uint64_t files_gone() noexcept;

/// How the receiver of an array<T> may map it; one of an array<const T> only reads.
enum class sharing {
  as_asked,    // by the mmap_mode of the call: it is memory of this process, which was moved
  read_write,  // it was made to be shared, or is a file that is mapped so
  read_only,   // what is written has to stay private
};

/// Where a buffer lies. The size is not always that of whole pages.
struct placed_buffer {
  std::shared_ptr<const shared_file> file;
  std::uint64_t offset;  // on a page boundary
  std::uint64_t bytes;
  const std::byte* data;  // the same, in this process
  detail::sharing sharing;
};

/// Whether a buffer may be moved to where others can map it.
enum class moving { allowed, none };

/// Where an array lies: `offset` bytes into the buffer.
struct placed_array {
  std::shared_ptr<const shared_file> file;
  std::uint64_t buffer_offset;
  std::uint64_t buffer_bytes;
  std::uint64_t offset;
  detail::sharing sharing;
};

/// Moves the array to shared memory in place, if it is not there: then to a file without a name in `temp_folder`, if that is not empty. The
/// addresses stay, and other threads may read it meanwhile, but not write. Without a value for memory that belongs to others, and
/// other that cannot be shared: that has to be copied. io_error where there is no memory; everything is as before then.
std::optional<placed_array> place(const raw_array& a, const std::string& temp_folder,
                                  moving may_move = moving::allowed);

/// Held by whoever looks where this buffer lies, or moves it. In a child of fork nobody holds it.
std::mutex& placing_mutex(const void* buffer) noexcept;

}  // namespace larder::detail
