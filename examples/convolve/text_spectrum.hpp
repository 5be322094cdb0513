#pragma once
// A spectrum as text: a line per sample, wavelength and flux with blanks between them.

#include <larder/array.hpp>

#include <stdexcept>
#include <string>

namespace convolve {

/// Names the line; whoever knows the file adds its name.
class text_fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The samples as an (n, 2) array. A # begins a comment, lines without anything else are skipped, lines end in LF
/// or CRLF; numbers are read the same in every locale. text_fault for any other text, and where a sample has a
/// fault or fewer than 2 are there. (A function of the text alone, so that it can be cached.)
larder::array<const double> parse_text(const std::string& text);

}  // namespace convolve
