#pragma once
// Each system call of an operation fails in turn, where failing_calls.cpp is linked.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.hpp"

/// What any call may fail with, and what this one is known for.
inline std::vector<std::string> faults_of(const std::string& call) {
  std::vector<std::string> faults = {"ENOSPC", "EIO", "EACCES", "EMFILE", "EINTR"};
  const auto add = [&](std::initializer_list<const char*> more) {
    faults.insert(faults.end(), more.begin(), more.end());
  };
  if (call == "write" || call == "pwrite") add({"short"});
  if (call == "fcntl") add({"ENOLCK", "EINVAL"});
  if (call == "create" || call == "mkdir") add({"EROFS"});
  if (call == "tmpfile") add({"EOPNOTSUPP", "EROFS"});
  if (call == "linkat" || call == "link") add({"EPERM", "EEXIST", "ENOENT"});
  if (call == "rename") add({"ENOENT"});
  if (call == "fsync") add({"EINVAL"});
  if (call == "mmap") add({"ENOMEM"});
  return faults;
}

/// `run` does the operation while the calls of a rule fail, checks what has to be so then, and returns failed_calls(). `which` calls are to
/// fail: one name, or "each".
inline void fail_each_call(const std::function<std::vector<std::string>(const std::string& rule)>& run,
                           const std::string& which) {
  run("");  // what a process asks for once only is known then
  const auto passed = [&] {
    std::vector<std::string> names;
    constexpr std::string_view k_passed = " pass";
    for (const std::string& each : run(which + ":pass")) {
      if (each.ends_with(k_passed)) names.push_back(each.substr(0, each.size() - k_passed.size()));
    }
    return names;
  };
  // An operation that is held up makes other calls (a result that took long is synced), so it may have to be done again.
  constexpr int k_attempts = 10;
  std::vector<std::string> calls_made = passed();
  for (int i = 0; i < k_attempts && passed() != calls_made; ++i) calls_made = passed();
  REQUIRE(!calls_made.empty());
  for (std::size_t i = 0; i < calls_made.size(); ++i) {
    for (const std::string& fault : faults_of(calls_made[i])) {
      const std::string rule = which + ":" + fault + "@" + std::to_string(i + 1);
      INFO(calls_made[i] << " " << rule);
      const auto has_failed = [&] { return std::ranges::count(run(rule), calls_made[i] + " " + fault) != 0; };
      bool is_done = false;
      for (int attempt = 0; attempt < k_attempts && !is_done; ++attempt) is_done = has_failed();
      CHECK(is_done);
    }
  }
}
