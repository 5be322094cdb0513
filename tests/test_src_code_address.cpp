#include "src/code_address.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <unistd.h>

#include <larder/detail/shipment.hpp>
#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/shipping_plugin.hpp"
#include "tests/travel_bytes.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace larder::detail;

namespace {

using function = int (*)(int);

int thrice(int x) { return 3 * x; }
constexpr function k_absolute = &std::abs;

struct counter {
  int add(int x) { return value + x; }
  virtual int first(int) const { return 1; }
  virtual int second(int x) const { return 2 * x; }
  virtual ~counter() = default;
  int value = 0;
};
struct other_base {
  int padding = 0;
  int sum(int x) { return padding + x; }
};
struct both : counter, other_base {};

template <class T>
std::string sent(const T& value) {
  bytes_writer to;
  write_travelling(value, to);
  return to.text;
}
template <class T>
T received(const std::string& bytes) {
  bytes_reader from(bytes);
  std::optional<T> value;
  read_travelling(from, value);
  if (!from.at_end())
    throw std::length_error("what was sent has more bytes than what was read");  // other threads call this
  return *value;
}

std::string sent_descriptor(const task_descriptor& descriptor) {
  bytes_writer to;
  write_descriptor(descriptor, to);
  return to.text;
}
const task_descriptor& received_descriptor(const std::string& bytes) {
  bytes_reader from(bytes);
  return read_descriptor(from);
}

std::string sent_modules() {
  bytes_writer to;
  write_modules(to);
  return to.text;
}

/// A call of the program's own, whose descriptor the compiler makes.
struct some_call final : shipped_call {
  explicit some_call(travel_reader& /*from*/) {}
  void run(travel_reader& /*input*/) override {}
  void write(travel_writer& /*to*/) override {}
};
struct other_call final : shipped_call {
  explicit other_call(travel_reader& /*from*/) {}
  void run(travel_reader& /*input*/) override {}
  void write(travel_writer& /*to*/) override {}
};
const task_descriptor& some_descriptor() { return described_call<some_call>::descriptor; }

/// A fresh process of this program, in which nothing was loaded beyond what that links with. It reads what was written here:
/// functions, which it calls with 7; descriptors, of which it says the signature; lists of modules.
class reader_process {
 public:
  void add_function(function f) { add('f', sent(f)); }
  void add_descriptor(const task_descriptor& descriptor) { add('d', sent_descriptor(descriptor)); }
  void add_member(int (both::*f)(int)) { add('m', sent(f)); }
  void add_modules() { add('c', sent_modules()); }
  void add(char kind, const std::string& bytes) {
    text_ += kind + std::to_string(bytes.size()) + " " + bytes;
  }

  /// What it says of each.
  std::vector<std::string> run() {
    const std::string path = dir_ / "places";
    std::ofstream(path, std::ios::binary) << text_;
    child_process child([&] {
      ::setenv("LARDER_TEST_PLACES", path.c_str(), 1);
      ::execl("/proc/self/exe", "reader", "[code_address_reader]", "-o", "/dev/null", nullptr);
      return 98;
    });
    CHECK(child.wait() == 0);
    std::ifstream said(path + ".said");
    std::vector<std::string> lines;
    for (std::string line; std::getline(said, line);) lines.push_back(line);
    return lines;
  }

 private:
  scratch_dir dir_;
  std::string text_;
};

// GCC's sanitizer takes the address that the pointer has adjusted for that of a whole object.
__attribute__((no_sanitize("undefined"))) int call(both& object, int (both::*f)(int), int x) {
  return (object.*f)(x);
}

std::string say(char kind, const std::string& bytes) {
  try {
    bytes_reader from(bytes);
    switch (kind) {
      case 'f':
        return std::to_string(received<function>(bytes)(7));
      case 'd':
        return std::to_string(received_descriptor(bytes).signature);
      case 'm': {
        both object;
        object.value = 100;
        object.padding = 200;
        return std::to_string(call(object, received<int (both::*)(int)>(bytes), 7));
      }
      default:
        check_modules(from);
        return "same";
    }
  } catch (const larder::not_shippable& e) {
    return std::string("not_shippable: ") + e.what();
  }
}

}  // namespace

TEST_CASE("the reader of code addresses", "[.][code_address_reader]") {
  const char* const path = std::getenv("LARDER_TEST_PLACES");
  REQUIRE(path != nullptr);
  std::ifstream places(path, std::ios::binary);
  std::ofstream said(std::string(path) + ".said");
  std::size_t size = 0;
  for (char kind = 0; places.get(kind) && places >> size;) {
    places.get();
    std::string bytes(size, '\0');
    places.read(bytes.data(), static_cast<std::streamsize>(size));
    said << say(kind, bytes) << "\n";
  }
}

TEST_CASE("code addresses: functions of the program, of its libraries and of plugins come back",
          "[core][shipping]") {
  const shipping_plugin plugin = load_plugin(LARDER_TEST_PLUGIN);
  CHECK(received<function>(sent(&thrice)) == &thrice);
  CHECK(received<function>(sent(plugin.times)) == plugin.times);
  CHECK(received<function>(sent(k_absolute)) == k_absolute);
  CHECK(received<int (*)(const char*)>(sent(&std::puts)) == &std::puts);
  CHECK(received<function>(sent(function{nullptr})) == nullptr);
}

TEST_CASE("code addresses: pointers to members come back, also virtual and inherited ones",
          "[core][shipping]") {
  const both object = [] {
    both b;
    b.value = 5;
    b.padding = 40;
    return b;
  }();
  const auto same = [](auto pointer) { return received<decltype(pointer)>(sent(pointer)) == pointer; };
  CHECK(same(&counter::add));
  CHECK(same(&counter::first));
  CHECK(same(&counter::second));
  CHECK(same(static_cast<int (both::*)(int)>(&both::sum)));
  CHECK(same(static_cast<int (both::*)(int) const>(&both::second)));
  CHECK(same(static_cast<int (counter::*)(int)>(nullptr)));
  CHECK(same(&counter::value));
  CHECK(same(static_cast<int both::*>(&both::padding)));
  CHECK(object.*received<int both::*>(sent(static_cast<int both::*>(&both::padding))) == 40);
}

TEST_CASE("code addresses: a fresh process finds them, and opens the plugins that it has not loaded",
          "[core][shipping]") {
  const shipping_plugin plugin = load_plugin(LARDER_TEST_PLUGIN);
  reader_process reader;
  reader.add_modules();
  reader.add_function(&thrice);
  reader.add_function(k_absolute);
  reader.add_descriptor(some_descriptor());
  reader.add_function(plugin.times);
  reader.add_descriptor(*plugin.descriptor);
  reader.add_member(&both::add);
  reader.add_member(&both::sum);
  reader.add_modules();
  CHECK(reader.run() == std::vector<std::string>{"same", "21", "7",
                                                 std::to_string(some_descriptor().signature), "14", "1002",
                                                 "107", "207", "same"});
}

TEST_CASE("code addresses: a plugin that was opened by a relative path is found from elsewhere",
          "[core][shipping]") {
  const scratch_dir dir;
  std::filesystem::create_directory(dir / "plugins");
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, dir / "plugins/relative.so");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  const shipping_plugin plugin = load_plugin("plugins/relative.so");
  std::filesystem::current_path(before);
  reader_process reader;
  reader.add_function(plugin.times);
  CHECK(reader.run() == std::vector<std::string>{"14"});
}

TEST_CASE("code addresses: a plugin without a build id is told by its content", "[core][shipping]") {
  const scratch_dir dir;
  const std::string path = dir / "bare.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN_BARE, path);
  const shipping_plugin plugin = load_plugin(path);
  reader_process reader;
  reader.add_function(plugin.times);
  CHECK(reader.run() == std::vector<std::string>{"35"});

  replace_file(path, LARDER_TEST_PLUGIN);
  const auto said = reader.run();
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], ContainsSubstring(path) && ContainsSubstring("expected content ") &&
                          ContainsSubstring("found build id "));
}

TEST_CASE("code addresses: another build of the module is named, with what to do", "[core][shipping]") {
  const scratch_dir dir;
  const std::string path = dir / "replaced.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, path);
  const shipping_plugin plugin = load_plugin(path);
  reader_process reader;
  reader.add_function(plugin.times);
  reader.add_descriptor(*plugin.descriptor);
  CHECK(reader.run() == std::vector<std::string>{"14", "1002"});

  replace_file(path, LARDER_TEST_PLUGIN_OTHER);
  auto said = reader.run();
  REQUIRE(said.size() == 2);
  for (const std::string& each : said) {
    CHECK_THAT(each, ContainsSubstring("not_shippable: parallel: a worker has another build of " + path) &&
                         ContainsSubstring("expected build id ") && ContainsSubstring("found build id ") &&
                         ContainsSubstring("start the program again"));
  }

  std::filesystem::remove(path);
  said = reader.run();
  REQUIRE(said.size() == 2);
  CHECK_THAT(said[0], ContainsSubstring("not_shippable: ") && ContainsSubstring(path + " holds code"));

  replace_file(path, LARDER_TEST_PLUGIN);
  CHECK(reader.run() == std::vector<std::string>{"14", "1002"});
}

TEST_CASE("code addresses: a library that was unloaded and replaced is not taken for what it was",
          "[core][shipping]") {
  const scratch_dir dir;
  const std::string path = dir / "replaced.so";
  const auto times_of = [](void* handle) {
    REQUIRE(handle != nullptr);
    return reinterpret_cast<shipping_plugin (*)()>(::dlsym(handle, "plugin"))().times;
  };
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, path);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const std::string before = sent(times_of(handle));
  REQUIRE(::dlclose(handle) == 0);
  REQUIRE(::dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr);
  replace_file(path, LARDER_TEST_PLUGIN_OTHER);
  CHECK_THROWS_WITH(received<function>(before), ContainsSubstring("another build of " + path));
  handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const std::string after = sent(times_of(handle));
  CHECK(after != before);
  CHECK(received<function>(after)(7) == 21);
  CHECK_THROWS_WITH(received<function>(before), ContainsSubstring("another build of " + path));
  REQUIRE(::dlclose(handle) == 0);
}

TEST_CASE("modules: one of another build is named, if it is loaded on both sides", "[core][shipping]") {
  const scratch_dir dir;
  const std::string path = dir / "replaced.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN, path);
  load_plugin(path);
  const std::string modules = sent_modules();
  bytes_reader from(modules);
  check_modules(from);
  CHECK(from.at_end());

  // A process that has loaded another build since: it gets there by reading a function of that.
  std::string other;
  const int made = child_process([&] {
                     std::filesystem::remove(path);
                     std::filesystem::copy_file(LARDER_TEST_PLUGIN_OTHER, dir / "other.so");
                     std::ofstream(dir / "function", std::ios::binary)
                         << sent(load_plugin(dir / "other.so").times);
                     return 0;
                   }).wait();
  REQUIRE(made == 0);
  std::ifstream function_file(dir / "function", std::ios::binary);
  std::string of_other{std::istreambuf_iterator<char>(function_file), {}};
  std::filesystem::rename(dir / "other.so", path);
  const std::string other_path = dir / "other.so";
  const std::size_t at = of_other.find(other_path);
  REQUIRE(at != std::string::npos);
  const auto length = static_cast<std::uint32_t>(path.size());
  of_other.replace(at - sizeof length, sizeof length + other_path.size(),
                   std::string(reinterpret_cast<const char*>(&length), sizeof length) + path);

  reader_process reader;
  reader.add('c', modules);
  reader.add('f', of_other);
  reader.add('c', modules);
  const auto said = reader.run();
  REQUIRE(said.size() == 3);
  CHECK(said[0] == "same");
  CHECK(said[1] == "21");
  CHECK_THAT(said[2], ContainsSubstring("another build of " + path));
}

TEST_CASE("code addresses: what lies in no module is refused when it is written", "[core][shipping]") {
  const auto on_heap = std::make_unique<int>(0);
  const int on_stack = 0;
  bytes_writer to;
  CHECK_THROWS_AS(write_code_address(on_heap.get(), to), larder::not_shippable);
  CHECK_THROWS_AS(write_code_address(&on_stack, to), larder::not_shippable);
  CHECK_THROWS_WITH(write_code_address(on_heap.get(), to),
                    ContainsSubstring("in no loaded program or library"));
}

TEST_CASE("code addresses: data are not taken for a function", "[core][shipping]") {
  static int variable = 0;
  const shipping_plugin plugin = load_plugin(LARDER_TEST_PLUGIN);
  bytes_writer to;
  write_code_address(&variable, to);
  CHECK_THROWS_WITH(received<function>(to.text),
                    ContainsSubstring("there is none at offset 0x") && ContainsSubstring("of the program"));
  to.text.clear();
  write_code_address(plugin.descriptor, to);
  CHECK_THROWS_WITH(received<function>(to.text), ContainsSubstring(LARDER_TEST_PLUGIN));
}

TEST_CASE("descriptors: come back, each as itself", "[core][shipping]") {
  const task_descriptor& other = described_call<other_call>::descriptor;
  const shipping_plugin plugin = load_plugin(LARDER_TEST_PLUGIN);
  CHECK(&received_descriptor(sent_descriptor(some_descriptor())) == &some_descriptor());
  CHECK(&received_descriptor(sent_descriptor(other)) == &other);
  CHECK(&received_descriptor(sent_descriptor(*plugin.descriptor)) == plugin.descriptor);
}

TEST_CASE("descriptors: only what is one, and the one that was sent, is used", "[core][shipping]") {
  const auto refused = [](std::string bytes, const void* address, std::uint64_t signature) {
    bytes_writer to;
    write_code_address(address, to);
    to.bytes(&signature, sizeof signature);
    CHECK_THROWS_AS(received_descriptor(to.text), larder::not_shippable);
    CHECK(to.text != bytes);
  };
  const task_descriptor& descriptor = some_descriptor();
  const std::string good = sent_descriptor(descriptor);
  const auto* const place = reinterpret_cast<const char*>(&descriptor);
  refused(good, place, descriptor.signature + 1);
  refused(good, place + 1, descriptor.signature);
  for (const int offset : {-64, -32, -8, 8, 32, 64}) refused(good, place + offset, descriptor.signature);
  refused(good, nullptr, descriptor.signature);
  refused(good, reinterpret_cast<const void*>(&thrice), descriptor.signature);
  // One that could be written to, as it is in programs without read-only relocations; here it must not.
  static task_descriptor writable{task_descriptor::k_magic, descriptor.signature, nullptr, nullptr};
  refused(good, &writable, descriptor.signature);
}

TEST_CASE("descriptors: bytes that were changed are an error, wherever it is", "[core][shipping]") {
  const shipping_plugin plugin = load_plugin(LARDER_TEST_PLUGIN);
  for (const std::string& good : {sent_descriptor(some_descriptor()), sent_descriptor(*plugin.descriptor)}) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      CHECK_THROWS_AS(received_descriptor(good.substr(0, at)), std::exception);
      for (const int flip : {0x01, 0x10, 0x80, 0xFF}) {
        std::string bytes = good;
        bytes[at] = static_cast<char>(bytes[at] ^ flip);
        CHECK_THROWS_AS(received_descriptor(bytes), std::exception);
      }
    }
  }
}

TEST_CASE("descriptors: no place at all is taken for one that is none", "[core][shipping]") {
  const std::string good = sent_descriptor(some_descriptor());
  const std::size_t offset_at = good.size() - 2 * sizeof(std::uint64_t);
  std::mt19937_64 random(6);
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes = good;
    const std::uint64_t offset = random() >> (i % 64);
    if (std::memcmp(&offset, bytes.data() + offset_at, sizeof offset) == 0) continue;
    std::memcpy(bytes.data() + offset_at, &offset, sizeof offset);
    REQUIRE_THROWS_AS(received_descriptor(bytes), larder::not_shippable);
  }
}

TEST_CASE("code addresses: threads write while others load and unload, and a child of fork can",
          "[core][shipping]") {
  const scratch_dir dir;
  const std::string path = dir / "again.so";
  std::filesystem::copy_file(LARDER_TEST_PLUGIN_OTHER, path);
  const std::string good = sent(&thrice);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        right += sent(&thrice) == good && received<function>(good) == &thrice ? 1 : 0;
      }
    });
  }
#if LARDER_TEST_FORK_BESIDE_THREADS  // the thread sanitizer does not see the loader's locks, either
  for (int i = 0; i < 50; ++i) {
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    REQUIRE(handle != nullptr);
    const auto plugin = reinterpret_cast<shipping_plugin (*)()>(::dlsym(handle, "plugin"))();
    REQUIRE(received<function>(sent(plugin.times)) == plugin.times);
    REQUIRE(::dlclose(handle) == 0);
    REQUIRE(child_process([&] { return sent(&thrice) == good ? 0 : 1; }).wait() == 0);
  }
#endif
  for (std::thread& each : threads) each.join();
  CHECK(right == 4000);
}
