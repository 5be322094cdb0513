#include "examples/convolve/report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

#include "examples/convolve/complaint.hpp"
#include "examples/convolve/number_text.hpp"

namespace convolve {

namespace {

/// To be called after each printf, with its result.
void check(int printed) {
  if (printed >= 0 && std::fflush(stdout) == 0) return;
  throw std::runtime_error("cannot write the report: " + std::generic_category().message(errno));
}

}  // namespace

report::report(const spectrum& of, std::span<const double> resolutions)
    : points_(of.samples.shape(0)), width_(10) {
  for (const double r : resolutions) width_ = std::max(width_, static_cast<int>(number_text(r).size()));
  const auto at = of.samples.view<2>();
  check(std::printf("%s: %zu samples, %.8g to %.8g nm\n%*s  %-8s  %11s  %13s\n", printable(of.name).c_str(),
                    points_, at(0, 0), at(points_ - 1, 0), width_, "resolution", "source", "seconds",
                    "points/s"));
}

void report::row(double resolution, larder::outcome how, std::chrono::duration<double> time) {
  const double seconds = std::max(time.count(), 1e-9);
  check(std::printf("%*s  %-8s  %11.6f  %13.0f\n", width_, number_text(resolution).c_str(),
                    how == larder::outcome::hit ? "cache" : "computed", seconds,
                    static_cast<double>(points_) / seconds));
}

}  // namespace convolve
