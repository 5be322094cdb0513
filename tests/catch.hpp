#pragma once
// Catch2, version 2 (Debian 12) or 3. Tests include this and write for both: `Approx` without a namespace, and
// `Catch::Matchers::ContainsSubstring` for messages (plain `Contains` is about containers in version 3).

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

using Catch::Approx;
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& text, CaseSensitive::Choice which = CaseSensitive::Yes) {
  return Contains(text, which);
}
}  // namespace Catch::Matchers
#endif
