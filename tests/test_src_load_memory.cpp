// Loading takes no more memory than it may: files larger than the memory are mapped, and max_bytes holds.

#include <larder/load.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <larder/array.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/types/list.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::load;
using larder::mmap_mode;

namespace {

constexpr std::uint64_t k_mib = std::uint64_t{1} << 20;

#if LARDER_TEST_ADDRESS_SANITIZER || LARDER_TEST_THREAD_SANITIZER
constexpr bool k_memory_can_be_limited = false;  // the sanitizers' own needs have no bounds
#else
constexpr bool k_memory_can_be_limited = true;
#endif

/// Private writable memory of this process.
std::uint64_t data_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmData:")) return std::stoull(line.substr(7)) * 1024;
  }
  return 0;
}

enum class outcome { loaded, bomb, other_error, out_of_memory };

/// Of an action in a child process that may take `bytes` of memory and no more.
[[maybe_unused]] outcome with_memory(std::uint64_t bytes, const std::function<void()>& action) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::uint64_t most = data_bytes() + bytes;
    const rlimit limit{most, most};
    if (k_memory_can_be_limited && ::setrlimit(RLIMIT_DATA, &limit) != 0) ::_exit(99);
    outcome how = outcome::loaded;
    try {
      action();
    } catch (const larder::format_error& e) {
      how = e.code() == larder::format_code::bomb ? outcome::bomb : outcome::other_error;
    } catch (const std::bad_alloc&) {
      how = outcome::out_of_memory;
    } catch (...) {
      how = outcome::other_error;
    }
    ::_exit(static_cast<int>(how));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return static_cast<outcome>(WEXITSTATUS(status));
}

/// Dumps a value that takes more than 64 MiB, and loads it with that and without a limit.
template <class T>
void check_limit(const char* what, const T& value) {
  INFO(what);
  scratch_dir dir;
  for (const int level : {0, 1}) {
    CAPTURE(level);
    const auto path = dir / "v";
    larder::dump(value, path, {.compress = level});
    // What dump left to the allocator is not to hide anything: the child begins with the same.
    const auto limited = [&] { load<T>(path, {.mmap_mode = mmap_mode::none, .max_bytes = 64 * k_mib}); };
    CHECK(with_memory(64 * k_mib + 48 * k_mib, limited) == outcome::bomb);
    CHECK_NOTHROW(load<T>(path, {.mmap_mode = mmap_mode::none}));
  }
}

}  // namespace

TEST_CASE("a file that is larger than the memory is mapped and its elements are read as they are touched") {
  scratch_dir dir;
  const auto path = dir / "huge.npy";
  constexpr std::uint64_t k_elements = std::uint64_t{1} << 37;  // 1 TiB
  const std::string header = npy_header("<f8", false, {std::size_t{k_elements}});
  write_file(path, header);
  if (::truncate(path.c_str(), static_cast<off_t>(header.size() + 8 * k_elements)) != 0) {
    WARN("the file system has no files of 1 TiB");
    return;
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const double last = 2.5;
  REQUIRE(::pwrite(fd, &last, sizeof last, static_cast<off_t>(header.size() + 8 * (k_elements - 1))) == 8);
  ::close(fd);
#if !LARDER_TEST_THREAD_SANITIZER  // whose shadow has no room for it
  const auto ro = load<array<const double>>(path);
  CHECK(ro.is_mapped());
  CHECK(ro.size() == k_elements);
  CHECK(ro(k_elements - 1) == 2.5);
  CHECK(ro.slice(0, k_elements - 2, k_elements).copy()(0) == 0);
  const auto cow = load<array<double>>(path);
  cow(k_elements / 2) = 1;
  CHECK(cow(k_elements / 2) == 1);
  CHECK(ro(k_elements / 2) == 0);
#endif
  CHECK(sole_array(larder::inspect(path)).data_bytes == 8 * k_elements);
  CHECK_THROWS_WITH(load<array<const double>>(path, {.mmap_mode = mmap_mode::none, .max_bytes = 64 * k_mib}),
                    ContainsSubstring("E_BOMB"));
  CHECK_THROWS_WITH(load<std::vector<double>>(path, {.max_bytes = 64 * k_mib}), ContainsSubstring("E_BOMB"));
}

#if !LARDER_TEST_ADDRESS_SANITIZER && !LARDER_TEST_THREAD_SANITIZER  // minutes of small allocations
TEST_CASE("objects that need more than max_bytes are refused before the memory is taken") {
  check_limit("one long string", std::make_unique<std::string>(70 * k_mib, 'x'));
  check_limit("a large array", std::optional(array<double>({10 * k_mib})));
  check_limit("a large vector", std::optional(std::vector<double>(10 * k_mib)));
  check_limit("many small vectors", std::vector<std::vector<double>>(3 * k_mib));
  check_limit("many strings", std::vector<std::string>(3 * k_mib));
  check_limit("bytes", std::vector<std::byte>(70 * k_mib));
  check_limit("bools", std::vector<bool>(70 * k_mib));
  check_limit("absent things that are large", std::vector<std::optional<std::array<double, 1000>>>(20000));
  check_limit("small alternatives of what is large",
              std::vector<std::variant<bool, std::array<double, 1000>>>(20000));
  check_limit("nodes of a list", std::list<std::uint8_t>(k_mib));
  std::unordered_map<std::int32_t, std::uint8_t> nodes;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(k_mib); ++i) nodes[i] = 1;
  check_limit("nodes of a map", nodes);
  check_limit("pointees", [] {
    std::vector<std::unique_ptr<std::uint8_t>> v(k_mib);
    for (auto& p : v) p = std::make_unique<std::uint8_t>();
    return v;
  }());
  check_limit("shared pointees", [] {
    std::vector<std::shared_ptr<std::uint8_t>> v(k_mib);
    for (auto& p : v) p = std::make_shared<std::uint8_t>();
    return v;
  }());
}
#endif

TEST_CASE("max_bytes is for what is copied and leaves mappings alone") {
  scratch_dir dir;
  using named = std::map<int, array<const double>>;
  larder::dump(std::map<int, array<double>>{{1, array<double>({k_mib})}}, dir / "m");
  CHECK(load<named>(dir / "m", {.max_bytes = 10000}).at(1).size() == k_mib);
  CHECK_THROWS_WITH(load<named>(dir / "m", {.mmap_mode = mmap_mode::none, .max_bytes = 10000}),
                    ContainsSubstring("E_BOMB"));
  CHECK_THROWS_WITH(load<std::string>(
                        [&] {
                          larder::dump(std::string(20000, 'x'), dir / "s");
                          return dir / "s";
                        }(),
                        {.max_bytes = 10000}),
                    ContainsSubstring("E_BOMB"));
}
