// Curves grow-hit-*: hits of cached functions, against the number of entries, and the size of arguments and results.

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/filled_cache.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/growth.hpp"
#include "tools/benchmarks/late.hpp"
#include "tools/benchmarks/result_stores.hpp"
#include "tools/benchmarks/shuffled.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;

double first(const array& a) { return a(0); }
array large_result(std::size_t n) { return filled(n); }

const std::vector<std::size_t> k_sizes = powers_of_ten(3, 9);  // bytes

void add_entries(bench& b, const std::string& directory) {
  constexpr std::string_view k_curve = "grow-hit-entries";
  for (const std::size_t point : powers_of_ten(2, 6)) {
    const std::size_t entries = b.scaled(point);
    const std::string path = directory + "/larder_bench-grow-" + std::to_string(point);
    const auto cache = make_late<filled_cache>(directory, entries);
    b.add(point_name(k_curve, point, "larder"), [cache] { return cache().random_hits(); });
    b.add(point_name(k_curve, point, "floor"), [cache] { return cache().random_reads(); });
    for (const auto& maker : databases()) {
      const late<database> store([maker, entries, file = path + "." + maker.name] {
        auto results = maker.open(file);
        results->fill(static_cast<int>(entries), [&](int i) { results->put(i, twice(i)); });
        return results;
      });
      b.add(point_name(k_curve, point, maker.name), [store, order = shuffled(entries)]() mutable {
        database& results = store();
        return per_call([&] { keep(results.get(order.next())); });
      });
    }
  }
}

/// Numbers that do not repeat.
array numbers(std::size_t bytes) {
  auto a = larder::array<double>::uninitialized({bytes / sizeof(double)});
  for (std::size_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<double>(i) * 1.0001;
  return a;
}

void add_arguments(bench& b, const std::string& directory) {
  const larder::memory mem(directory + "/larder_bench-grow-arguments");
  const auto cached = mem.cache("first", first, {.version = "1"});
  const late<array> whole(
      [bytes = b.scaled(k_sizes.back())] { return std::make_unique<array>(numbers(bytes)); });
  // One result by hand, which all hits read.
  const auto by_hand = [path = directory + "/larder_bench-grow-by-hand"] {
    std::filesystem::create_directories(path);
    floor::store_number(path, 7, 14);
    return path;
  };
  for (const std::size_t point : k_sizes) {
    const auto heap = [whole, count = b.scaled(point) / sizeof(double)] {
      return array(whole().slice(0, 0, count));
    };
    b.add(point_name("grow-hit-heap", point, "larder"), [cached, heap] {
      const array a = heap();
      keep(cached(a));
      return per_call([&] { keep(cached(a)); });
    });
    b.add(point_name("grow-hit-heap", point, "floor"), [heap, by_hand] {
      const array a = heap();
      const std::string results = by_hand();
      return per_call([&] {
        keep(larder::hash(a).low);
        keep(static_cast<std::uint64_t>(floor::load_number(results, 7)));
      });
    });
    const std::string sealed = b.file(directory, "grow-argument-" + std::to_string(point));
    b.add(point_name("grow-hit-sealed", point, "larder"), [cached, heap, sealed] {
      if (::access(sealed.c_str(), F_OK) != 0) larder::dump(heap(), sealed);
      const auto a = larder::load<array>(sealed);
      keep(cached(a));
      return per_call([&] { keep(cached(a)); });
    });
    b.add(point_name("grow-hit-sealed", point, "floor"), [by_hand] {
      const std::string results = by_hand();
      return per_call([&] { keep(static_cast<std::uint64_t>(floor::load_number(results, 7))); });
    });
  }
}

void add_results(bench& b, const std::string& directory) {
  constexpr std::string_view k_curve = "grow-hit-result";
  constexpr std::size_t k_most_of_copies = 100'000'000;  // SQLite copies what it returns
  const larder::memory mem(directory + "/larder_bench-grow-results");
  const auto cached = mem.cache("large_result", large_result, {.version = "1"});
  const auto all = databases();
  for (const std::size_t point : k_sizes) {
    const std::size_t count = b.scaled(point) / sizeof(double);
    b.add(point_name(k_curve, point, "larder"), [cached, count] {
      keep(cached(count)(0));
      return per_call([&] { keep(cached(count)(0)); });
    });
    b.add(point_name(k_curve, point, "floor"), [cached, count] {
      const std::string path = cached.call_and_shelve(count).path();
      return per_call([&] { floor::map_and_touch(path); });
    });
    for (const auto& maker : all) {
      if (maker.name == "sqlite" && point > k_most_of_copies) continue;
      const std::string path = directory + "/larder_bench-grow-result-" + std::to_string(point);
      const late<database> store([maker, count, file = path + "." + maker.name] {
        auto results = maker.open(file);
        results->put_bytes(7, std::as_bytes(filled(count).flat()));
        return results;
      });
      b.add(point_name(k_curve, point, maker.name), [store] {
        database& results = store();
        return per_call([&] { keep(results.get(7)); });
      });
    }
  }
}

}  // namespace

void add_growth_of_cache(bench& b) {
  add_entries(b, b.quick_place());
  add_arguments(b, b.set().disk);
  add_results(b, b.set().disk);
}

}  // namespace larder_bench
