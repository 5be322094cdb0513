#include "src/log.hpp"

#include <cstdio>
#include <mutex>
#include <utility>

namespace larder {
namespace {

// Both leak on purpose: a message may come from a destructor that runs after those of this file.
std::mutex& hook_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}
log_hook& current_hook() {
  static auto* hook = new log_hook;
  return *hook;
}

}  // namespace

log_hook set_log_hook(log_hook hook) {
  const std::lock_guard lock(hook_mutex());
  return std::exchange(current_hook(), std::move(hook));
}

void detail::log(log_level level, std::string_view text) noexcept {
  try {
    const std::lock_guard lock(hook_mutex());
    if (const log_hook& hook = current_hook()) {
      hook(level, text);
    } else {
      std::fprintf(stderr, "larder: %s%.*s\n", level == log_level::warning ? "warning: " : "",
                   static_cast<int>(text.size()), text.data());
    }
  } catch (...) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

}  // namespace larder
