// Writes files of every kind for the tests of the program larder and of tools/read_larder.py, which know what is in them:
//
//   write_samples DIRECTORY

#include <larder/array.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/half.hpp>
#include <larder/load.hpp>
#include <larder/memory.hpp>
#include <larder/types/chrono.hpp>
#include <larder/types/deque.hpp>
#include <larder/types/list.hpp>

#include <array>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace samples {

struct particle {
  double mass = 0;
  std::vector<double> track;
  std::optional<std::string> name;
  LARDER_FIELDS(mass, track, name)
};

struct rgb {
  std::uint8_t r, g, b;
};

struct versioned {
  std::int32_t number = 0;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(number);
  }
};

enum class color : std::int16_t { red = -3 };

}  // namespace samples

CEREAL_CLASS_VERSION(samples::versioned, 7)
template <>
inline constexpr bool larder::is_raw<samples::rgb> = true;
template <>
inline constexpr std::string_view larder::type_name<samples::rgb> = "rgb";

namespace {

namespace fs = std::filesystem;
using larder::array;

/// k, as an element; of bool whether it is odd, and of complex numbers k - ki.
template <class T>
T element_of(std::size_t k) {
  if constexpr (std::same_as<T, bool>) {
    return k % 2 == 1;
  } else if constexpr (std::same_as<T, std::complex<float>> || std::same_as<T, std::complex<double>>) {
    using part = typename T::value_type;
    return {static_cast<part>(k), -static_cast<part>(k)};
  } else if constexpr (std::integral<T>) {
    return static_cast<T>(k);
  } else {
    return static_cast<T>(static_cast<float>(k));
  }
}

/// 1, 2, 3 and so on.
template <class T>
array<T> counted(const larder::extents& shape) {
  const array<T> a(shape);
  for (std::size_t i = 0; i < a.size(); ++i) a.flat()[i] = element_of<T>(i + 1);
  return a;
}

/// Arrays of this element type in each order, without dimensions and without elements; compressed, too.
template <class T>
void write_arrays(const fs::path& to) {
  const std::string name(larder::name(larder::dtype_of<T>));
  const auto a = counted<T>({3, 4});
  larder::dump(a, to / (name + ".npy"));
  larder::dump(a.transpose(), to / (name + "_fortran.npy"));
  larder::dump(a, to / (name + "_bare.npy"), {.bare_npy = true});
  larder::dump(counted<T>({}), to / (name + "_scalar.npy"));
  larder::dump(counted<T>({0, 3}), to / (name + "_empty.npy"));
  larder::dump(a, to / (name + "_compressed.larder"), {.compress = 3});
}

void write_objects(const fs::path& to) {
  using std::string;
  using namespace std::chrono_literals;
  const auto shared_array = counted<double>({2, 3});
  const std::map<string, array<double>> map{
      {"a", shared_array}, {"again", shared_array}, {"b", counted<double>({4}).slice(0, 0, 4, 2)}};
  larder::dump(map, to / "map.larder");
  larder::dump(map, to / "map_compressed.larder", {.compress = 3});

  larder::dump(std::tuple(std::int8_t{-1}, std::uint16_t{2}, std::int32_t{-3}, std::uint64_t{4}, 0.5F, 0.25,
                          true, 'x', std::byte{200}, samples::color::red, string("caf\xC3\xA9")),
               to / "scalars.larder");
  larder::dump(std::tuple(larder::half(0.5F), larder::bfloat16(-2.5F), std::complex<float>(1, -2),
                          std::complex<double>(3, 0.25), std::vector<larder::half>{larder::half(1.5F)}),
               to / "floats.larder");
  larder::dump(std::vector<std::vector<string>>{{"a", "b"}, {}, {"c"}}, to / "nested.larder");
  larder::dump(std::vector<std::vector<double>>{{1, 2, 3}, std::vector<double>(10000, 0.5)},
               to / "vectors.larder");
  larder::dump(std::tuple(std::vector<char>{'h', 'i'}, std::vector<std::byte>{std::byte{1}, std::byte{2}},
                          std::vector<bool>{true, false}, std::array<std::int32_t, 3>{1, 2, 3},
                          std::array<char, 2>{'o', 'k'}, std::deque<int>{1, 2}, std::list<string>{"x"}),
               to / "sequences.larder");
  larder::dump(
      std::tuple(std::set<int>{3, 1}, std::multiset<int>{1, 1},
                 std::multimap<int, string>{{1, "a"}, {1, "b"}},
                 std::unordered_map<int, double>{{1, 0.5}, {2, 0.25}}, std::unordered_set<string>{"u", "v"},
                 std::map<std::vector<int>, int>{{{1, 2}, 3}}, std::set<std::variant<int, double>>{1, 1.0}),
      to / "associative.larder");
  const auto shared = std::make_shared<string>("shared");
  larder::dump(
      std::tuple(std::pair(1, string("p")), std::optional<int>(5), std::optional<int>(),
                 std::variant<std::monostate, int, string>("v"), std::variant<std::monostate, int>(),
                 std::vector{shared, shared, std::shared_ptr<string>()}, std::make_unique<double>(1.5)),
      to / "pointers.larder");
  larder::dump(std::pair(1500ms, std::chrono::sys_seconds(60s)), to / "chrono.larder");

  larder::dump(samples::particle{.mass = 1.5, .track = {1, 2}, .name = "e"}, to / "particle.larder");
  larder::dump(std::vector{samples::rgb{1, 2, 3}, samples::rgb{4, 5, 6}}, to / "raw.larder");
  larder::dump(std::vector{samples::versioned{1}, samples::versioned{2}}, to / "versioned.larder");
}

array<double> doubled(const array<const double>& a) {
  const auto out = a.copy();
  for (double& each : out.flat()) each *= 2;
  return out;
}

void write(const fs::path& to) {
  write_arrays<std::int8_t>(to);
  write_arrays<std::int16_t>(to);
  write_arrays<std::int32_t>(to);
  write_arrays<std::int64_t>(to);
  write_arrays<std::uint8_t>(to);
  write_arrays<std::uint16_t>(to);
  write_arrays<std::uint32_t>(to);
  write_arrays<std::uint64_t>(to);
  write_arrays<larder::half>(to);
  write_arrays<larder::bfloat16>(to);
  write_arrays<float>(to);
  write_arrays<double>(to);
  write_arrays<std::complex<float>>(to);
  write_arrays<std::complex<double>>(to);
  write_arrays<bool>(to);
  write_objects(to);

  const auto large = counted<double>({600'000});  // more than a chunk of the digest, and than a frame
  larder::dump(large, to / "large.npy");
  larder::dump(large, to / "large_compressed.larder", {.compress = 1});

  for (const char* name : {"dirty.npy", "dirty.larder"}) {
    if (std::string(name) == "dirty.npy") {
      larder::dump(counted<double>({5}), to / name);
      larder::load<array<double>>(to / name, {.mmap_mode = larder::mmap_mode::read_write})(0) = 99;
    } else {
      using object = std::map<std::string, array<double>>;
      larder::dump(object{{"a", counted<double>({5})}}, to / name);
      larder::load<object>(to / name, {.mmap_mode = larder::mmap_mode::read_write}).at("a")(0) = 99;
    }
  }

  const larder::memory memory(to / "cache");
  memory.cache("doubled", doubled, {.version = "1"})(counted<double>({3}));
  for (const auto& each : fs::recursive_directory_iterator(to / "cache" / "doubled")) {
    if (each.is_regular_file() && each.file_size() > 64) fs::copy_file(each.path(), to / "entry.npy");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_samples DIRECTORY\n", stderr);
    return 2;
  }
  try {
    write(argv[1]);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "write_samples: %s\n", e.what());
    return 1;
  }
}
