#pragma once
// Numbers in messages and tables.

#include <string>

namespace convolve {

/// The shortest text that reads back as `value`, without an exponent where it is of ordinary size.
std::string number_text(double value);

}  // namespace convolve
