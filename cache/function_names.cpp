#include "cache/function_names.hpp"

#include <map>

#include <larder/error.hpp>

#include "cache/fork_safety.hpp"

namespace larder::detail {
namespace {

struct claim {
  function_identity function;
  std::size_t holders = 0;
};

/// Guarded by fork_safe_mutex. Never destroyed: functions that live in static objects let go of their names late.
std::map<std::string, claim>& claims() {
  static auto& all = *new std::map<std::string, claim>();
  return all;
}

}  // namespace

claimed_name::claimed_name(const std::string& location, const std::string& name, const std::string& version,
                           const function_identity& function)
    : key_(location + '\0' + name + '\0' + version) {
  const std::lock_guard lock(fork_safe_mutex());
  claim& there = claims()[key_];
  if (there.holders != 0 && there.function != function) {
    throw value_error(
        "cache: \"" + name +
        "\" is the name of another function already, and their results would be mixed up: give this "
        "one a name (or a version) of its own");
  }
  there.function = function;
  ++there.holders;
}

claimed_name::~claimed_name() {
  const std::lock_guard lock(fork_safe_mutex());
  const auto found = claims().find(key_);
  if (--found->second.holders == 0) claims().erase(found);
}

}  // namespace larder::detail
