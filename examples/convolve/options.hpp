#pragma once
// The command line.

#include <larder/backend.hpp>

#include <filesystem>
#include <optional>
#include <vector>

namespace convolve {

struct options {
  std::filesystem::path spectrum{};                                ///< empty: the built-in one
  std::vector<double> resolutions{20'000.0, 50'000.0, 100'000.0};  ///< each positive and finite
  std::filesystem::path cache{"convolve-cache"};
  int jobs = -1;                                       ///< as larder::parallel_options::n_jobs; never 0
  larder::backend backend = larder::backend::threads;  ///< or fork, or processes
  std::filesystem::path output{};                      ///< empty: none
};

/// Without a value where the user asked for help or the version, which is printed then. std::runtime_error naming the
/// option and the value where something is wrong.
std::optional<options> read_options(int argc, const char* const* argv);

}  // namespace convolve
