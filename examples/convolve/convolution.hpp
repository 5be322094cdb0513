#pragma once
// A spectrum as an instrument of a given resolving power sees it.

#include <larder/array.hpp>
#include <larder/backend.hpp>

namespace convolve {

/// Convolves with a Gaussian whose full width at half maximum is wavelength / resolution,
/// at each sample's wavelength w:
///
///     fwhm    = w / resolution
///     near    = all samples s with |wavelength[s] - w| < 5 fwhm
///     g(s)    = exp(-(wavelength[s] - w)^2 / (2 sigma^2)),   sigma = fwhm / (2 sqrt(2 ln 2))
///     result  = sum over near of g flux / sum over near of g
///
/// Samples need not be equidistant; at the ends the sums are over what is there. `spectrum` is (n, 2), its wavelengths
/// positive and ascending; the result has n elements, which depend neither on the number of jobs nor on
/// the backend (as in larder::parallel_options). The sums run in double, over samples in ascending order. Progress is shown
/// where a larder::parallel_config says so.
larder::array<const double> convolved(const larder::array<const double>& spectrum, double resolution,
                                      int jobs, larder::backend where);

}  // namespace convolve
