#include "src/log.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "src/fork_safety.hpp"

namespace larder {
namespace {

// It leaks on purpose: a message may come from a destructor that runs after those of this file. Guarded by
// fork_safe_mutex.
std::shared_ptr<const log_hook>& current_hook() {
  static auto* hook = new std::shared_ptr<const log_hook>(std::make_shared<log_hook>());
  return *hook;
}

std::shared_ptr<const log_hook> exchange_hook(std::shared_ptr<const log_hook> hook) {
  const std::lock_guard lock(detail::fork_safe_mutex());
  return std::exchange(current_hook(), std::move(hook));
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

log_hook set_log_hook(log_hook hook) { return *exchange_hook(std::make_shared<log_hook>(std::move(hook))); }

void detail::log(log_level level, std::string_view text) noexcept {
  try {
    const std::string line = one_line(text);
    // Called without the mutex: a hook may use the library, and set another hook.
    const std::shared_ptr<const log_hook> hook = [] {
      const std::lock_guard lock(detail::fork_safe_mutex());
      return current_hook();
    }();
    if (*hook) {
      (*hook)(level, line);
    } else {
      std::fprintf(stderr, "larder: %s%s\n", level == log_level::warning ? "warning: " : "", line.c_str());
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

}  // namespace larder
