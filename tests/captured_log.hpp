#pragma once
// What the library says while a test runs.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/log.hpp>

/// Collects the library's messages while it lives.
class captured_log {
 public:
  captured_log() {
    previous_ = larder::set_log_hook([this](larder::log_level level, std::string_view text) {
      (level == larder::log_level::warning ? warnings : infos).emplace_back(text);
    });
  }
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  ~captured_log() { larder::set_log_hook(std::move(previous_)); }

  std::vector<std::string> warnings;
  std::vector<std::string> infos;

 private:
  larder::log_hook previous_;
};
