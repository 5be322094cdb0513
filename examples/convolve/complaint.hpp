#pragma once
// What goes wrong, on stderr.

#include <string>
#include <string_view>

namespace convolve {

/// Prints the one line `convolve: TEXT`. Names of files may hold anything: what would break the line or steer the
/// terminal is replaced.
void complain(std::string_view text);

/// `text` with a ? for each control character.
std::string printable(std::string_view text);

}  // namespace convolve
