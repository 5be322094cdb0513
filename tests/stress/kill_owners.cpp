#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <thread>

#include <larder/memory.hpp>

#include "tests/processes.hpp"
#include "tests/stress/crew.hpp"
#include "tests/stress/scenarios.hpp"

namespace {

constexpr std::size_t k_most_keys = 10'000;
constexpr std::size_t k_most_attempts = 60;
constexpr std::size_t k_most_processes = 1'000;

struct shared_key {
  std::atomic<pid_t> owner = 0;        // who computes it, or was killed while it did
  std::atomic<bool> returned = false;  // by a call, to somebody
  std::atomic<std::uint32_t> attempts = 0;
  std::array<std::atomic<pid_t>, k_most_attempts> owners{};  // in the order in which they began
};
struct shared_state {
  std::atomic<std::uint64_t> progress = 0;
  std::atomic<std::uint64_t> waits = 0;
  std::array<shared_key, k_most_keys> keys;
  std::array<std::atomic<int>, k_most_processes> wanted{};  // by each process, which key
};
shared_state* shared = nullptr;
std::uint64_t seed = 0;

std::string text_of(int key) { return "key " + std::to_string(key); }

/// Small ones, which are copied, and large ones, which are mapped.
std::size_t size_of(int key) { return key % 4 == 0 ? 5'000 : 50; }

bool is_right(const larder::array<const double>& value, int key) {
  return value.size() == size_of(key) &&
         std::ranges::all_of(value.flat(), [key](double each) { return each == key; });
}

/// Takes a while, and may be the last thing that this process does.
void work(int key, std::uint32_t attempt) {
  using std::chrono::microseconds;
  std::seed_seq seeds{seed, static_cast<std::uint64_t>(key), std::uint64_t{attempt}};
  std::mt19937 random(seeds);
  const auto up_to = [&](int most) { return microseconds(std::uniform_int_distribution(0, most)(random)); };
  constexpr int k_longest = 2'000;
  const microseconds time = up_to(k_longest);
  // Also a little later, while it stores.
  if (random() % 3 == 0) die_in(up_to(static_cast<int>(time.count()) + 300));
  std::this_thread::sleep_for(time);
}

larder::array<const double> computed(int key) {
  shared_key& state = shared->keys[static_cast<std::size_t>(key)];
  const pid_t self = ::getpid();
  const pid_t before = state.owner.exchange(self);
  if (before != 0 && is_alive(before))
    fail(text_of(key) + " is computed by " + std::to_string(before) + " and " + std::to_string(self) +
         " at once");
  if (state.returned) fail(text_of(key) + " is computed again, and was stored");
  const std::uint32_t attempt = state.attempts++;
  if (attempt >= k_most_attempts) fail(text_of(key) + " is computed over and over");
  state.owners[attempt] = self;
  work(key, attempt);
  state.owner = 0;
  ++shared->progress;
  const larder::array<double> value({size_of(key)});
  std::ranges::fill(value.flat(), key);
  return value;
}

auto cached(const stress_options& options) {
  return larder::memory(options.directory / "owners").cache("stress.owners", computed, {.version = "1"});
}

/// Wants all keys, beginning at one of four: crowds that meet now and then.
void want_all(const stress_options& options, std::size_t place) {
  const auto f = cached(options);
  const std::size_t first = place % 4 * options.keys / 4;
  for (std::size_t i = 0; i < options.keys; ++i) {
    const int key = static_cast<int>((first + i) % options.keys);
    shared->wanted[place] = key;
    const auto result = f.evaluate(key);
    if (!is_right(result.value, key)) fail("a wrong value of " + text_of(key));
    shared->keys[static_cast<std::size_t>(key)].returned = true;
    shared->waits += result.how == larder::outcome::waited;
    ++shared->progress;
  }
}

/// Returns how often the key was computed.
std::uint32_t check_attempts(int key, const std::set<pid_t>& killed) {
  const shared_key& state = shared->keys[static_cast<std::size_t>(key)];
  const std::uint32_t attempts = state.attempts;
  if (attempts == 0) fail(text_of(key) + " was never computed");
  for (std::uint32_t i = 0; i + 1 < attempts; ++i) {
    if (!killed.contains(state.owners[i]))
      fail(text_of(key) + " was computed " + std::to_string(attempts) +
           " times, also after one who was not killed");
  }
  return attempts;
}

}  // namespace

void kill_owners(const stress_options& options) {
  if (options.keys > k_most_keys || options.processes > k_most_processes) fail("too many keys or processes");
  shared = &made_shared<shared_state>();
  seed = options.seed;
  const auto start = std::chrono::steady_clock::now();
  std::set<pid_t> killed;
  run_crew({.places = options.processes,
            .body = [&](std::size_t place, std::uint64_t) { want_all(options, place); },
            .killed = [&](pid_t pid) { killed.insert(pid); },
            .progress = [] { return shared->progress.load(); },
            .state = [](std::size_t place) { return "wants " + text_of(shared->wanted[place]); }});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (killed.size() < options.keys / 6)
    fail("only " + std::to_string(killed.size()) + " processes were killed");

  std::uint64_t computations = 0;
  const auto f = cached(options);
  for (int key = 0; key < static_cast<int>(options.keys); ++key) {
    computations += check_attempts(key, killed);
    const auto result = f.evaluate(key);
    if (result.how != larder::outcome::hit || !is_right(result.value, key)) fail(text_of(key) + " is lost");
  }
  std::printf("owners: %zu processes, %zu keys, %zu kills, %llu computations, %llu waits, %.1f s\n",
              options.processes, options.keys, killed.size(), static_cast<unsigned long long>(computations),
              static_cast<unsigned long long>(shared->waits.load()), seconds.count());
}
