#pragma once
// A role of larder_bench: what single system calls take, where larder's calls take longer than those by hand.

#include <cstddef>
#include <span>

namespace larder_bench {

inline constexpr const char* k_calls = "--calls";

/// Prints tables of medians in ns for each directory: of the calls of a mapping, for files up to `large_bytes`; and of those
/// of a miss and its store, by hand and as larder does them. What it makes in a directory it removes again.
void print_calls(std::size_t large_bytes, std::span<char* const> directories);

}  // namespace larder_bench
