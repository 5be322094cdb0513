#pragma once
// What is set for a store, and who uses it, as its lock file has both behind the count of bytes (byte_ledger.hpp):
//
//   byte 16 … 23   "LRDSTORE"
//   byte 24 … 31   the capacity, little-endian; 0: none
//   byte 32 … 39   1 where it lives until its last user ends, else 0
//
// Byte 16 is locked, shared, by whoever uses the store, as long as it does; byte 17 (the door), exclusively, by whoever begins or ends to use it, or
// removes it.

#include <cstdint>
#include <optional>
#include <string>

#include "cache/lock_file.hpp"

namespace larder::detail {

/// The bytes that are locked.
inline constexpr std::uint64_t k_store_users = 16;
inline constexpr std::uint64_t k_store_door = 17;

struct store_settings {
  std::uint64_t capacity = 0;  // 0: none
  bool until_last_user = false;
};

/// What there is of another kind, or of nobody, is a std::nullopt. io_error.
std::optional<store_settings> read_settings(const lock_file& file, const std::string& location);

/// io_error.
void write_settings(const lock_file& file, const store_settings& settings, const std::string& location);

/// Whether nobody but the owner of this lock file uses a store that was to live until its last user ends. By whoever is in the door. io_error.
bool is_abandoned(const lock_file& file, const std::string& location);

}  // namespace larder::detail
