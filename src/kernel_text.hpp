#pragma once
// What the kernel says in files of /proc and /sys.

#include <string>

namespace larder::detail {

/// The whole of it; empty where it cannot be read. Such files say nothing of their length.
std::string kernel_text(const std::string& path);

}  // namespace larder::detail
