#pragma once
// How many bytes the entries of a cache directory have together, so that a limit can be kept without a walk at each
// store. The count is in the lock file: "LRDBYTES", and then 8 bytes, little-endian; all ones mean that it has to be
// counted anew. It is kept from when somebody first set a limit.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include <larder/detail/function_ref.hpp>
#include <larder/reduce_options.hpp>

#include "cache/cache_directory.hpp"
#include "cache/kept_lock_files.hpp"
#include "cache/lock_file.hpp"

namespace larder::detail {

/// The count, for this process and thread alone as long as it lives. What is added to the directory is counted first, and
/// what was removed from it afterwards, so that a process that is killed leaves a count that is too high: then the
/// next walk comes too early, and sets it right.
class byte_ledger {
 public:
  enum class start { if_kept, anew };

  /// Waits for whoever has it. With `anew`, a count is kept from now on.
  byte_ledger(const cache_directory& directory, start how);
  /// The same where a count is kept, by one of these lock files, or one that is opened in this directory. Threads wait for their turn
  /// before, so that they need one descriptor together. Not for children of fork.
  byte_ledger(std::mutex& turn, kept_lock_files& files, int directory);
  byte_ledger(const byte_ledger&) = delete;
  byte_ledger& operator=(const byte_ledger&) = delete;

  /// Whether a count is kept in a lock file, seen without a lock: somebody may be about to begin with one, and will find
  /// what is published meanwhile at the next walk.
  static bool is_kept_in(const lock_file& file) noexcept;

  /// Whether a count is kept. If not, nothing is to be done.
  bool is_kept() const noexcept { return kept_; }
  /// The errno with which it could not be opened, or 0.
  int fault() const noexcept { return file_->fault(); }
  /// Nothing where it has to be counted.
  std::optional<std::uint64_t> bytes() const noexcept { return bytes_; }
  void set(std::uint64_t bytes) noexcept;
  void add(std::uint64_t bytes) noexcept;
  void subtract(std::uint64_t bytes) noexcept;

 private:
  void begin() noexcept;
  void write() noexcept;

  std::unique_lock<std::mutex> turn_;
  borrowed_lock_file file_;
  bool is_written_ = true;
  bool kept_ = false;
  std::optional<std::uint64_t> bytes_;
};

/// Removes entries as `remove` does, which returns what it removed, and subtracts them if a count is kept.
entry_totals remove_counted(const cache_directory& directory, function_ref<entry_totals()> remove);

/// The same with whatever lies at an entry's path.
entry_totals remove_one_counted(const cache_directory& directory, const std::string& path);

}  // namespace larder::detail
