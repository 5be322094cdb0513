#pragma once
// What a memory knows of one function, and how a result of it is stored.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <larder/detail/cached_core.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/entry.hpp"
#include "cache/lock_file.hpp"
#include "cache/memory_state.hpp"

namespace larder::detail {

/// Immutable once made, but for a hint, so that any number of threads may use it.
class cached_state {
 public:
  /// As cached_core.
  cached_state(std::shared_ptr<const memory_state> memory, cached_core::description function);

  const memory_state& memory() const noexcept { return *memory_; }
  const cached_core::description& function() const noexcept { return function_; }
  /// The positions of ignored arguments, in order and each once.
  const std::vector<std::size_t>& ignored() const noexcept { return ignored_; }
  /// Stands for all of it in the keys of calls.
  const digest& identity() const noexcept { return identity_; }
  /// Of the entries; empty in a memory that caches nothing.
  const std::string& directory() const noexcept { return directory_; }
  std::string path_of(const digest& key) const;

  /// Whether the last call by this handle or its copies found no entry: a guess at what the next one will find. It orders nothing.
  bool missed_last() const noexcept { return missed_last_.load(std::memory_order_relaxed); }
  void note_last(bool missed) const noexcept {
    if (missed_last() != missed) missed_last_.store(missed, std::memory_order_relaxed);
  }

  /// Asks the callback of the user, if there is one.
  bool is_valid(const std::string& metadata, const digest& key) const;
  /// Whether there is a sound and valid entry; its data are not read.
  bool holds(const digest& key) const;

  /// Stores what `write` writes at the path of an entry, within the limit of bytes if there is one; returns the bytes of the
  /// largest array in it. `open` is the lock file, if that is open. What cannot be stored is an io_error or a
  /// value_error.
  std::uint64_t store(const std::string& path, const std::string& arguments, double seconds, existing at_path,
                      const lock_file* open, function_ref<void(value_sink&)> write) const;

 private:
  void publish(entry_writer& entry, const std::string& path, const lock_file* open) const;
  void make_room(byte_ledger& ledger, std::uint64_t bytes, std::uint64_t limit) const;

  std::shared_ptr<const memory_state> memory_;
  cached_core::description function_;
  std::vector<std::size_t> ignored_;
  std::string code_;
  std::string directory_;
  digest identity_;
  mutable std::atomic<bool> missed_last_ = false;
};

}  // namespace larder::detail
