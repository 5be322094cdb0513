#pragma once
// A role of larder_bench: a program that does nothing, or calls one cached function once.

namespace larder_bench {

inline constexpr const char* k_first_hit = "--first-hit";

/// The exit status. Of a directory, the call is one of its cache; without one nothing is done.
int first_hit(const char* directory);

}  // namespace larder_bench
