#pragma once
// A type that has every kind of storable type in it, for the targets that read objects.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <larder/array.hpp>
#include <larder/fields.hpp>
#include <larder/storable.hpp>
#include <larder/types/chrono.hpp>
#include <larder/types/deque.hpp>
#include <larder/types/list.hpp>

namespace fuzz {

enum class colour : std::uint8_t { red, green };

struct rgb {
  std::uint8_t r, g, b;
};

struct leaf {
  std::int64_t number = 0;
  bool flag = false;
  std::string text;
  LARDER_FIELDS(number, flag, text)
};

struct tree {
  std::unique_ptr<tree> left;
  std::unique_ptr<tree> right;
  std::shared_ptr<leaf> value;
  LARDER_FIELDS(left, right, value)
};

/// Shared pointers that lead on, from any depth.
struct link {
  std::shared_ptr<link> next;
  std::shared_ptr<const std::string> name;
  LARDER_FIELDS(next, name)
};

/// By cereal's function, with a version.
struct versioned {
  float old_part = 0;
  std::vector<std::int32_t> new_part;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(old_part);
    if (version >= 1) archive(cereal::make_nvp("new", new_part));
  }
};

struct rich {
  std::map<std::string, larder::array<const double>> arrays;
  std::vector<larder::array<double>> writable;
  std::vector<std::vector<std::uint16_t>> vectors;
  std::unordered_map<std::uint32_t, std::string> by_number;
  std::unordered_multiset<std::string> bag;
  std::multimap<std::int8_t, bool> flags;
  std::set<double> numbers;
  std::unordered_set<std::int16_t> unordered;
  std::vector<std::variant<std::monostate, std::int32_t, std::string, std::vector<bool>, leaf>> variants;
  std::optional<std::vector<std::string>> texts;
  tree root;
  std::vector<std::shared_ptr<link>> links;
  std::vector<std::optional<versioned>> versions;
  std::deque<std::list<char>> queues;
  std::tuple<colour, std::pair<std::byte, bool>, std::array<std::int32_t, 3>> fixed{};
  std::vector<std::chrono::milliseconds> times;
  std::vector<rgb> colours;
  std::vector<char> bytes;
  std::vector<std::monostate> nothing;
  std::list<std::set<std::unique_ptr<std::uint8_t>>> pointers;
  LARDER_FIELDS(arrays, writable, vectors, by_number, bag, flags, numbers, unordered, variants, texts, root,
                links, versions, queues, fixed, times, colours, bytes, nothing, pointers)
};

}  // namespace fuzz

template <>
inline constexpr bool larder::is_raw<fuzz::rgb> = true;
CEREAL_CLASS_VERSION(fuzz::versioned, 1)
