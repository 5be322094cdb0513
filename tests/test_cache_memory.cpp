// The memo cache as a program uses it.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <ranges>
#include <string>
#include <vector>

#include <larder/larder.hpp>

#include "catch.hpp"
#include "file_bytes.hpp"
#include "scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::memory;
using larder::outcome;

namespace {

// Cached functions have no state, so what counts their calls is a global.
std::atomic<int> calls = 0;

array<double> scaled(array<const double> x, double factor) {
  ++calls;
  array<double> out(larder::extents(x.shape()));
  for (std::size_t i = 0; i < x.size(); ++i) out.flat()[i] = x.flat()[i] * factor;
  return out;
}

array<const double> ramp(int n) {
  ++calls;
  array<double> out({n});
  for (int i = 0; i < n; ++i) out(i) = i;
  return out;
}

std::vector<std::int32_t> repeated(std::int32_t value, const std::string& text, bool twice) {
  ++calls;
  return std::vector<std::int32_t>(text.size() * (twice ? 2 : 1), value);
}

array<double> failing(int n) {
  ++calls;
  if (n < 0) throw std::domain_error("negative");
  return array<double>({n});
}

/// Every regular file below a directory that is neither .gitignore nor CACHEDIR.TAG.
std::vector<fs::path> entries_in(const fs::path& directory) {
  std::vector<fs::path> found;
  for (const auto& item : fs::recursive_directory_iterator(directory)) {
    const std::string name = item.path().filename().string();
    if (item.is_regular_file() && name != ".gitignore" && name != "CACHEDIR.TAG")
      found.push_back(item.path());
  }
  return found;
}

/// Collects the library's messages while it lives.
class captured_log {
 public:
  captured_log() {
    previous_ = larder::set_log_hook([this](larder::log_level level, std::string_view text) {
      (level == larder::log_level::warning ? warnings : infos).emplace_back(text);
    });
  }
  ~captured_log() { larder::set_log_hook(std::move(previous_)); }

  std::vector<std::string> warnings;
  std::vector<std::string> infos;

 private:
  larder::log_hook previous_;
};

/// Runs a body in a child process without root's powers; returns its exit status.
template <class Body>
int as_nobody(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(100);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// A file whose permissions or owner forbid nothing to root, changed by whoever may.
void overwrite(const fs::path& entry, const std::string& content) {
  fs::permissions(entry, fs::perms::owner_write, fs::perm_options::add);
  write_file(entry, content);
}

std::string with_flipped_bit(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 4);
  return bytes;
}

}  // namespace

TEST_CASE("a call is computed once and then comes from the cache, with the same value") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("scaled", scaled, {.version = "1"});
  const auto x = ramp(100);
  calls = 0;

  const auto first = f.evaluate(x, 2.0);
  CHECK(first.how == outcome::computed);
  const auto second = f.evaluate(x, 2.0);
  CHECK(second.how == outcome::hit);
  CHECK(calls == 1);
  CHECK(first.key == second.key);
  CHECK(first.value(99) == 198.0);
  CHECK(second.value(99) == 198.0);
  CHECK(f(x, 3.0)(99) == 297.0);
  CHECK(calls == 2);

  SECTION("also in another memory on the same directory") {
    auto g = memory(dir / "cache").cache("scaled", scaled, {.version = "1"});
    CHECK(g.evaluate(x, 2.0).how == outcome::hit);
  }
  SECTION("also in another process") {
    const pid_t child = ::fork();
    if (child == 0) {
      auto g = memory(dir / "cache").cache("scaled", scaled, {.version = "1"});
      ::_exit(g.evaluate(x, 2.0).how == outcome::hit ? 0 : 1);
    }
    int child_status = 0;
    ::waitpid(child, &child_status, 0);
    CHECK(child_status == 0);
  }
  SECTION("whatever memory the argument lies in") {
    larder::dump(x, dir / "x.npy");
    CHECK(f.evaluate(larder::load<array<const double>>(dir / "x.npy"), 2.0).how == outcome::hit);
    CHECK(f.evaluate(x.copy(), 2).how == outcome::hit);
  }
}

TEST_CASE("array results come mapped, on the first call as on the later ones, read-only or copy-on-write") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto constant = mem.cache("ramp", ramp, {.version = "1"});
  auto writable = mem.cache("scaled", scaled, {.version = "1"});
  for (int call = 0; call < 2; ++call) {
    const auto r = constant(10);
    REQUIRE(r.is_mapped());
    CHECK(r.origin()->mode == larder::mmap_mode::read);
    auto w = writable(r, 2.0);
    REQUIRE(w.is_mapped());
    CHECK(w.origin()->mode == larder::mmap_mode::copy_on_write);
    CHECK(w(3) == 6.0);
    w(3) = -1;  // the next round sees the stored value
  }
}

TEST_CASE("vectors, strings, booleans and integers take part in keys and results") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("repeated", repeated, {.version = "1"});
  calls = 0;
  CHECK(f(7, "ab", false) == std::vector<std::int32_t>{7, 7});
  CHECK(f(7, "ab", false) == std::vector<std::int32_t>{7, 7});
  CHECK(calls == 1);
  CHECK(f(7, "ab", true).size() == 4);
  CHECK(f(7, "abc", false).size() == 3);
  CHECK(f(8, "ab", false).front() == 8);
  CHECK(f(7, "", false).empty());
  CHECK(f(7, "", false).empty());
  CHECK(calls == 5);

  auto g = mem.cache("sum",
                     [](std::vector<double> v) {
                       ++calls;
                       return std::vector<double>{v.empty() ? 0.0 : v[0]};
                     },
                     {.version = "1"});
  CHECK(g({1.5, 2})[0] == 1.5);
  CHECK(g({1.5, 2})[0] == 1.5);
  CHECK(calls == 6);
}

TEST_CASE("arguments are keyed as converted to the parameter types; values that differ in any bit differ") {
  scratch_dir dir;
  auto f =
      memory(dir / "cache").cache("f", [](double x) { return std::vector<double>{x}; }, {.version = "1"});
  CHECK(f.key(1) == f.key(1.0));
  CHECK(f.key(0.0) != f.key(-0.0));
  auto g = memory(dir / "cache").cache("g", [](array<const double> x) { return x; }, {.version = "1"});
  array<double> c({2, 3});
  for (int i = 0; i < 6; ++i) c.flat()[static_cast<std::size_t>(i)] = i;
  const auto fortran = c.transpose().copy().transpose();  // equal elements, in column-major order
  CHECK(g.key(c) != g.key(fortran));
  CHECK(g.key(array<double>({1})) != g.key(array<double>(larder::extents())));
  CHECK(g.key(c) == g.key(c.copy()));
}

TEST_CASE("an argument that the call changes is hashed anew the next time") {
  scratch_dir dir;
  auto f = memory(dir / "cache")
               .cache("count",
                      [](array<double> x) {
                        ++calls;
                        x(0) += 1;
                        return x.copy();
                      },
                      {.version = "1"});
  array<double> x({1});
  calls = 0;
  CHECK(f(x)(0) == 1);
  CHECK(f(x)(0) == 2);
  CHECK(calls == 2);
}

TEST_CASE("a moved argument reaches the function whole") {
  scratch_dir dir;
  auto f = memory(dir / "cache")
               .cache("length",
                      [](std::string text) {
                        const std::string taken = std::move(text);
                        return std::vector<std::int64_t>{static_cast<std::int64_t>(taken.size())};
                      },
                      {.version = "1"});
  CHECK(f(std::string(100, 'x'))[0] == 100);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK_THAT(larder::inspect(entries[0]).metadata, ContainsSubstring("xxxxx"));
}

TEST_CASE("ignored arguments are not in the key, and a position that does not exist is an error") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("scaled", scaled, {.version = "1", .ignore = {1}});
  const auto x = ramp(3);
  CHECK(f.evaluate(x, 2.0).how == outcome::computed);
  CHECK(f.evaluate(x, 5.0).how == outcome::hit);
  CHECK(f.evaluate(ramp(4), 2.0).how == outcome::computed);
  CHECK_THROWS_AS(mem.cache("scaled", scaled, {.ignore = {2}}), larder::value_error);
  CHECK_THROWS_WITH(mem.cache("scaled", scaled, {.ignore = {2}}),
                    ContainsSubstring("scaled has 2 arguments"));
  // Which argument is ignored is part of the key.
  auto g =
      mem.cache("pair", [](double a, double) { return std::vector{a}; }, {.version = "1", .ignore = {0}});
  auto h =
      mem.cache("pair", [](double a, double) { return std::vector{a}; }, {.version = "1", .ignore = {1}});
  CHECK(g.key(1, 1) != h.key(1, 1));
}

TEST_CASE("names and versions live side by side") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto one = mem.cache("f", ramp, {.version = "1"});
  auto two = mem.cache("f", ramp, {.version = "2"});
  auto other = mem.cache("g/../h ä", ramp, {.version = "1/x"});
  CHECK(one.evaluate(5).how == outcome::computed);
  CHECK(two.evaluate(5).how == outcome::computed);
  CHECK(other.evaluate(5).how == outcome::computed);
  CHECK(one.evaluate(5).how == outcome::hit);
  CHECK(other.evaluate(5).how == outcome::hit);
  CHECK(fs::exists(dir / "cache" / "f" / "v-1"));
  CHECK(fs::exists(dir / "cache" / "f" / "v-2"));
  CHECK(fs::exists(dir / "cache" / "g%2f..%2fh%20%c3%a4" / "v-1%2fx"));
  CHECK(dir.names() == std::vector<std::string>{"cache"});

  CHECK_THROWS_AS(mem.cache("", ramp), larder::value_error);
  CHECK_THROWS_AS(mem.cache(std::string(300, 'x'), ramp), larder::value_error);
  CHECK_NOTHROW(mem.cache(std::string(200, 'x'), ramp, {.version = "1"})(1));
}

TEST_CASE("without a version the build of the program is the code id, and it caches within one build") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp);
  CHECK(f.evaluate(5).how == outcome::computed);
  CHECK(mem.cache("ramp", ramp).evaluate(5).how == outcome::hit);
  CHECK(mem.cache("ramp", [](int n) { return ramp(n); }).key(5) == f.key(5));  // the same program
  const auto entries = entries_in(dir / "cache" / "ramp");
  REQUIRE(entries.size() == 1);
  const std::string code = entries[0].parent_path().parent_path().filename().string();
  CHECK(code.size() == 34);
  CHECK(code.starts_with("b-"));
}

TEST_CASE("overloaded and generic functions are cached by a named signature") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache<std::vector<double>(int, double)>(
      "fill", [](auto n, auto x) { return std::vector<double>(static_cast<std::size_t>(n), x); },
      {.version = "1"});
  CHECK(f(3, 2.5) == std::vector<double>{2.5, 2.5, 2.5});
  CHECK(f.evaluate(3, 2.5).how == outcome::hit);
  auto g = mem.cache<array<const double>(int)>("ramp", LARDER_FN(ramp), {.version = "1"});
  CHECK(g(4)(3) == 3);
}

TEST_CASE("what a call throws passes through, is never stored, and is thrown again") {
  scratch_dir dir;
  auto f = memory(dir / "cache").cache("failing", failing, {.version = "1"});
  calls = 0;
  CHECK_THROWS_AS(f(-1), std::domain_error);
  CHECK_THROWS_AS(f(-1), std::domain_error);
  CHECK(calls == 2);
  CHECK_FALSE(fs::exists(dir / "cache"));
}

TEST_CASE("nothing is created before the first result, and an empty location never caches") {
  scratch_dir dir;
  memory mem(dir / "a" / "b" / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  CHECK_FALSE(f.check_call_in_cache(5));
  CHECK(dir.names().empty());
  f(5);
  CHECK(f.check_call_in_cache(5));
  CHECK(read_file(dir / "a/b/cache/.gitignore") == "*\n");
  CHECK_THAT(read_file(dir / "a/b/cache/CACHEDIR.TAG"),
             ContainsSubstring("Signature: 8a477f597d28d172789f06886806bc55"));
  struct stat status {};
  REQUIRE(::stat((dir / "a/b/cache").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  for (const auto& entry : entries_in(dir / "a")) {
    REQUIRE(::stat(entry.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0444);
  }

  auto never = memory("").cache("ramp", ramp, {.version = "1"});
  calls = 0;
  CHECK(never.evaluate(5).how == outcome::bypassed);
  CHECK(never.evaluate(5).how == outcome::bypassed);
  CHECK_FALSE(never.check_call_in_cache(5));
  CHECK_NOTHROW(never.forget(5));
  CHECK_NOTHROW(never.clear());
  CHECK(calls == 2);
}

TEST_CASE("an existing .gitignore stays, and a directory with other files in it gets none") {
  scratch_dir dir;
  fs::create_directory(dir / "mine");
  write_file(dir / "mine" / "notes.txt", "keep");
  fs::permissions(dir / "mine", fs::perms::owner_all);
  memory mem(dir / "mine");
  mem.cache("ramp", ramp, {.version = "1"})(5);
  CHECK_FALSE(fs::exists(dir / "mine" / ".gitignore"));
  mem.clear();
  CHECK(read_file(dir / "mine" / "notes.txt") == "keep");

  fs::create_directory(dir / "other");
  fs::permissions(dir / "other", fs::perms::owner_all);
  write_file(dir / "other" / ".gitignore", "custom");
  memory(dir / "other").cache("ramp", ramp, {.version = "1"})(5);
  CHECK(read_file(dir / "other" / ".gitignore") == "custom");
}

TEST_CASE("a relative location is fixed when the memory is made") {
  scratch_dir dir;
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  memory mem("cache/");
  fs::current_path(before);
  CHECK(mem.location() == dir / "cache");
  mem.cache("ramp", ramp, {.version = "1"})(5);
  CHECK(fs::exists(dir / "cache" / "ramp"));
}

TEST_CASE("a damaged entry is one warning, is computed again, and is replaced") {
  scratch_dir dir;
  const captured_log log;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  f(50);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  const fs::path entry = entries[0];
  const std::string whole = read_file(entry);
  calls = 0;

  const auto damage = GENERATE(as<std::string>(), "cut short", "empty", "no trailer", "data", "metadata",
                               "another type", "a directory");
  INFO(damage);
  constexpr std::size_t k_data_end = 128 + 50 * 8;
  if (damage == "cut short") overwrite(entry, whole.substr(0, whole.size() / 2));
  if (damage == "empty") overwrite(entry, "");
  if (damage == "no trailer") overwrite(entry, whole.substr(0, k_data_end));  // a sound .npy, but no entry
  if (damage == "data") overwrite(entry, with_flipped_bit(whole, 200));
  if (damage == "metadata") overwrite(entry, with_flipped_bit(whole, k_data_end + 64));
  if (damage == "another type") {
    larder::dump(array<float>({50}), dir / "other.npy");
    overwrite(entry, read_file(dir / "other.npy"));
  }
  if (damage == "a directory") {
    fs::remove(entry);
    fs::create_directories(entry / "inner");
  }

  const auto again = f.evaluate(50);
  CHECK(again.how == outcome::computed);
  CHECK(again.value(49) == 49);
  CHECK(calls == 1);
  CHECK(log.warnings.size() == 1);
  CHECK_THAT(log.warnings.at(0), ContainsSubstring(entry.string()) && ContainsSubstring("ramp"));
  CHECK(f.evaluate(50).how == outcome::hit);
  CHECK_NOTHROW(larder::verify(entry));
}

TEST_CASE("with full verification, a flipped bit anywhere in a large mapped result is found") {
  scratch_dir dir;
  memory mem(dir / "cache", {.verification = larder::verification::full});
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  constexpr int k_many = 1'000'000;  // 8 MB: above the size that `automatic` checks
  f(k_many);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  overwrite(entries[0], with_flipped_bit(read_file(entries[0]), 5'000'000));
  const captured_log log;
  CHECK(f.evaluate(k_many).how == outcome::computed);
  CHECK(log.warnings.size() == 1);
}

TEST_CASE("a result that is mapped survives forget, clear, and the removal of the whole directory") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  auto other = mem.cache("ramp", ramp, {.version = "2"});
  const auto kept = f(1000);
  other(1000);

  f.forget(1000);
  CHECK_FALSE(f.check_call_in_cache(1000));
  CHECK_NOTHROW(f.forget(1000));
  CHECK(f.evaluate(1000).how == outcome::computed);

  f.clear();
  CHECK_FALSE(f.check_call_in_cache(1000));
  CHECK_NOTHROW(f.clear());
  CHECK(other.check_call_in_cache(1000));

  f(1000);
  mem.clear();
  CHECK_FALSE(other.check_call_in_cache(1000));
  CHECK(entries_in(dir / "cache").empty());
  CHECK_NOTHROW(mem.clear());

  fs::remove_all(dir / "cache");
  CHECK(kept(999) == 999);
  CHECK(f.evaluate(1000).how == outcome::computed);
  CHECK(f.evaluate(1000).how == outcome::hit);
}

TEST_CASE("a read-only memory loads what is there and stores nothing") {
  scratch_dir dir;
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  memory mem(dir / "cache", {.read_only = true});
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  CHECK(f.evaluate(5).how == outcome::hit);
  CHECK(f.evaluate(6).how == outcome::bypassed);
  CHECK(f.evaluate(6).how == outcome::bypassed);
  CHECK(entries_in(dir / "cache").size() == 1);
}

TEST_CASE("a file in place of the cache directory: results come, with one warning in all") {
  scratch_dir dir;
  write_file(dir / "cache", "not a directory");
  const captured_log log;
  auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
  for (const int n : {5, 6, 5}) {
    const auto e = f.evaluate(n);
    CHECK(e.how == outcome::computed);
    CHECK(e.value(4) == 4);
  }
  CHECK(log.warnings.size() == 1);
  CHECK_THAT(log.warnings.at(0),
             ContainsSubstring((dir / "cache").string()) && ContainsSubstring("Not a directory"));
  CHECK(read_file(dir / "cache") == "not a directory");
}

TEST_CASE("a directory that may not be written to: results come, with one warning") {
  scratch_dir dir;
  fs::permissions(dir.path(), fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  const auto look = fs::perms::others_read | fs::perms::others_exec;
  fs::permissions(dir / "cache", look, fs::perm_options::add);
  for (const auto& item : fs::recursive_directory_iterator(dir / "cache")) {
    fs::permissions(item.path(), item.is_directory() ? look : fs::perms::others_read, fs::perm_options::add);
  }
  if (::geteuid() != 0) fs::permissions(dir / "cache", fs::perms::owner_write, fs::perm_options::remove);
  const int status = as_nobody([&] {
    const captured_log log;
    auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
    if (f.evaluate(5).how != outcome::hit) return 1;
    if (f.evaluate(6).value(5) != 5 || f.evaluate(7).value(6) != 6) return 2;
    if (log.warnings.size() != 1) return 3;
    return log.warnings[0].find("Permission denied") == std::string::npos ? 4 : 0;
  });
  CHECK(status == 0);
  if (::geteuid() != 0) fs::permissions(dir / "cache", fs::perms::owner_write, fs::perm_options::add);
}

TEST_CASE("a location that others may write to, or that is another user's, is refused with what mends it") {
  scratch_dir dir;
  fs::create_directory(dir / "open");
  fs::permissions(dir / "open", fs::perms::all);
  CHECK_THROWS_AS(memory(dir / "open"), larder::value_error);
  CHECK_THROWS_WITH(memory(dir / "open"),
                    ContainsSubstring((dir / "open").string()) && ContainsSubstring("chmod go-w"));
  fs::permissions(dir / "open", fs::perms::owner_all);
  CHECK_NOTHROW(memory(dir / "open"));
  if (::geteuid() == 0) {
    REQUIRE(::chown((dir / "open").c_str(), 12345, 12345) == 0);
    CHECK_THROWS_WITH(memory(dir / "open"), ContainsSubstring("another user"));
  }
}

TEST_CASE("options of later versions are refused by name") {
  scratch_dir dir;
  CHECK_THROWS_WITH(memory(dir / "c", {.compress = 3}), ContainsSubstring("compress = 3"));
  CHECK_THROWS_WITH(memory(dir / "c", {.bytes_limit = "10G"}), ContainsSubstring("bytes_limit"));
  CHECK_THROWS_WITH(memory(dir / "c", {.verbose = -1}), ContainsSubstring("verbose = -1"));
}

TEST_CASE("it is silent by default; verbose 1 names what is computed, 2 also what comes from the cache") {
  scratch_dir dir;
  const captured_log log;
  const auto lines = [&](int verbose) {
    memory mem(dir / std::to_string(verbose), {.verbose = verbose});
    auto f = mem.cache("ramp", ramp, {.version = "1"});
    f(5);
    f(5);
    const auto count = log.infos.size();
    return count;
  };
  CHECK(lines(0) == 0);
  CHECK(lines(1) == 1);
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp: computed in"));
  CHECK(lines(2) == 3);
  CHECK_THAT(log.infos.back(), ContainsSubstring("ramp: from the cache"));
  CHECK(log.warnings.empty());
}

TEST_CASE("the metadata of an entry say what it is") {
  scratch_dir dir;
  auto f = memory(dir / "cache").cache("repeated", repeated, {.version = "7"});
  f(3, "a \"b\" \xff", true);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  const std::string metadata = larder::inspect(entries[0]).metadata;
  for (const char* piece : {"\"function\":\"repeated\"", "\"code\":\"v-7\"", "\"seconds\":", "\"time\":\"20",
                            "\"host\":", "true"}) {
    CHECK_THAT(metadata, ContainsSubstring(piece));
  }
}

TEST_CASE("a cached function is called from a parallel map, and from several threads at once") {
  scratch_dir dir;
  memory mem(dir / "cache");
  auto f = mem.cache("ramp", ramp, {.version = "1"});
  larder::parallel pool({.n_jobs = 4});
  for (int round = 0; round < 2; ++round) {
    const auto results = pool.map(std::views::iota(1, 200), f);
    REQUIRE(results.size() == 199);
    for (int n = 1; n < 200; ++n)
      CHECK(results[static_cast<std::size_t>(n - 1)].size() == static_cast<std::size_t>(n));
  }
  CHECK(entries_in(dir / "cache").size() == 199);
  CHECK(f.evaluate(77).how == outcome::hit);

  // All on one key: whoever computes, everyone sees the same, and the entry is whole.
  const auto same = pool.map(std::views::iota(0, 64), [&](int) { return f(1234)(1233); });
  for (const double value : same) CHECK(value == 1233);
  CHECK(entries_in(dir / "cache").size() == 200);
}

TEST_CASE("several processes fill one cache at the same time, and every entry is whole") {
  scratch_dir dir;
  std::vector<pid_t> children;
  for (int c = 0; c < 4; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 0;
      auto f = memory(dir / "cache").cache("ramp", ramp, {.version = "1"});
      for (int n = 1; n <= 50; ++n) {
        if (f(n)(n - 1) != n - 1) status = 1;
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const auto entries = entries_in(dir / "cache");
  CHECK(entries.size() == 50);
  for (const auto& entry : entries) CHECK(larder::verify(entry).state == larder::file_state::sealed);
}

TEST_CASE("cache entries refuse to be mapped read_write") {
  scratch_dir dir;
  memory(dir / "cache").cache("ramp", ramp, {.version = "1"})(5);
  const auto entries = entries_in(dir / "cache");
  REQUIRE(entries.size() == 1);
  CHECK_THROWS_AS(larder::load<array<double>>(entries[0], {.mmap_mode = larder::mmap_mode::read_write}),
                  larder::io_error);
  CHECK(larder::verify(entries[0]).state == larder::file_state::sealed);
}
