#pragma once
// A solar spectrum for those who have none at hand.

#include <larder/array.hpp>

namespace convolve {

/// (200000, 2): 380 to 780 nm in equal steps; a continuum of 1 with the Fraunhofer lines A to K in it, as strong and as
/// wide as they roughly are in sunlight that came through the air.
larder::array<const double> built_in_spectrum();

}  // namespace convolve
