#pragma once
// Standard output for results, standard error for what is wrong.

#include <string>
#include <string_view>

namespace larder::command {

/// Standard output cannot be written to: the disk behind it is full, or nobody reads it any more.
struct output_lost {
  int errno_value;
};

/// Call first: where a standard stream is closed, no file that is opened later takes its place, and writing to it fails.
void keep_streams_apart() noexcept;

/// Appends to standard output. output_lost.
void print(std::string_view text);
/// Returns when all that was printed is out. output_lost.
void flush_output();

/// One line "larder: TEXT" on standard error, at once, after what was printed before. The text may hold anything. Never
/// throws.
void complain(std::string_view text) noexcept;

/// Text of a single line that a terminal shows as it is: control characters become '?'.
std::string printable(std::string_view text);

}  // namespace larder::command
