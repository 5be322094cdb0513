#pragma once
// Which function a name stands for in this process: two functions under one name would take each other's results.

#include <string>

#include <larder/detail/cached_core.hpp>

namespace larder::detail {

/// The claim of a function on its name, in one cache directory and with one version; held as long as the function is
/// wrapped. Thread-safe.
class claimed_name {
 public:
  /// value_error where another function has the name just now.
  claimed_name(const std::string& location, const std::string& name, const std::string& version,
               const function_identity& function);
  claimed_name(const claimed_name&) = delete;
  claimed_name& operator=(const claimed_name&) = delete;
  ~claimed_name();

 private:
  std::string key_;
};

}  // namespace larder::detail
