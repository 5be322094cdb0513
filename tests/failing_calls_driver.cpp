// larder's side of cli/test_failing_calls.py: does what its arguments say, one step after the other.
//
//   dump FILE N           the numbers 0 ... N - 1
//   durable FILE N        the same, on the medium before it returns
//   create FILE N         the same, filled in place
//   load FILE             prints "loaded N", once every number was looked at
//   map FILE              the same, mapped
//   update FILE           mapped read_write: adds 1 to the first number
//   reseal FILE
//   call CACHE FIRST LAST calls a cached function for FIRST ... LAST, and prints "computed N", "hit N" and so on, with
//                         " mapped" where the result is
//   slow CACHE            the same, once, for a function that computes for longer than 0.1 s
//   clear CACHE
//
// What larder throws goes to stderr, with exit status 1; a wrong number is exit status 3.

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>

namespace {

using larder::array;

void count_up(const array<double>& a) {
  for (std::size_t i = 0; i < a.size(); ++i) a(i) = static_cast<double>(i);
}

array<const double> ramp(std::size_t n) {
  const array<double> a({n});
  count_up(a);
  return a;
}

std::vector<double> slow_ramp(std::size_t n) {
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(101)) {
  }
  return std::vector<double>(n, 1.0);
}

void check(const array<const double>& a, std::size_t first = 0) {
  for (std::size_t i = first; i < a.size(); ++i) {
    if (a(i) != static_cast<double>(i)) {
      std::fprintf(stderr, "element %zu is %g\n", i, a(i));
      std::exit(3);
    }
  }
}

void print(larder::outcome how, std::size_t n, bool mapped) {
  const char* text = how == larder::outcome::hit        ? "hit"
                     : how == larder::outcome::computed ? "computed"
                                                        : "bypassed";
  std::printf("%s %zu%s\n", text, n, mapped ? " mapped" : "");
}

void call(const std::string& cache, std::size_t first, std::size_t last) {
  const auto f = larder::memory(cache).cache("ramp", ramp, {.version = "1"});
  for (std::size_t n = first; n <= last; ++n) {
    const auto result = f.evaluate(n);
    if (result.value.size() != n) std::exit(3);
    check(result.value);
    print(result.how, n, result.value.is_mapped());
  }
}

/// Does the step that begins at `argument`; returns where the next one begins.
char** step(char** argument) {
  const std::string what = *argument++;
  const std::string path = *argument++;
  const auto number = [&argument] {
    return static_cast<std::size_t>(std::strtoull(*argument++, nullptr, 10));
  };
  if (what == "dump" || what == "durable") {
    larder::dump(ramp(number()), path, {.durable = what == "durable"});
  } else if (what == "create") {
    auto out = larder::create<double>(path, {number()});
    count_up(out.array());
    std::move(out).seal();
  } else if (what == "load" || what == "map") {
    const auto mode = what == "map" ? larder::mmap_mode::read : larder::mmap_mode::none;
    const auto a = larder::load<array<const double>>(path, {.mmap_mode = mode});
    check(a);
    std::printf("loaded %zu\n", a.size());
  } else if (what == "update") {
    larder::load<array<double>>(path, {.mmap_mode = larder::mmap_mode::read_write})(0) += 1;
  } else if (what == "reseal") {
    larder::reseal(path);
  } else if (what == "call") {
    const std::size_t first = number();
    call(path, first, number());
  } else if (what == "slow") {
    const auto f = larder::memory(path).cache("slow", slow_ramp, {.version = "1"});
    const auto result = f.evaluate(5);
    print(result.how, result.value.size(), false);
  } else if (what == "clear") {
    larder::memory(path).clear();
  } else {
    std::fprintf(stderr, "failing_calls_driver: unknown step %s\n", what.c_str());
    std::exit(2);
  }
  return argument;
}

}  // namespace

int main(int, char** argv) {
  try {
    for (char** argument = argv + 1; *argument != nullptr;) argument = step(argument);
    return 0;
  } catch (const larder::error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
