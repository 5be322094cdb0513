#pragma once
// What is convolved, from wherever it comes.

#include <larder/array.hpp>
#include <larder/memory.hpp>

#include <filesystem>
#include <string>

namespace convolve {

struct spectrum {
  std::string name;  ///< for the report
  larder::array<const double>
      samples;  ///< (n, 2), n >= 2: wavelength in nm, flux; all as fault_of_sample wants them
};

/// Maps an .npy; parses a text file, once, and maps what was parsed from `cache` ever after. An empty path is
/// the built-in spectrum. Nothing of a file with a fault gets into the cache.
/// Errors: std::runtime_error (larder::error is one) whose text names the file and the fault.
spectrum read_spectrum(const std::filesystem::path& path, const larder::memory& cache);

}  // namespace convolve
