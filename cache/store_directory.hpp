#pragma once
// The directory of a store, and the place where those that are opened by name lie. Beside the objects (src/object_name.hpp) there is
// its lock file, which has, behind the count of bytes (byte_ledger.hpp):
//
//   byte 16 … 23   "LRDSTORE"
//   byte 24 … 31   the capacity, little-endian; 0: none
//   byte 32 … 39   1 where it lives until its last user ends, else 0
//
// Byte 16 is locked, shared, by whoever uses the store, as long as it does; byte 17 (the door), exclusively, by whoever begins or ends to use it, or
// removes it.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/byte_ledger.hpp"
#include "cache/kept_lock_files.hpp"
#include "cache/lock_file.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {

struct store_settings {
  std::uint64_t capacity = 0;  // 0: none
  bool until_last_user = false;
};

/// What there is of another kind, or of nobody, is a std::nullopt. io_error.
std::optional<store_settings> read_settings(const lock_file& file, const std::string& location);

/// value_error where stores that are opened by name lie at a place that is not this user's alone; false where there is no such place.
bool check_store_root();

/// Where stores that are opened by name lie: LARDER_STORE_DIR, or a directory of this user in /dev/shm, or in /tmp. value_error where
/// LARDER_STORE_DIR is no absolute path.
std::string store_root();

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

/// Removes the store in this directory with all that lies in it; false where there is none. value_error for a directory that is none, and
/// for one that is not this user's alone; io_error.
bool remove_store(const std::string& location);

/// The names of the directories in the root that are stores, in no order. Those whose users were killed, and that were not to live
/// longer, are removed. value_error where the root is not this user's alone; io_error.
std::vector<std::string> list_stores(const std::string& root);

}  // namespace larder::detail
