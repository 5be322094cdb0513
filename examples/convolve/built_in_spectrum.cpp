#include "examples/convolve/built_in_spectrum.hpp"

#include <cmath>
#include <cstddef>

namespace convolve {

namespace {

enum class profile {
  gaussian,    // broadened by motion, or a band of many lines
  lorentzian,  // broadened by pressure: strong lines, with wings
};

struct line {
  double wavelength;  // nm, in air
  double depth;       // part of the light that is missing in the middle
  double width;       // full width at half maximum, nm
  profile shape;
};

// Wavelengths as in the usual tables of Fraunhofer's lines; depths and widths are rounded from solar atlases.
constexpr line k_lines[] = {
    {759.370, 0.90, 1.600, profile::gaussian},    // A, oxygen of the air (band)
    {686.719, 0.75, 0.900, profile::gaussian},    // B, oxygen of the air (band)
    {656.281, 0.84, 0.160, profile::lorentzian},  // C, hydrogen alpha
    {627.661, 0.30, 0.300, profile::gaussian},    // a, oxygen of the air (band)
    {589.592, 0.94, 0.048, profile::lorentzian},  // D1, sodium
    {588.995, 0.95, 0.060, profile::lorentzian},  // D2, sodium
    {527.039, 0.85, 0.030, profile::gaussian},    // E, iron and calcium
    {518.362, 0.91, 0.080, profile::lorentzian},  // b1, magnesium
    {517.270, 0.90, 0.070, profile::lorentzian},  // b2, magnesium
    {516.891, 0.83, 0.022, profile::gaussian},    // b3, iron
    {516.733, 0.88, 0.040, profile::lorentzian},  // b4, magnesium and iron
    {495.761, 0.82, 0.035, profile::gaussian},    // c, iron
    {486.134, 0.86, 0.140, profile::lorentzian},  // F, hydrogen beta
    {466.814, 0.75, 0.020, profile::gaussian},    // d, iron
    {438.355, 0.93, 0.050, profile::lorentzian},  // e, iron
    {434.047, 0.85, 0.120, profile::lorentzian},  // G', hydrogen gamma
    {430.790, 0.90, 0.200, profile::gaussian},    // G, iron, calcium and CH (band)
    {410.175, 0.83, 0.110, profile::lorentzian},  // h, hydrogen delta
    {396.847, 0.93, 0.650, profile::lorentzian},  // H, ionised calcium
    {393.366, 0.95, 0.900, profile::lorentzian},  // K, ionised calcium
};

/// The part of the light that a line lets through.
double transmission(const line& l, double wavelength) {
  const double x = (wavelength - l.wavelength) / (l.width / 2);
  return 1 - l.depth * (l.shape == profile::gaussian ? std::exp2(-x * x) : 1 / (1 + x * x));
}

}  // namespace

larder::array<const double> built_in_spectrum() {
  constexpr std::size_t k_samples = 200'000;
  constexpr double k_first = 380;
  constexpr double k_last = 780;
  auto samples = larder::array<double>::uninitialized({k_samples, 2});
  const auto at = samples.view<2>();
  for (std::size_t i = 0; i < k_samples; ++i) {
    const double wavelength = k_first + (k_last - k_first) * static_cast<double>(i) / (k_samples - 1);
    double flux = 1;
    for (const line& l : k_lines) flux *= transmission(l, wavelength);
    at(i, 0) = wavelength;
    at(i, 1) = flux;
  }
  return samples;
}

}  // namespace convolve
