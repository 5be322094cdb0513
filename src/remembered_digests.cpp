#include "src/remembered_digests.hpp"

#include <algorithm>
#include <bit>

namespace larder::detail {
namespace {

// Nothing else is ordered by them: an entry is all there, or not that of its name.
constexpr auto k_order = std::memory_order_relaxed;

/// Another one if either word is another one: with it, both words of a name belong to both words of its value.
std::uint64_t seal(const digest& value) noexcept { return value.low ^ std::rotl(value.high, 32); }

}  // namespace

std::optional<digest> remembered_digests::entry::value_of(const digest& name) const noexcept {
  const digest value{words_[0].load(k_order), words_[1].load(k_order)};
  const digest found{words_[2].load(k_order) ^ seal(value), words_[3].load(k_order) ^ seal(value)};
  if (found != name) return std::nullopt;
  return value;
}

bool remembered_digests::entry::is_empty() const noexcept {
  return std::ranges::all_of(words_, [](const auto& word) { return word.load(k_order) == 0; });
}

void remembered_digests::entry::set(const digest& name, const digest& value) noexcept {
  words_[0].store(value.low, k_order);
  words_[1].store(value.high, k_order);
  words_[2].store(name.low ^ seal(value), k_order);
  words_[3].store(name.high ^ seal(value), k_order);
}

std::optional<digest> remembered_digests::find(const digest& name) const noexcept {
  for (const entry& each : rows_[name.low % rows_.size()]) {
    if (const auto value = each.value_of(name)) return value;
  }
  return std::nullopt;
}

void remembered_digests::remember(const digest& name, const digest& value) noexcept {
  row& mine = rows_[name.low % rows_.size()];
  const auto is_its_place = [&](const entry& each) { return each.is_empty() || each.value_of(name); };
  auto place = std::ranges::find_if(mine, is_its_place);
  if (place == mine.end()) place = mine.begin() + static_cast<std::ptrdiff_t>(name.high % k_ways);
  place->set(name, value);
}

}  // namespace larder::detail
