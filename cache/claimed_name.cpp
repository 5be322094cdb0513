#include "cache/claimed_name.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <tuple>

#include <larder/error.hpp>

#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

using claimed = std::tuple<std::string, std::string, std::string>;

/// Guarded by fork_safe_mutex. Never destroyed: static objects may wrap functions late.
std::map<claimed, function_identity>& claims() {
  static auto& all = *new std::map<claimed, function_identity>();
  return all;
}

/// One text for a directory, however it was written.
std::string canonical(const std::string& location) {
  std::error_code fault;
  const auto path = std::filesystem::weakly_canonical(location, fault);
  return fault ? location : path.string();
}

}  // namespace

void claim_name(const std::string& location, const std::string& name, const std::string& version,
                const function_identity& function) {
  const claimed key(canonical(location), name, version);
  const std::lock_guard lock(fork_safe_mutex());
  const auto [there, is_new] = claims().emplace(key, function);
  if (is_new || there->second == function) return;
  throw value_error(
      "cache: \"" + name +
      "\" is the name of another function in this process, and their results would be mixed up: give this "
      "one a name (or a version) of its own");
}

}  // namespace larder::detail
