#pragma once
// What the program prints: the spectrum, then a row per resolving power.

#include <larder/memory.hpp>

#include <chrono>
#include <cstddef>
#include <span>

#include "examples/convolve/spectrum.hpp"

namespace convolve {

/// On stdout, each row as soon as it is known. std::runtime_error where stdout cannot be written to.
class report {
 public:
  /// Prints what comes before the rows of these resolving powers.
  report(const spectrum& of, std::span<const double> resolutions);

  void row(double resolution, larder::outcome how, std::chrono::duration<double> time);

 private:
  std::size_t points_;
  int width_;  // of the first column
};

}  // namespace convolve
