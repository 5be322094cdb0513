// What loading takes of memory, of files that ask for as much as they can: max_bytes and 16 MiB, whatever is in them.

#include <larder/load.hpp>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>
#include <larder/types/deque.hpp>
#include <larder/types/list.hpp>

#include "tests/catch.hpp"
#include "tests/container_bytes.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"

// Sanitizers take memory of their own.
#if !LARDER_TEST_ADDRESS_SANITIZER && !LARDER_TEST_THREAD_SANITIZER

namespace fs = std::filesystem;
using larder::array;
using larder::mmap_mode;

namespace {

constexpr std::size_t k_mib = std::size_t{1} << 20;
constexpr std::size_t k_max_bytes = 64 * k_mib;
constexpr std::size_t k_beside = 16 * k_mib;

/// "VmHWM", say, of this process.
std::size_t status_bytes(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    if (word != name + ":") continue;
    std::size_t kib = 0;
    in >> kib;
    return kib * 1024;
  }
  return 0;
}

struct outcome {
  std::size_t peak = 0;  // beyond what was there
  bool refused = false;  // with a format_error
};

/// In a child process, whose peak begins with what this one has.
outcome run_apart(const std::function<void()>& action) {
  ::malloc_trim(0);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    outcome result;
    const std::size_t before = status_bytes("VmRSS");
    try {
      action();
    } catch (const larder::format_error&) {
      result.refused = true;
    } catch (...) {
      ::_exit(2);
    }
    result.peak = status_bytes("VmHWM") - before;
    ::_exit(::write(ends[1], &result, sizeof result) == sizeof result ? 0 : 3);
  }
  ::close(ends[1]);
  outcome result;
  const ssize_t received = ::read(ends[0], &result, sizeof result);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(received == sizeof result);
  return result;
}

/// Whether it was refused; the peak is checked.
template <class T>
bool load_is_refused(const fs::path& path) {
  const outcome result = run_apart([&] { larder::load<T>(path, {.max_bytes = k_max_bytes}); });
  CAPTURE(result.peak / k_mib, result.refused, larder::type_text<T>());
  CHECK(result.peak <= k_max_bytes + k_beside);
  return result.refused;
}

template <class U>
std::string bytes_of_number(U n) {
  return bytes_of(std::vector<U>{n});
}
std::string text(std::size_t bytes) {
  return bytes_of_number<std::uint64_t>(bytes) + std::string(bytes, 'x');
}

/// An object of type T with a stream that nobody wrote.
template <class T>
void write_object(const fs::path& path, const std::string& stream, int compress = 0,
                  std::span<const larder::detail::raw_array> arrays = {}) {
  const std::string type = larder::type_text<T>();
  const std::string bytes = bytes_of_number(static_cast<std::uint32_t>(type.size())) + type + stream;
  const larder::dump_options options{.compress = compress};
  larder::detail::dump_sink(path, options).object({type, larder::detail::schema<T>(), bytes, arrays});
}

/// A container of elements, each of the bytes that `element` gives: as many as fill streams of several lengths. One of
/// them has more than the memory allows.
template <class T>
void check_container(const std::function<std::string(std::uint64_t)>& element) {
  const scratch_dir dir;
  const std::size_t size = element(0).size();
  bool refused = false;
  for (const std::size_t stream_bytes : {4 * k_mib, 9 * k_mib, 20 * k_mib}) {
    const std::uint64_t count = stream_bytes / size;
    std::string stream = bytes_of_number(count);
    stream.reserve(stream_bytes + 8);
    for (std::uint64_t i = 0; i < count; ++i) stream += element(i);
    write_object<T>(dir / "a", stream);
    CAPTURE(stream_bytes / k_mib, count);
    const bool now = load_is_refused<T>(dir / "a");
    // More takes more.
    CHECK((now || !refused));
    refused = now;
  }
  CHECK(refused);
}

struct small {
  std::vector<std::string> names;
  std::optional<std::uint8_t> number;
  LARDER_FIELDS(names, number)
};

}  // namespace

TEST_CASE("containers of many small things stay within max_bytes") {
  using std::string;
  using u8 = std::uint8_t;
  using u32 = std::uint32_t;
  using u64 = std::uint64_t;
  const auto number = [](u64 i) { return bytes_of_number(i); };
  const auto number_and_byte = [](u64 i) { return bytes_of_number(i) + 'x'; };
  const auto one_byte = [](u64) { return bytes_of_number(u64{1}) + 'x'; };
  const auto one_true = [](u64) { return bytes_of_number(u64{1}) + '\1'; };
  const auto short_text = [](u64) { return text(16); };
  const auto numbered_text = [](u64 i) { return bytes_of_number(u64{16}) + bytes_of_number(i) + "12345678"; };
  const auto nothing = [](u64) { return bytes_of_number(u64{0}); };
  const auto inline_element = [](u64) {
    return bytes_of_number(larder::detail::k_inline_elements) + bytes_of_number(u64{1}) + "12345678";
  };

  const auto inline_byte = [](u64) {
    return bytes_of_number(larder::detail::k_inline_elements) + bytes_of_number(u64{1}) + 'x';
  };

  SECTION("vectors") {
    check_container<std::vector<string>>(short_text);
    check_container<std::vector<std::vector<char>>>(inline_byte);
    check_container<std::vector<std::vector<bool>>>(one_true);
    check_container<std::vector<std::vector<string>>>([](u64) { return bytes_of_number(u64{1}) + text(1); });
    check_container<std::vector<std::vector<double>>>(inline_element);
    check_container<std::vector<array<const double>>>(inline_element);
    check_container<std::vector<std::optional<string>>>([](u64) { return "\1" + text(16); });
    check_container<std::vector<std::variant<u8, string>>>(
        [](u64) { return bytes_of_number(u32{1}) + text(20); });
    check_container<std::vector<small>>(
        [](u64) { return bytes_of_number(u64{1}) + text(17) + string(1, '\0'); });
  }
  SECTION("of containers") {
    check_container<std::vector<std::deque<u8>>>(nothing);
    check_container<std::vector<std::list<u8>>>(one_byte);
    check_container<std::vector<std::set<u8>>>(one_byte);
    check_container<std::vector<std::unordered_set<u8>>>(one_byte);
    check_container<std::deque<std::deque<string>>>([](u64) { return bytes_of_number(u64{1}) + text(16); });
    check_container<std::vector<std::map<u8, string>>>(
        [](u64) { return bytes_of_number(u64{1}) + 'x' + text(16); });
  }
  SECTION("nodes") {
    check_container<std::list<u8>>([](u64) { return string(1, 'x'); });
    check_container<std::set<u64>>(number);
    check_container<std::map<u64, u8>>(number_and_byte);
    check_container<std::multiset<string>>(short_text);
    check_container<std::unordered_set<u64>>(number);
    check_container<std::unordered_map<u64, u8>>(number_and_byte);
    check_container<std::unordered_set<string>>(numbered_text);
    check_container<std::unordered_multimap<u64, u8>>(number_and_byte);
    check_container<std::map<string, array<double>>>(
        [&](u64 i) { return numbered_text(i) + inline_element(i); });
  }
  SECTION("pointers") {
    check_container<std::vector<std::unique_ptr<u8>>>([](u64) { return string("\1x"); });
    check_container<std::vector<std::shared_ptr<u8>>>(
        [](u64 i) { return bytes_of_number(static_cast<u32>(i + 1) | larder::detail::k_first_use) + 'x'; });
  }
}

TEST_CASE("counts, lengths and texts of any size stay within max_bytes") {
  const scratch_dir dir;
  const auto path = dir / "a";
  for (const std::uint64_t count : {~std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{1} << 26}) {
    const std::string stream = bytes_of_number(count) + std::string(100, '\0');
    const auto check = [&]<class T>(T*) {
      write_object<T>(path, stream);
      CHECK(load_is_refused<T>(path));
    };
    check(static_cast<std::vector<std::string>*>(nullptr));
    check(static_cast<std::vector<char>*>(nullptr));
    check(static_cast<std::vector<bool>*>(nullptr));
    check(static_cast<std::vector<std::vector<std::vector<std::string>>>*>(nullptr));
    check(static_cast<std::vector<std::monostate>*>(nullptr));
    check(static_cast<std::map<int, int>*>(nullptr));
    check(static_cast<std::unordered_set<int>*>(nullptr));
    check(static_cast<std::list<int>*>(nullptr));
    check(static_cast<std::deque<int>*>(nullptr));
    check(static_cast<std::string*>(nullptr));
  }
}

TEST_CASE("compressed objects and arrays that are much larger than their files stay within max_bytes") {
  const scratch_dir dir;
  const auto path = dir / "a";
  const auto zeros = [](std::size_t bytes) {
    return bytes_of_number<std::uint64_t>(bytes) + std::string(bytes, '\0');
  };
  write_object<std::string>(path, zeros(256 * k_mib), 1);
  REQUIRE(fs::file_size(path) < k_mib);
  CHECK(load_is_refused<std::string>(path));
  // Nor does whoever only looks need the values.
  for (const auto& look : {larder::inspect, larder::verify}) {
    const outcome result = run_apart([&] { look(path); });
    CHECK_FALSE(result.refused);
    CHECK(result.peak <= 2 * k_beside);
  }
  write_object<std::string>(path, zeros(31 * k_mib), 1);
  CHECK_FALSE(load_is_refused<std::string>(path));

  for (const std::size_t mib : {60U, 65U, 256U}) {
    larder::dump(array<std::uint8_t>({mib * k_mib}), path, {.compress = 1});
    REQUIRE(fs::file_size(path) < k_mib);
    CHECK(load_is_refused<array<std::uint8_t>>(path) == (mib > 64));
    CHECK(load_is_refused<std::vector<std::uint8_t>>(path) == (mib > 64));
  }
  std::vector<array<std::uint8_t>> many;
  for (int i = 0; i < 40; ++i) many.emplace_back(larder::extents(3 * k_mib));
  larder::dump(many, path, {.compress = 1});
  CHECK(load_is_refused<std::vector<array<std::uint8_t>>>(path));
  many.resize(20);
  larder::dump(many, path, {.compress = 1});
  CHECK_FALSE(load_is_refused<std::vector<array<std::uint8_t>>>(path));
}

TEST_CASE("large indexes, metadata and gaps stay within max_bytes") {
  const scratch_dir dir;
  const auto path = dir / "a";
  SECTION("as many arrays as are allowed, and more") {
    bool refused = false;
    for (const std::size_t count : {20'000U, 40'000U, 60'000U, 100'000U, 200'000U}) {
      const std::vector<array<double>> arrays(1, array<double>({1}));
      std::vector<larder::detail::raw_array> raw;
      std::string stream = bytes_of_number<std::uint64_t>(count);
      for (std::uint32_t i = 0; i < count; ++i) {
        raw.push_back(larder::detail::as_raw(arrays[0]));
        stream += bytes_of_number(i);
      }
      using value = std::vector<array<double>>;
      write_object<value>(path, stream, 0, raw);
      CAPTURE(count);
      // As copies: what is mapped is beside the limit.
      const outcome result = run_apart(
          [&] { larder::load<value>(path, {.mmap_mode = mmap_mode::none, .max_bytes = k_max_bytes}); });
      CAPTURE(result.peak / k_mib);
      CHECK(result.peak <= k_max_bytes + k_beside);
      refused = result.refused;
    }
    CHECK(refused);
  }
  SECTION("an index of a million entries") {
    constexpr std::size_t k_index_bytes = 64 * k_mib;
    const container_bytes small_file =
        container_bytes::made_of(npy_header("<f8", false, {1}) + std::string(8, 'x'), 128);
    std::string bytes = small_file.file();
    bytes.insert(small_file.index() + 64, k_index_bytes - 128, '\0');
    const std::size_t trailer = bytes.size() - 64;
    const std::uint64_t fields[] = {small_file.index(), k_index_bytes};
    std::memcpy(&bytes[trailer], fields, sizeof fields);
    container_bytes file(std::move(bytes));
    file.set<std::uint32_t>(file.index() + 8, k_index_bytes / 64 - 1);
    file.set<std::uint64_t>(trailer + 24, file.file().size());
    file.repair();
    write_file(path, file.file());
    CHECK(load_is_refused<array<double>>(path));
  }
  SECTION("metadata") {
    for (const std::size_t mib : {63U, 64U, 66U}) {
      const std::string metadata(mib * k_mib, ' ');
      write_file(path,
                 container_bytes::made_of(npy_header("<f8", false, {1}) + std::string(8, 'x'), 128, metadata)
                     .file());
      // What the index takes and a little more is free.
      CHECK(load_is_refused<array<double>>(path) == (mib > 64));
    }
  }
}

#endif
