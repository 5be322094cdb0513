#pragma once
// What makes a sample of a spectrum usable.

#include <string>

namespace convolve {

/// What is wrong with a sample that follows one at `wavelength_before` (0 for the first); empty if nothing is: both
/// numbers finite, wavelengths positive and strictly ascending.
std::string fault_of_sample(double wavelength, double flux, double wavelength_before);

}  // namespace convolve
