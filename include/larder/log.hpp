#pragma once
// Where the library's messages go. By default a warning is one line on stderr; a program that has a logger of
// its own points the hook at it.
//
//   larder::set_log_hook([](larder::log_level level, std::string_view text) { my_logger(level, text); });

#include <functional>
#include <string_view>

namespace larder {

enum class log_level { info, warning };

/// `text` is one line without the newline, valid during the call only.
using log_hook = std::function<void(log_level level, std::string_view text)>;

/// Replaces the hook and returns the one before; an empty hook restores the default (a line on stderr).
/// Thread-safe. The hook is called by whichever thread has something to say, maybe by several at once, and may use
/// the library itself. What it throws is swallowed: a message never changes the outcome of a computation.
log_hook set_log_hook(log_hook hook);

}  // namespace larder
