#include "cache/store_settings.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/little_endian.hpp"

namespace larder::detail {
namespace {

constexpr std::string_view k_magic = "LRDSTORE";
constexpr std::uint64_t k_settings_at = 16;

using settings_text = std::array<std::byte, 24>;

}  // namespace

std::optional<store_settings> read_settings(const lock_file& file, const std::string& location) {
  if (!file.is_open()) return std::nullopt;
  settings_text text{};
  ssize_t count = 0;
  do {
    count = ::pread(file.fd(), text.data(), text.size(), k_settings_at);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw io_error(location + "/" + k_lock_file, "cannot read", errno);
  if (count != ssize_t{text.size()} || std::memcmp(text.data(), k_magic.data(), k_magic.size()) != 0)
    return std::nullopt;
  return store_settings{.capacity = get<std::uint64_t>(text, 8),
                        .until_last_user = get<std::uint64_t>(text, 16) != 0};
}

void write_settings(const lock_file& file, const store_settings& settings, const std::string& location) {
  settings_text text{};
  std::memcpy(text.data(), k_magic.data(), k_magic.size());
  put(text, 8, settings.capacity);
  put(text, 16, std::uint64_t{settings.until_last_user});
  if (!write_all_at(file.fd(), text, k_settings_at))
    throw io_error(location + "/" + k_lock_file, "cannot write", errno);
}

bool is_abandoned(const lock_file& file, const std::string& location) {
  const auto settings = read_settings(file, location);
  if (!settings || !settings->until_last_user) return false;
  const bool alone = file.try_lock(k_store_users, lock_file::kind::exclusive) == lock_file::result::locked;
  if (alone) (void)file.unlock(k_store_users);
  return alone;
}

}  // namespace larder::detail
