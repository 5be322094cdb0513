#pragma once
// Lengths of time as people write them.

#include <chrono>
#include <string>

namespace larder::command {

/// "45s", "90min", "12h", "30d", "2w". value_error for anything else; it names the option.
std::chrono::seconds age_from(const std::string& text, const std::string& option);

}  // namespace larder::command
