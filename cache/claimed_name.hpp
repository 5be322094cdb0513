#pragma once
// Which function a name stands for in this process: two functions under one name would take each other's results.

#include <string>

#include <larder/detail/cached_core.hpp>

namespace larder::detail {

/// Claims a name for a function, in one cache directory and with one version, as long as the process lives. value_error
/// where another function has it. Thread-safe.
void claim_name(const std::string& location, const std::string& name, const std::string& version,
                const function_identity& function);

}  // namespace larder::detail
