#pragma once
// Objects whose content proves itself: all of it follows from a seed that lies in it, and the seed says under which name it was put.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <larder/array.hpp>
#include <larder/fields.hpp>

namespace proven {

using table = larder::array<double>;
using read_table = larder::array<const double>;

struct parcel {
  std::uint64_t seed = 0;
  std::string text;
  read_table numbers;
  std::vector<std::vector<int>> rows;
  LARDER_FIELDS(seed, text, numbers, rows)
};

constexpr std::size_t k_most_numbers = 4'000;
/// No object has more as a file.
constexpr std::uint64_t k_most_bytes = k_most_numbers * sizeof(double) + 4'000;

/// Of the seeds of one name; exact in a double.
constexpr std::uint64_t k_names = 1'000;
inline std::uint64_t new_seed(std::uint64_t name, std::mt19937& random) {
  return std::uint64_t{random()} * k_names + name;
}

/// Most are small.
inline std::size_t size_of(std::uint64_t seed) {
  const std::uint64_t number = seed / k_names;
  return 1 + (number % 8 == 0 ? 2'000 + number % (k_most_numbers - 2'000) : number % 200);
}

inline double number_of(std::uint64_t seed, std::size_t i) {
  return static_cast<double>(seed) + static_cast<double>(i);
}

inline void fill(const table& numbers, std::uint64_t seed) {
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers(i) = number_of(seed, i);
}

inline table table_of(std::uint64_t seed) {
  table numbers({size_of(seed)});
  fill(numbers, seed);
  return numbers;
}

inline parcel parcel_of(std::uint64_t seed) {
  const std::size_t size = size_of(seed) % 50;
  return {.seed = seed,
          .text = std::to_string(seed),
          .numbers = table_of(seed),
          .rows = {size, std::vector<int>(size % 7, static_cast<int>(size))}};
}

inline bool is_right(const read_table& numbers, std::uint64_t name) {
  if (numbers.size() == 0 || numbers(0) < 0) return false;
  const auto seed = static_cast<std::uint64_t>(numbers(0));
  if (seed % k_names != name || numbers.size() != size_of(seed)) return false;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers(i) != number_of(seed, i)) return false;
  }
  return true;
}

inline bool is_right(const parcel& object, std::uint64_t name) {
  const parcel expected = parcel_of(object.seed);
  return object.seed % k_names == name && object.text == expected.text && object.rows == expected.rows &&
         object.numbers.size() == expected.numbers.size() && is_right(object.numbers, name);
}

}  // namespace proven
