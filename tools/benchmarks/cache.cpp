// Rows cache-*: calls of cached functions, against the same done by hand, with one file per result.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/filled_cache.hpp"
#include "tools/benchmarks/first_hit.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/late.hpp"
#include "tools/benchmarks/result_stores.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;

double first(const array& a) { return a(0); }
array large_result(std::size_t n) { return filled(n); }

void add_small(bench& b, const std::string& place, const std::string& directory) {
  const auto f = std::make_shared<cached_twice>(directory + "/larder_bench-cache-small");
  const std::string by_hand = directory + "/larder_bench-by-hand";
  b.add("cache-hit-" + place + "/larder", [f] {
    (*f)(7);
    return per_call([&] { (*f)(7); });
  });
  b.add("cache-hit-" + place + "/floor", [by_hand] {
    std::filesystem::create_directories(by_hand);
    floor::store_number(by_hand, 7, 14);
    return per_call([&] { keep(static_cast<std::uint64_t>(floor::load_number(by_hand, 7))); });
  });
  // Numbers that were never asked for; the directories of all first digits are there.
  const auto next = std::make_shared<int>(1000);
  const auto warm = [f, next] {
    for (int i = 0; *next == 1000 && i < 3000; ++i) (*f)(-i);
  };
  b.add("cache-miss-" + place + "/larder", [f, next, warm] {
    warm();
    return per_call([&] { (*f)((*next)++); });
  });
  b.add("cache-miss-" + place + "/floor", [by_hand, next = 1000]() mutable {
    std::filesystem::create_directories(by_hand);
    return per_call([&] {
      ++next;
      floor::store_number(by_hand, next, 2 * next);
    });
  });
}

/// The same by others. A miss looks for the result, too, and then puts it.
void add_small_of_peers(bench& b, const std::string& place, const std::string& directory) {
  for (const auto& maker : number_stores()) {
    const late<number_store> store(
        [maker, path = directory + "/larder_bench-cache-" + maker.name] { return maker.open(path); });
    b.add("cache-hit-" + place + "/" + maker.name, [store] {
      store().put(7, twice(7));
      return per_call([&] { keep(store().get(7)); });
    });
    b.add("cache-miss-" + place + "/" + maker.name, [store, next = 1000]() mutable {
      number_store& results = store();
      return per_call([&] {
        ++next;
        if (!results.find(next)) results.put(next, twice(next));
      });
    });
  }
}

void add_large(bench& b, const std::string& directory) {
  const larder::memory mem(directory + "/larder_bench-cache-large");
  const auto of_array = mem.cache("first", first, {.version = "1"});
  const std::size_t tenth = b.set().large_bytes / sizeof(double) / 10;
  const auto argument = [&b, tenth] { return array(b.large().slice(0, 0, tenth)); };

  b.add("cache-argument-heap/larder", [of_array, argument] {
    const array a = argument();
    keep(of_array(a));
    return per_call([&] { keep(of_array(a)); });
  });
  b.add("cache-argument-heap/floor", [argument] {
    const array a = argument();
    return per_call([&] { keep(larder::hash(a).low); });
  });
  const std::string sealed = b.file(directory, "cache-argument.npy");
  b.add("cache-argument-sealed/larder", [of_array, argument, sealed] {
    if (::access(sealed.c_str(), F_OK) != 0) larder::dump(argument(), sealed);
    const auto a = larder::load<array>(sealed);
    keep(of_array(a));
    return per_call([&] { keep(of_array(a)); });
  });

  const auto result = mem.cache("large_result", large_result, {.version = "1"});
  const std::size_t whole = b.set().large_bytes / sizeof(double);
  b.add("cache-result-large/larder", [result, whole] {
    keep(result(whole)(0));
    return per_call([&] { keep(result(whole)(0)); });
  });
  b.add("cache-result-large/floor", [result, whole] {
    const std::string path = result.call_and_shelve(whole).path();
    return per_call([&] { floor::map_and_touch(path); });
  });
}

void add_million(bench& b, const std::string& directory) {
  const auto few = make_late<filled_cache>(directory, std::size_t{1000});
  const auto many = make_late<filled_cache>(directory, b.set().large_bytes / 800);
  b.add("cache-many-same/larder", [many] { return many().same_hits(); });
  b.add("cache-many-same/floor", [few] { return few().same_hits(); });
  b.add("cache-many-random/larder", [many] { return many().random_hits(); });
  b.add("cache-many-random/floor", [many] { return many().random_reads(); });
  b.add("cache-many-first/larder", [many] { return many().first_hits(); });
}

/// Seconds of a whole process: of this program, in another of its roles.
double process(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  return once([&] {
    pid_t child = 0;
    int status = 0;
    if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv.data(), environ) != 0 ||
        ::waitpid(child, &status, 0) != child || status != 0) {
      throw std::runtime_error("the process of a first hit has failed");
    }
  });
}

void add_first_hit(bench& b, const std::string& directory) {
  const std::string cache = directory + "/larder_bench-cache-first";
  // The median of differences between neighbours.
  b.add("cache-first-hit/larder", [cache] {
    process({"larder_bench", k_first_hit, cache});  // computes
    std::array<double, 41> more{};
    for (double& each : more) {
      const double bare = process({"larder_bench", k_first_hit});
      each = process({"larder_bench", k_first_hit, cache}) - bare;
    }
    std::nth_element(more.begin(), more.begin() + more.size() / 2, more.end());
    return more[more.size() / 2];
  });
}

}  // namespace

int first_hit(const char* directory) {
  if (directory == nullptr) return 0;
  const auto f = larder::memory(directory).cache("twice", twice, {.version = "1"});
  return f(7) == 14 ? 0 : 1;
}

void add_cache(bench& b) {
  for (const auto& [place, directory] : b.places()) {
    add_small(b, place, directory);
    add_small_of_peers(b, place, directory);
  }
  add_large(b, b.set().disk);
  add_million(b, b.quick_place());
  add_first_hit(b, b.set().disk);
}

}  // namespace larder_bench
