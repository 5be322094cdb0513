// larder's side of test_numpy.py: writes and reads one array, as its arguments say.
//
//   numpy_peer write DTYPE C|F|view FILE SIZE...   element k in row-major order is k * 3 + 1 (of a bool, whether that
//                                                  is odd; of a complex number, with an imaginary part of -k)
//   numpy_peer bare DTYPE C|F|view FILE SIZE...    the same as a plain .npy
//   numpy_peer create DTYPE FILE SIZE...           the same, filled in place
//   numpy_peer read DTYPE FILE MODE...             for each mode a line of the sizes, and one of the elements' bytes in
//                                                  row-major order as hex
//   numpy_peer verify FILE                         prints the state
//   numpy_peer headers FILE                        writes many shapes to FILE; prints each one's shape, order and header
//
// DTYPE is as in "f64" and "bool"; MODE is none, read, read_write, copy_on_write or default. What larder throws goes to stderr,
// with exit status 1.

#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

namespace {

using arguments = std::vector<std::string>;

larder::extents shape_from(std::span<const std::string> sizes) {
  std::vector<std::size_t> numbers;
  for (const std::string& size : sizes) numbers.push_back(std::stoull(size));
  return larder::extents(std::span(std::as_const(numbers)));
}

template <class T>
T element_number(std::size_t k) {
  const std::size_t value = k * 3 + 1;
  if constexpr (std::is_same_v<T, bool>) {
    return value % 2 == 1;
  } else if constexpr (larder::detail::complex_element<T>) {
    using part = typename T::value_type;
    return {static_cast<part>(value), static_cast<part>(-static_cast<std::ptrdiff_t>(k))};
  } else if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(value);
  } else {
    return static_cast<float>(value);
  }
}

template <class T>
void count_up(const larder::array<T>& a) {
  for (std::size_t k = 0; k < a.size(); ++k) a.flat()[k] = element_number<T>(k);
}

template <class T>
larder::array<T> counted(const larder::extents& shape, const std::string& order) {
  const larder::array<T> a(shape);
  count_up(a);
  if (order == "F") return a.transpose().copy().transpose();
  if (order == "view") {  // every second row of twice as many
    std::vector<std::size_t> doubled(shape.sizes().begin(), shape.sizes().end());
    doubled.at(0) *= 2;
    const larder::array<T> wide{larder::extents(std::span(std::as_const(doubled)))};
    const auto view = wide.slice(0, 0, doubled[0], 2);
    view.assign(a);
    return view;
  }
  return a;
}

void print_hex(const std::string& bytes) {
  for (const char c : bytes) std::printf("%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  std::printf("\n");
}

template <class T>
std::string elements_of(const larder::array<const T>& a) {
  const auto copy = a.copy();
  return {reinterpret_cast<const char*>(copy.data()), copy.nbytes()};
}

template <class T>
void read(const std::string& mode, const std::string& path) {
  using larder::mmap_mode;
  larder::load_options options;
  if (mode == "none") options.mmap_mode = mmap_mode::none;
  if (mode == "read") options.mmap_mode = mmap_mode::read;
  if (mode == "copy_on_write") options.mmap_mode = mmap_mode::copy_on_write;
  if (mode == "read_write") options.mmap_mode = mmap_mode::read_write;
  const larder::array<const T> a = mode == "copy_on_write" || mode == "read_write"
                                       ? larder::load<larder::array<T>>(path, options)
                                       : larder::load<larder::array<const T>>(path, options);
  for (const std::size_t size : a.shape()) std::printf("%zu ", size);
  std::printf("\n");
  print_hex(elements_of(a));
}

template <class T>
void run_as(const std::string& command, const arguments& more) {
  if (command == "read") {
    for (const std::string& mode : std::span(more).subspan(1)) read<T>(mode, more.at(0));
  } else if (command == "create") {
    auto out = larder::create<T>(more.at(0), shape_from(std::span(more).subspan(1)));
    count_up(out.array());
    std::move(out).seal();
  } else {
    const auto a = counted<T>(shape_from(std::span(more).subspan(2)), more.at(0));
    larder::dump(a, more.at(1), {.bare_npy = command == "bare"});
  }
}

/// One to 32 dimensions, of which the one that grows has one to five digits: texts of every length around those at which
/// the header becomes longer.
void print_headers(const std::string& path) {
  for (std::size_t rank = 1; rank <= 32; ++rank) {
    for (const std::size_t growing : {5U, 50U, 500U, 5000U, 50000U}) {
      std::vector<std::size_t> sizes(rank, 1);
      sizes.back() = 2;
      sizes.front() = growing;
      const larder::array<std::uint8_t> c{larder::extents(std::span(std::as_const(sizes)))};
      for (const auto& a : {c, c.transpose()}) {
        larder::dump(a, path, {.bare_npy = true});
        std::ifstream in(path, std::ios::binary);
        std::string bytes(std::istreambuf_iterator<char>(in), {});
        for (const std::size_t size : a.shape()) std::printf("%zu ", size);
        std::printf("%s", a.is_contiguous() ? "C " : "F ");
        print_hex(bytes.substr(0, bytes.size() - a.nbytes()));
      }
    }
  }
}

void run(const arguments& all) {
  const std::string command = all.at(0);
  if (command == "headers") return print_headers(all.at(1));
  if (command == "verify") {
    const auto state = larder::verify(all.at(1)).state;
    std::puts(state == larder::file_state::plain    ? "plain"
              : state == larder::file_state::sealed ? "sealed"
                                                    : "dirty");
    return;
  }
  const std::string type = all.at(1);
  const arguments more(all.begin() + 2, all.end());
  if (type == "i8") return run_as<std::int8_t>(command, more);
  if (type == "i16") return run_as<std::int16_t>(command, more);
  if (type == "i32") return run_as<std::int32_t>(command, more);
  if (type == "i64") return run_as<std::int64_t>(command, more);
  if (type == "u8") return run_as<std::uint8_t>(command, more);
  if (type == "u16") return run_as<std::uint16_t>(command, more);
  if (type == "u32") return run_as<std::uint32_t>(command, more);
  if (type == "u64") return run_as<std::uint64_t>(command, more);
  if (type == "f32") return run_as<float>(command, more);
  if (type == "f64") return run_as<double>(command, more);
  if (type == "f16") return run_as<larder::half>(command, more);
  if (type == "bf16") return run_as<larder::bfloat16>(command, more);
  if (type == "c64") return run_as<std::complex<float>>(command, more);
  if (type == "c128") return run_as<std::complex<double>>(command, more);
  if (type == "bool") return run_as<bool>(command, more);
  throw std::invalid_argument("unknown dtype " + type);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(arguments(argv + 1, argv + argc));
    return 0;
  } catch (const larder::error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "numpy_peer: wrong use: %s\n", e.what());
    return 2;
  }
}
