#include "tests/stress/cache_user.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <larder/error.hpp>
#include <larder/inspect.hpp>
#include <larder/log.hpp>
#include <larder/memory.hpp>

#include "tests/stress/crew.hpp"
#include "tests/stress/mixed_results.hpp"

namespace {

namespace fs = std::filesystem;
using larder::memory;
using larder::outcome;

template <class R>
R computed(int key) {
  ++the_mix->computations;
  return mixed_results::value_of<R>(key);
}

template <class R>
auto cached(const memory& mem, const std::string& name) {
  return mem.cache(name, computed<R>, {.version = "1"});
}
template <class F>
using result_of = decltype(std::declval<const F&>()(0));

/// Calls use(number, cached function) for each of the functions.
template <class Use>
void with_functions(const memory& plain, const memory& packed, Use use) {
  using namespace mixed_results;
  use(std::size_t{0}, cached<row>(plain, "plain.row"));
  use(std::size_t{1}, cached<table>(plain, "plain.table"));
  use(std::size_t{2}, cached<fit>(plain, "plain.fit"));
  use(std::size_t{3}, cached<row>(packed, "packed.row"));
  use(std::size_t{4}, cached<table>(packed, "packed.table"));
  use(std::size_t{5}, cached<fit>(packed, "packed.fit"));
}
template <class Use>
void with_functions(const memory& all, Use use) {
  with_functions(all, all, use);
}

template <class R>
void check(const R& result, int key) {
  if (!mixed_results::is_right(result, key)) fail("a wrong value of key " + std::to_string(key));
}

constexpr std::uint64_t k_limit = 1'000'000;

/// The cache from which entries are removed all the time. Some have a limit, and some have none.
memory churned(const stress_options& options, int compress, bool limited) {
  return memory(options.directory / "churn",
                {.compress = compress, .bytes_limit = limited ? std::to_string(k_limit) : ""});
}
memory kept(const stress_options& options, int compress) {
  return memory(options.directory / "kept", {.compress = compress});
}

class user {
 public:
  user(const stress_options& options, std::mt19937& random)
      : options_(options), random_(random), churn_(churned(options, 0, false)) {
    const bool limited = up_to(2) == 0;
    with_functions(
        churned(options, 0, limited), churned(options, 1, limited),
        [this](std::size_t, const auto& f) { actions_.emplace_back([this, f] { use_churned(f); }); });
    with_functions(kept(options, 0), kept(options, 1), [this](std::size_t number, const auto& f) {
      actions_.emplace_back([this, number, f] { use_kept(number, f); });
    });
  }

  void do_something() {
    actions_[up_to(actions_.size() - 1)]();
    ++the_mix->operations;
  }

 private:
  std::size_t up_to(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random_); }

  /// What was there once, for whomever, is there.
  template <class F>
  void use_kept(std::size_t number, const F& f) {
    const int key = static_cast<int>(up_to(static_cast<std::size_t>(kept_keys()) - 1));
    auto& acknowledged = the_mix->acknowledged[number][static_cast<std::size_t>(key)];
    const bool is_there = acknowledged;
    const auto lost = [&](bool yes) {
      if (is_there && yes)
        fail("a lost entry, function " + std::to_string(number) + ", key " + std::to_string(key));
    };
    switch (up_to(9)) {
      case 0:
      case 1:
        check(f.call(key), key);
        break;
      case 2:
      case 3:
        f.store(mixed_results::value_of<result_of<F>>(key), key);
        break;
      case 4:
        check(f.call_and_shelve(key).get(), key);
        break;
      case 5:
        lost(!f.check_call_in_cache(key));
        return;
      default:
        const auto result = f.evaluate(key);
        check(result.value, key);
        lost(result.how == outcome::computed);
    }
    acknowledged = true;
  }

  template <class F>
  void use_churned(const F& f) {
    const int key = static_cast<int>(up_to(options_.keys - 1));
    switch (up_to(19)) {
      case 0:
      case 1:
        return f.forget(key);
      case 2:
        return remove_many(f);
      case 3:
      case 4:
        return check(f.call(key), key);
      case 5:
      case 6:
        return f.store(mixed_results::value_of<result_of<F>>(key), key);
      case 7:
      case 8:
        return get_shelved(f, key);
      default:
        return check_later(f(key), key);
    }
  }

  template <class F>
  static void get_shelved(const F& f, int key) {
    const auto later = f.call_and_shelve(key);
    try {
      check(later.get(), key);
    } catch (const larder::io_error& e) {
      if (e.errno_value() != ENOENT) throw;  // somebody removed it
    }
  }

  /// A mapping lives on when its entry goes.
  template <class R>
  void check_later(R result, int key) {
    check(result, key);
    if constexpr (std::same_as<R, mixed_results::table>) {
      if (held_) check(held_->first, held_->second);
      held_.emplace(std::move(result), key);
    }
  }

  template <class F>
  void remove_many(const F& f) {
    switch (up_to(15)) {
      case 0:
        return churn_.clear();
      case 1:
      case 2:
        return f.clear();
      case 3:
      case 4:
      case 5:
        return reduce({.items_limit = options_.keys / 2});
      case 6:
      case 7:
      case 8:
        return reduce({.age_limit = std::chrono::seconds(1)});
      default:
        return reduce({.bytes_limit = "500K"});
    }
  }

  void reduce(const larder::reduce_options& options) {
    the_mix->evictions += churn_.reduce_size(options).entries;
  }

  const stress_options& options_;
  std::mt19937& random_;
  memory churn_;
  std::vector<std::function<void()>> actions_;
  std::optional<std::pair<mixed_results::table, int>> held_;
};

bool is_entry(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() == 30 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// ".NAME.larder-DIGITS"; the lock file begins with ".larder-".
bool is_temporary(const fs::path& path) {
  return path.filename().string().find(".larder-", 1) != std::string::npos;
}

/// Every entry is whole. What a process that was killed left under a temporary name is made as old as such things have to be
/// before somebody else may remove them.
void check_files(const fs::path& location) {
  for (const auto& item : fs::recursive_directory_iterator(location)) {
    if (item.is_directory()) continue;
    if (is_entry(item.path())) {
      larder::verify(item.path());
    } else if (is_temporary(item.path())) {
      fs::last_write_time(item.path(), fs::file_time_type::clock::now() - std::chrono::hours(2));
      ++the_mix->left_behind;
    }
  }
}

/// Whoever was killed while it counted, the next store within a limit keeps it.
void check_limit(const stress_options& options) {
  cached<mixed_results::table>(churned(options, 0, true), "plain.table").call(5);
  std::uint64_t bytes = 0;
  for (const auto& item : fs::recursive_directory_iterator(options.directory / "churn")) {
    if (is_entry(item.path())) bytes += item.file_size();
  }
  if (bytes > k_limit)
    fail("there are " + std::to_string(bytes) + " bytes in a cache with a limit of " +
         std::to_string(k_limit));
}

void check_nothing_is_left(const fs::path& location) {
  std::vector<std::string> names;
  for (const auto& item : fs::recursive_directory_iterator(location))
    names.push_back(item.path().lexically_relative(location).string());
  std::ranges::sort(names);
  const std::vector<std::string> expected = {".gitignore", ".larder-lock", "CACHEDIR.TAG"};
  if (names == expected) return;
  std::string text;
  for (const std::string& name : names) text += "\n  " + name;
  fail("in the empty cache " + location.string() + " there are" + text);
}

void check_usable(const memory& mem) {
  with_functions(mem, [](std::size_t, const auto& f) {
    const int key = 5;
    for (const outcome expected : {outcome::computed, outcome::hit}) {
      const auto result = f.evaluate(key);
      check(result.value, key);
      if (result.how != expected) fail("a cache that cannot be used any more");
    }
  });
}

void check_acknowledged(const stress_options& options) {
  with_functions(kept(options, 0), [&](std::size_t number, const auto& f) {
    for (int key = 0; key < kept_keys(); ++key) {
      if (!the_mix->acknowledged[number][static_cast<std::size_t>(key)]) continue;
      const auto result = f.evaluate(key);
      check(result.value, key);
      if (result.how != outcome::hit)
        fail("a lost entry in the end, function " + std::to_string(number) + ", key " + std::to_string(key));
    }
  });
}

}  // namespace

int kept_keys() {
  return static_cast<int>(std::min<std::uint64_t>(100 + the_mix->kills / 5, k_most_kept_keys));
}

void use_caches(const stress_options& options, std::mt19937& random) {
  // Nothing of what happens here is something to warn of.
  larder::set_log_hook(
      [](larder::log_level, std::string_view text) { fail("a warning: " + std::string(text)); });
  user self(options, random);
  while (the_mix->kills < options.kills) self.do_something();
}

void check_caches(const stress_options& options) {
  const memory churn = churned(options, 0, false);
  const memory everything = kept(options, 0);
  check_files(churn.location());
  check_files(everything.location());
  check_acknowledged(options);
  check_limit(options);
  churn.reduce_size({.items_limit = 0});
  everything.clear();
  for (const memory& mem : {churn, everything}) {
    check_nothing_is_left(mem.location());
    check_usable(mem);
  }
}
