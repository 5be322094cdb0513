#pragma once
// How the library speaks: through the hook of <larder/log.hpp>.

#include <string_view>

#include <larder/log.hpp>

namespace larder::detail {

/// Never throws: a message must not change the outcome of what it speaks of.
void log(log_level level, std::string_view text) noexcept;

}  // namespace larder::detail
