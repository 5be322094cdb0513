#include "examples/convolve/sample.hpp"

#include <cmath>

#include "examples/convolve/number_text.hpp"

namespace convolve {

std::string fault_of_sample(double wavelength, double flux, double wavelength_before) {
  if (!std::isfinite(wavelength)) return "wavelength is " + number_text(wavelength);
  if (!std::isfinite(flux)) return "flux is " + number_text(flux);
  if (!(wavelength > 0)) return "wavelength " + number_text(wavelength) + " is not positive";
  if (!(wavelength > wavelength_before)) {
    return "wavelengths are not ascending: " + number_text(wavelength) + " after " +
           number_text(wavelength_before);
  }
  return {};
}

}  // namespace convolve
