// Reads the streams of objects. What is read is written and read again to the same bytes.

#include <larder/detail/object_reader.hpp>

#include <larder/detail/object_writer.hpp>
#include <larder/error.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tests/fuzz/allocation_peak.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/rich_value.hpp"

using namespace larder::detail;

namespace {

/// An object in memory, with its arrays.
class memory_source final : public object_source {
 public:
  memory_source(std::span<const std::byte> stream, std::span<const raw_array> arrays, std::uint64_t budget)
      : stream_(stream), arrays_(arrays), left_(budget) {}

  std::span<const std::byte> stream() const noexcept override { return stream_; }
  raw_array array(std::uint32_t segment, larder::dtype expected, result_kind /*wanted*/) override {
    if (segment >= arrays_.size()) fail("no such segment");
    if (arrays_[segment].dtype != expected) fail("another element type");
    return arrays_[segment];
  }
  void elements(std::uint32_t segment, larder::dtype expected, const placement& place) override {
    const raw_array found = array(segment, expected, result_kind::vector);
    if (found.layout.rank() != 1) fail("not a vector");
    take_memory(found.nbytes());
    std::byte* out = place(found.count());
    if (found.nbytes() != 0) std::memcpy(out, found.data, found.nbytes());
  }
  void take_memory(std::uint64_t bytes) override {
    if (bytes > left_) throw larder::format_error(path_, larder::format_code::bomb, "too much");
    left_ -= bytes;
  }
  void give_memory(std::uint64_t bytes) noexcept override { left_ += bytes; }
  void require_all_used() const override {}
  const std::string& path() const noexcept override { return path_; }

 private:
  std::string path_ = "object.larder";
  std::span<const std::byte> stream_;
  std::span<const raw_array> arrays_;
  std::uint64_t left_;
};

constexpr std::uint64_t k_budget = std::uint64_t{1} << 20;
/// Beyond the budget: a message, the reader itself, and what a container takes that grows by doubling.
constexpr std::size_t k_overhead = std::size_t{128} << 10;

fuzz::rich read(std::span<const std::byte> stream, std::span<const raw_array> arrays, std::uint64_t budget) {
  memory_source source(stream, arrays, budget);
  fuzz::rich value;
  object_reader reader(source);
  reader(value);
  reader.finish();
  return value;
}

const std::vector<raw_array>& some_arrays() {
  static const std::vector<raw_array> arrays = [] {
    std::vector<raw_array> made;
    for (const auto type : {larder::dtype::f64, larder::dtype::u16}) {
      made.push_back(allocate(type, {3}, initial::zero));
      made.push_back(allocate(type, {2, 2}, initial::zero));
    }
    return made;
  }();
  return arrays;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto stream = std::as_bytes(std::span(data, size));
  some_arrays();
  const fuzz::allocation_peak peak;
  try {
    const fuzz::rich value = read(stream, some_arrays(), k_budget);
    fuzz::require(peak.bytes() <= k_budget + k_overhead, "memory stays within its budget");
    object_writer once("");
    once(value);
    const std::string_view written = once.stream();
    constexpr std::uint64_t k_unlimited = ~std::uint64_t{0};
    const fuzz::rich again = read(std::as_bytes(std::span(written)), once.arrays(), k_unlimited);
    object_writer twice("");
    twice(again);
    fuzz::require(twice.stream() == written, "an object that was read is written as it was read");
    fuzz::require(hash_apart(value) == hash_apart(again), "and hashes alike");
  } catch (const larder::format_error&) {
    fuzz::require(peak.bytes() <= k_budget + k_overhead, "memory stays within its budget");
  }
  return 0;
}
