#pragma once
// Those who use a store.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cache/byte_ledger.hpp"
#include "cache/kept_lock_files.hpp"
#include "cache/lock_file.hpp"
#include "cache/store_settings.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

/// One user of a store, as long as it lives.
class store_user {
 public:
  enum class absent { make, leave };

  /// Opens the store in this directory, making that where it is missing. What is set here is set for all. value_error for a directory that
  /// is not this user's alone, or that holds other things; io_error, ENOENT where there is none and none is to be made.
  store_user(std::string location, const std::optional<std::uint64_t>& capacity,
             const std::optional<bool>& until_last_user, absent where_missing);
  /// Removes the store, if this was the last user and it is to live no longer.
  ~store_user();
  store_user(const store_user&) = delete;
  store_user& operator=(const store_user&) = delete;

  const std::string& location() const noexcept { return location_; }
  /// As they are now; nothing where there is no lock file, or not of a store. (A child of fork opens its own.) io_error.
  std::optional<store_settings> settings() const;

  /// What follows is of the directory as it was opened, which is quicker than by its path.
  /// As settings(); nothing in a child of fork, and where the store was removed.
  std::optional<store_settings> settings_here() const;
  /// -1 in a child of fork.
  int directory() const noexcept { return lock_->is_open() ? directory_.fd() : -1; }
  /// Where there are settings_here.
  byte_ledger ledger_here() const { return {ledger_turn_, ledger_files_, directory()}; }

 private:
  bool enter(const std::optional<std::uint64_t>& capacity, const std::optional<bool>& until_last_user,
             absent where_missing);

  std::string location_;
  std::unique_ptr<lock_file> lock_;
  descriptor directory_{-1, {}};
  mutable std::mutex ledger_turn_;
  mutable kept_lock_files ledger_files_;
};

}  // namespace larder::detail
