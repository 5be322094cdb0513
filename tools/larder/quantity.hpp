#pragma once
// Numbers as people read them.

#include <chrono>
#include <cstdint>
#include <string>

namespace larder::command {

/// "1.95 MiB (2,048,576 bytes)"; below 1 KiB "512 bytes".
std::string bytes_text(std::uint64_t bytes);

/// The same without the exact number: "1.95 MiB"; below 1 KiB "512 bytes".
std::string size_text(std::uint64_t bytes);

/// "3 entries", "1 entry".
std::string entries_text(std::uint64_t number);

/// "12.5 µs", "12.5 ms", "1.95 s", "19.5 min", "2.00 h", "195 days".
std::string duration_text(double seconds);

/// "2024-02-29T12:00:00Z".
std::string time_text(std::chrono::sys_time<std::chrono::nanoseconds> time);

/// "12.5 %" of the whole, which is not 0.
std::string percent_text(std::uint64_t part, std::uint64_t whole);

}  // namespace larder::command
