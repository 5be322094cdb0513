#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <larder/error.hpp>
#include <larder/inspect.hpp>
#include <larder/object_ref.hpp>
#include <larder/store.hpp>

#include "tests/stress/crew.hpp"
#include "tests/stress/proven_objects.hpp"
#include "tests/stress/stints.hpp"
#include "tests/stress/store_scenarios.hpp"

namespace {

namespace fs = std::filesystem;
using larder::object_ref;
using larder::store;
using proven::parcel;
using proven::read_table;
using proven::table;

constexpr std::uint64_t k_table_names = 150;
constexpr std::uint64_t k_parcel_names = 150;
constexpr std::uint64_t k_pinned_names = 10;  // those that may be pinned, lest all are
constexpr std::uint64_t k_nameless = proven::k_names - 1;
constexpr std::uint64_t k_capacity = 3 << 20;

/// What all of them share.
struct shared_counts {
  std::atomic<std::uint64_t> puts = 0;
  std::atomic<std::uint64_t> refused = 0;  // with no room
  std::atomic<std::uint64_t> found = 0;
  std::atomic<std::uint64_t> absent = 0;
  std::atomic<std::uint64_t> most_bytes = 0;
};
shared_counts* counts = nullptr;

store open(const store_stress_options& options, std::uint64_t capacity = k_capacity) {
  return store::at(options.directory / "store", {.capacity = std::to_string(capacity)});
}

template <class T>
void check(const T& object, std::uint64_t name) {
  if (!proven::is_right(object, name)) fail("a wrong object under the name " + std::to_string(name));
}

/// False where nothing is there.
template <class Action>
bool unless_absent(Action action) {
  try {
    action();
    ++counts->found;
    return true;
  } catch (const larder::io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    ++counts->absent;
    return false;
  }
}

template <class Action>
void unless_full(Action action) {
  ++counts->puts;
  try {
    action();
  } catch (const larder::io_error& e) {
    if (e.errno_value() != ENOSPC) throw;
    ++counts->refused;
  }
}

std::string table_name(std::uint64_t number) { return "table " + std::to_string(number); }
std::string parcel_name(std::uint64_t number) { return "parcel/" + std::to_string(number); }

class user {
 public:
  user(const store_stress_options& options, std::mt19937& random)
      : options_(options), random_(random), store_(open(options)) {}

  void do_something() {
    switch (up_to(30)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return put(up_to(1) == 0);
      case 4:
      case 5:
        return put_nameless();
      case 6:
        return get_nameless();
      case 7:
      case 8:
      case 9:
        return create();
      case 10:
      case 11:
        return forget();
      case 12:
        return pin();
      case 13:
        return look_at_names();
      case 14:
      case 15:
        return look_at_one();
      case 16:
        if (up_to(1'000) == 0) store_.clear();
        return;
      case 17:
        store_ = open(options_);
        return;
      default:
        return up_to(1) == 0 ? get_table() : get_parcel();
    }
  }

 private:
  std::uint64_t up_to(std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random_);
  }
  std::uint64_t a_table() { return up_to(k_table_names - 1); }
  std::uint64_t a_parcel() { return k_table_names + up_to(k_parcel_names - 1); }
  larder::put_options an_option(std::uint64_t name) {
    return {.if_absent = up_to(3) == 0, .pinned = name < k_pinned_names && up_to(3) == 0};
  }

  void put(bool is_table) {
    const std::uint64_t name = is_table ? a_table() : a_parcel();
    const std::uint64_t seed = proven::new_seed(name, random_);
    const auto how = an_option(name);
    unless_full([&] {
      if (is_table) {
        store_.put(table_name(name), proven::table_of(seed), how);
      } else {
        store_.put(parcel_name(name), proven::parcel_of(seed), how);
      }
    });
  }

  void put_nameless() {
    const std::uint64_t seed = proven::new_seed(k_nameless, random_);
    unless_full([&] { mine_ = store_.put(proven::table_of(seed)); });
  }

  void get_nameless() {
    if (!mine_) return;
    unless_absent([&] { check(mine_->get<read_table>(), k_nameless); });
    if (up_to(1) == 0) {
      store_.forget(*mine_);
      mine_.reset();
    }
  }

  void create() {
    const std::uint64_t name = a_table();
    const std::uint64_t seed = proven::new_seed(name, random_);
    unless_full([&] {
      auto writer = store_.create<double>(table_name(name), {proven::size_of(seed)}, an_option(name));
      proven::fill(writer.array(), seed);
      if (up_to(2) != 0) std::move(writer).seal();
    });
  }

  void forget() { store_.forget(up_to(1) == 0 ? table_name(a_table()) : parcel_name(a_parcel())); }

  void pin() {
    const std::string name = table_name(up_to(k_pinned_names - 1));
    const bool pinned = up_to(3) == 0;
    unless_absent([&] { pinned ? store_.pin(name) : store_.unpin(name); });
  }

  void look_at_names() {
    for (const std::string& name : store_.names("parcel/")) {
      if (!name.starts_with("parcel/")) fail("a name that is none: " + name);
    }
    if (store_.capacity() != k_capacity) fail("a capacity that nobody set");
  }

  void look_at_one() {
    const std::uint64_t name = a_table();
    unless_absent([&] {
      const larder::object_info info = store_.info(table_name(name));
      if (info.type != "array<f64>" || info.bytes == 0 || info.bytes > proven::k_most_bytes)
        fail("what is no object: " + info.path.string());
    });
    store_.contains(parcel_name(a_parcel()));
  }

  /// A mapping lives on when its object goes.
  void get_table() {
    const std::uint64_t name = a_table();
    if (held_) check(held_->first, held_->second);
    const bool found = unless_absent([&] { held_.emplace(store_.get<read_table>(table_name(name)), name); });
    if (found) check(held_->first, name);
    if (up_to(1) == 0) held_.reset();
  }

  void get_parcel() {
    const std::uint64_t name = a_parcel();
    const auto object = store_.find<parcel>(parcel_name(name));
    if (object) check(*object, name);
    ++(object ? counts->found : counts->absent);
  }

  const store_stress_options& options_;
  std::mt19937& random_;
  store store_;
  std::optional<object_ref<table>> mine_;
  std::optional<std::pair<read_table, std::uint64_t>> held_;
};

/// The files of a store, temporary ones too, by the number that the system gave them.
std::map<ino_t, std::uint64_t> files_in(const fs::path& location) {
  std::map<ino_t, std::uint64_t> files;
  std::error_code gone;
  for (const auto& item : fs::directory_iterator(location, gone)) {
    struct ::stat status {};
    if (item.path().filename() == ".larder-lock" || ::lstat(item.path().c_str(), &status) != 0) continue;
    files[status.st_ino] = static_cast<std::uint64_t>(status.st_size);
  }
  return files;
}

/// The capacity may be exceeded by what each process is about to put. What is seen in two walks was there between them, all at once.
void watch_capacity(const store_stress_options& options, const std::function<bool()>& goes_on) {
  auto before = files_in(options.directory / "store");
  while (goes_on()) {
    auto now = files_in(options.directory / "store");
    std::uint64_t bytes = 0;
    for (const auto& [file, size] : now) bytes += before.contains(file) ? size : 0;
    before = std::move(now);
    counts->most_bytes = std::max<std::uint64_t>(counts->most_bytes, bytes);
    if (bytes > k_capacity + options.processes * proven::k_most_bytes)
      fail("there are " + std::to_string(bytes) + " bytes in a store of " + std::to_string(k_capacity));
    std::this_thread::yield();
  }
}

bool is_temporary(const std::string& file) { return file.find(".larder-", 1) != std::string::npos; }

/// Nobody else is there any more. Returns how many temporary files were left behind.
std::uint64_t check_files(const store& st) {
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
  std::uint64_t left_behind = 0;
  for (const auto& item : fs::directory_iterator(st.path())) {
    const std::string file = item.path().filename().string();
    if (file == ".larder-lock") continue;
    if (is_temporary(file)) {
      ++left_behind;
      continue;
    }
    larder::verify(item.path());
    bytes += item.file_size();
    ++objects;
  }
  if (st.used() != bytes || st.size() != objects)
    fail("of " + std::to_string(objects) + " objects the store counts " + std::to_string(st.size()));
  if (bytes > k_capacity) fail("there are " + std::to_string(bytes) + " bytes in the end");
  return left_behind;
}

void check_objects(const store& st) {
  for (std::uint64_t name = 0; name < k_table_names + k_parcel_names; ++name) {
    if (name < k_table_names) {
      if (const auto object = st.find<read_table>(table_name(name))) check(*object, name);
    } else if (const auto object = st.find<parcel>(parcel_name(name))) {
      check(*object, name);
    }
  }
}

std::vector<std::string> files_of(const store& st) {
  std::vector<std::string> files;
  for (const auto& item : fs::directory_iterator(st.path())) files.push_back(item.path().filename().string());
  return files;
}

/// A put for which others have to go walks, and sweeps.
void check_sweep(const store_stress_options& options) {
  constexpr std::uint64_t k_small = 100'000;
  const store st = open(options, k_small);
  for (std::uint64_t name = 0; name < k_pinned_names; ++name) {
    if (st.contains(table_name(name))) st.unpin(table_name(name));
  }
  std::mt19937 random(1);
  st.put(table_name(1), proven::table_of(proven::new_seed(1, random)));
  check(st.get<read_table>(table_name(1)), 1);
  if (st.used() > k_small) fail("a capacity that was set later does not hold");
  for (const std::string& file : files_of(st)) {
    if (is_temporary(file)) fail("after a sweep there is " + file);
  }
  check_objects(st);
  st.clear();
  if (files_of(st) != std::vector<std::string>{".larder-lock"}) fail("in the empty store there is something");
  if (st.used() != 0 || st.size() != 0) fail("in the empty store something is counted");
}

}  // namespace

void kill_store_users(const store_stress_options& options) {
  counts = &made_shared<shared_counts>();
  const store st = open(options);
  const stint_totals totals =
      run_stints({.processes = options.processes,
                  .operations = options.operations,
                  .per_stint = 200,
                  .seed = options.seed,
                  .begin =
                      [&](std::size_t, std::mt19937& random) {
                        return [self = std::make_shared<user>(options, random)] { self->do_something(); };
                      },
                  .watch = [&](const auto& goes_on) { watch_capacity(options, goes_on); }});
  const std::uint64_t left_behind = check_files(st);
  check_objects(st);
  check_sweep(options);
  // Most of what was done did something.
  if (counts->refused > counts->puts / 10 || counts->found < totals.operations / 20)
    fail("too little was done: " + std::to_string(counts->refused) + " puts were refused, and " +
         std::to_string(counts->found) + " objects were found");
  const auto number = [](std::uint64_t of) { return static_cast<unsigned long long>(of); };
  std::printf(
      "mix: %llu processes, %llu operations, %llu kills, %llu objects found, %llu absent, %llu of %llu puts "
      "refused, at "
      "most %llu bytes of %llu, %llu temporary files left behind, %.1f s\n",
      number(options.processes), number(totals.operations), number(totals.kills), number(counts->found),
      number(counts->absent), number(counts->refused), number(counts->puts), number(counts->most_bytes),
      number(k_capacity), number(left_behind), totals.seconds);
}
