#pragma once
// Lock files that stay open from one use to the next: opening and closing one takes three times as long as locking it.

#include <chrono>
#include <memory>

#include "cache/cache_directory.hpp"
#include "cache/lock_file.hpp"

namespace larder::detail {

/// Whose they are: a memory's, or a store's. They lie in one table for the process, which holds a few, the last used ones, and none when
/// descriptors run out. Those that were open before a fork are closed in the child, and opened anew there. Thread-safe; must not end
/// under fork_safe_mutex, which closing them takes.
class kept_lock_files {
 public:
  kept_lock_files() = default;
  kept_lock_files(const kept_lock_files&) = delete;
  kept_lock_files& operator=(const kept_lock_files&) = delete;
  ~kept_lock_files();

 private:
  friend class borrowed_lock_file;
  class table;
  struct kept_file {
    std::unique_ptr<lock_file> file;
    std::chrono::steady_clock::time_point seen = {};  // where it should be
  };
  /// An open one that nobody else has from now on, or none.
  kept_file take() noexcept;
  void give_back(kept_file file) noexcept;
};

/// A lock file for its borrower alone, so that its locks exclude the other threads of this process, too. They end with it.
class borrowed_lock_file {
 public:
  /// The one that lies there, made where there is none; it may turn out not to be open, as a lock_file may. One that was removed is noticed
  /// at once, and one whose directory was renamed within a tenth of a second: so long, what others compute may be computed here as well, and
  /// not be counted before the next walk.
  borrowed_lock_file(kept_lock_files& from, const cache_directory& directory);
  /// That of a directory that is open. Whoever asks knows that it is no other one by now.
  borrowed_lock_file(kept_lock_files& from, int directory);
  /// One that is closed in the end.
  explicit borrowed_lock_file(std::unique_ptr<lock_file> file) noexcept : kept_{std::move(file)} {}
  borrowed_lock_file(const borrowed_lock_file&) = delete;
  borrowed_lock_file& operator=(const borrowed_lock_file&) = delete;
  ~borrowed_lock_file();

  const lock_file& operator*() const noexcept { return *kept_.file; }
  const lock_file* operator->() const noexcept { return kept_.file.get(); }

 private:
  kept_lock_files* from_ = nullptr;
  kept_lock_files::kept_file kept_;
};

}  // namespace larder::detail
