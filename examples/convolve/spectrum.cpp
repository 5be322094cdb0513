#include "examples/convolve/spectrum.hpp"

#include <larder/error.hpp>
#include <larder/load.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "examples/convolve/built_in_spectrum.hpp"
#include "examples/convolve/sample.hpp"
#include "examples/convolve/text_spectrum.hpp"

namespace convolve {

namespace {

struct close_file {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using file_handle = std::unique_ptr<std::FILE, close_file>;

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view fault) {
  throw std::runtime_error(path.string() + ": " + std::string(fault));
}

/// By the name, and by the first byte of the magic of .npy files and of larder's own: neither begins a text.
/// What is not a regular file cannot be mapped, and has to be read from once only.
bool is_npy(const std::filesystem::path& path) {
  std::error_code ignored;  // whoever opens the file next reports it
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  if (path.extension() == ".npy") return true;
  const file_handle file(std::fopen(path.c_str(), "re"));
  const int first = file ? std::fgetc(file.get()) : EOF;
  return first == 0x93 || first == 0xD3;
}

std::string read_text(const std::filesystem::path& path) {
  const file_handle file(std::fopen(path.c_str(), "re"));
  if (!file) throw larder::io_error(path.string(), "cannot open", errno);
  std::string text;
  std::array<char, 1 << 16> block;
  while (const std::size_t length = std::fread(block.data(), 1, block.size(), file.get())) {
    const std::string_view read(block.data(), length);
    // Seen here, an endless stream of zeros ends at once.
    if (read.find('\0') != std::string_view::npos)
      refuse(path, "is not a spectrum: neither an .npy file nor text");
    text += read;
  }
  if (std::ferror(file.get())) throw larder::io_error(path.string(), "cannot read", errno);
  if (text.empty()) refuse(path, "is empty");
  return text;
}

larder::array<const double> load_npy(const std::filesystem::path& path) {
  try {
    return larder::load<larder::array<const double>>(path);
  } catch (const larder::type_mismatch& other) {
    refuse(path, "expected an array of float64, found " + other.found());
  }
}

larder::array<const double> npy_samples(const std::filesystem::path& path) {
  const auto samples = load_npy(path);
  if (samples.ndim() != 2 || samples.shape(1) != 2) {
    std::string found;
    for (const std::size_t size : samples.shape())
      found += (found.empty() ? "" : ", ") + std::to_string(size);
    refuse(path, "expected an array of shape (n, 2), found (" + found + (samples.ndim() == 1 ? ",)" : ")"));
  }
  const auto at = samples.view<2>();
  if (at.shape(0) < 2) refuse(path, "expected at least 2 samples, found " + std::to_string(at.shape(0)));
  double before = 0;
  for (std::size_t row = 0; row < at.shape(0); ++row) {
    const std::string fault = fault_of_sample(at(row, 0), at(row, 1), before);
    if (!fault.empty()) refuse(path, "row " + std::to_string(row) + " (counted from 0): " + fault);
    before = at(row, 0);
  }
  return samples;
}

larder::array<const double> text_samples(const std::filesystem::path& path, const larder::memory& cache) {
  const auto parse = cache.cache("convolve.parse_text", parse_text, {.version = "1"});
  const std::string text = read_text(path);
  try {
    return parse(text);
  } catch (const text_fault& fault) {
    refuse(path, fault.what());
  }
}

}  // namespace

spectrum read_spectrum(const std::filesystem::path& path, const larder::memory& cache) {
  if (path.empty()) {
    return {"built-in spectrum",
            cache.cache("convolve.built_in_spectrum", built_in_spectrum, {.version = "1"})()};
  }
  return {path.string(), is_npy(path) ? npy_samples(path) : text_samples(path, cache)};
}

}  // namespace convolve
