#pragma once
// What expires_after makes: a callback of which it can be told what it does.

#include <chrono>

#include <larder/entry_info.hpp>

namespace larder::detail {

struct age_limit {
  std::chrono::nanoseconds age;

  bool operator()(const entry_info& entry) const {
    // What was stored by a clock that was ahead of this one has no age that could be relied on.
    constexpr std::chrono::minutes k_clocks_differ{1};
    const auto since = std::chrono::system_clock::now() - entry.time;
    return since < age && since > -k_clocks_differ;
  }
};

}  // namespace larder::detail
