#include <larder/error.hpp>

#include <sys/wait.h>

#include <array>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <system_error>

namespace larder {

io_error::io_error(std::string path, std::string_view action, int errno_value)
    : error(path + ": " + std::string(action) + ": " + std::generic_category().message(errno_value)),
      path_(std::move(path)),
      errno_value_(errno_value) {}

namespace {

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g s", seconds);
  return text.data();
}

std::string end_text(int wait_status) {
  if (wait_status == -1)
    return "ended, nobody knows how: the program ignores SIGCHLD, or waits for all of its children";
  if (!WIFSIGNALED(wait_status)) {
    return "exited with status " + std::to_string(WEXITSTATUS(wait_status)) +
           " instead of returning from its task";
  }
  const int signal = WTERMSIG(wait_status);
  const char* const abbreviation = ::sigabbrev_np(signal);
  std::string text = "was ended by signal " + std::to_string(signal);
  if (abbreviation != nullptr) text += std::string(" (SIG") + abbreviation + ")";
  if (signal == SIGKILL)
    text += "; the system kills so what takes too much memory: try fewer workers (n_jobs)";
  return text;
}

}  // namespace

timeout_error::timeout_error(std::size_t task, double seconds)
    : error("task " + std::to_string(task) + " took longer than its timeout of " + seconds_text(seconds)),
      task_(task) {}

task_error::task_error(std::size_t task, std::string type, std::string_view text)
    : error("task " + std::to_string(task) + ": " + type + (text.empty() ? "" : ": ") + std::string(text)),
      task_(task),
      type_(std::move(type)) {}

worker_died::worker_died(unsigned worker, long pid, int wait_status, std::size_t task)
    : error("task " + std::to_string(task) + ": its worker " + std::to_string(worker) + " (process " +
            std::to_string(pid) + ") " + end_text(wait_status)),
      worker_(worker),
      pid_(pid),
      signal_(wait_status != -1 && WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0),
      status_(wait_status != -1 && WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0),
      task_(task) {}

std::string_view name(format_code code) noexcept {
  static constexpr std::array<std::string_view, 32> k_names = {
      "E_EMPTY",       "E_MAGIC",        "E_TRUNCATED",    "E_HEAD_CHECKSUM",
      "E_VERSION",     "E_FEATURE",      "E_TRAILER",      "E_TRAILER_CHECKSUM",
      "E_FILELEN",     "E_STATE",        "E_INDEX_BOUNDS", "E_INDEX_CHECKSUM",
      "E_INDEX_COUNT", "E_RESERVED",     "E_SEG_HOLE",     "E_SEG_BOUNDS",
      "E_SEG_SIZE",    "E_SEG_CHECKSUM", "E_PADDING",      "E_CODEC",
      "E_KIND",        "E_ALIGN",        "E_BOMB",         "E_NPY_HEADER",
      "E_NPY_KEYS",    "E_NPY_HDRSIZE",  "E_NPY_VERSION",  "E_SHAPE_OVERFLOW",
      "E_NDIM",        "E_DTYPE",        "E_OBJECT",       "E_TYPE"};
  static_assert(k_names.size() == static_cast<std::size_t>(format_code::type) + 1);
  const auto i = static_cast<std::size_t>(code);
  return i < k_names.size() ? k_names[i] : "E_UNKNOWN";
}

format_error::format_error(std::string path, format_code code, std::string_view detail)
    : error(path + ": " + std::string(name(code)) + ": " + std::string(detail)),
      path_(std::move(path)),
      code_(code) {}

type_mismatch::type_mismatch(std::string path, std::string expected, std::string found)
    : format_error(std::move(path), format_code::type,
                   "expected " + expected + ", found " + found + "; load it as what it holds"),
      expected_(std::move(expected)),
      found_(std::move(found)) {}

}  // namespace larder
