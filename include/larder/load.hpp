#pragma once
// Reads or maps a file that dump, create or NumPy wrote.
//
//   auto ro = larder::load<larder::array<const double>>("a.npy");    // mapped; nothing is read yet
//   auto mem = larder::load<larder::array<double>>("a.npy", {.mmap_mode = larder::mmap_mode::none});

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/detail/function_ref.hpp>
#include <larder/mmap_mode.hpp>
#include <larder/storable.hpp>

namespace larder {

/// How much of a mapped array is checked against its digest. What is copied to memory is always checked, and so is
/// the structure of the file. A plain .npy has no digest.
enum class verification {
  automatic,  ///< mapped arrays up to 4 MiB
  structure,  ///< no mapped array
  full,       ///< all
};

struct load_options {
  /// Without a value: `read` for array<const T>, `copy_on_write` for array<T>, `none` for vectors, and `none` where
  /// the file cannot be mapped (foreign byte order).
  std::optional<larder::mmap_mode> mmap_mode{};
  larder::verification verification = larder::verification::automatic;
  /// The most bytes that an array may need in memory (mode none); more is E_BOMB.
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();
};

namespace detail {

/// Which of the handles of load<T> asks: it decides the default mode and what is refused.
enum class result_kind { read_only_array, writable_array, vector };

/// Makes room for the elements of a vector, given their number.
using placement = function_ref<std::byte*(std::size_t)>;

/// `place` is for vectors, and null for arrays. Without a value where there is nothing at `path`.
std::optional<raw_array> load_array_if_exists(const std::filesystem::path& path, dtype expected,
                                              result_kind wanted, const load_options& options,
                                              const placement* place);
/// Throws the io_error of load.
[[noreturn]] void refuse_absent(const std::filesystem::path& path);

template <storable T>
constexpr result_kind result_kind_of() {
  if constexpr (!is_array<T>) {
    return result_kind::vector;
  } else {
    return std::is_const_v<typename T::element_type> ? result_kind::read_only_array
                                                     : result_kind::writable_array;
  }
}

/// Room for `count` elements in a vector.
template <class T, class A>
std::byte* resized(std::vector<T, A>& elements, std::size_t count) {
  elements.resize(count);
  return reinterpret_cast<std::byte*>(elements.data());
}

}  // namespace detail

/// The value in a file, or none where there is nothing at `path`; otherwise as load.
template <storable T>
std::optional<T> load_if_exists(const std::filesystem::path& path, const load_options& options = {}) {
  constexpr dtype type = dtype_of<typename T::value_type>;
  if constexpr (detail::is_array<T>) {
    auto raw = detail::load_array_if_exists(path, type, detail::result_kind_of<T>(), options, nullptr);
    if (!raw) return std::nullopt;
    return detail::array_access::wrap<typename T::element_type>(*std::move(raw));
  } else {
    T elements;
    const auto resize = [&elements](std::size_t count) { return detail::resized(elements, count); };
    const detail::placement place(resize);
    if (!detail::load_array_if_exists(path, type, detail::result_kind_of<T>(), options, &place))
      return std::nullopt;
    return elements;
  }
}

/// Constness chooses the mapping: array<const T> is mapped read-only, array<T> copy-on-write; read_write is asked for
/// by name and marks a sealed file as dirty before it returns, since its digest no longer speaks of its data.
/// A mapping keeps the file's content alive when its name is replaced or removed; a file that another program
/// truncates in place while it is mapped ends in SIGBUS, as with every mapping.
/// Errors: io_error (absent, unreadable), format_error (damaged, or not such a file), type_mismatch (another element
/// type), value_error (a mode that T or the file does not allow), layout_error (a vector from an array that is not
/// 1-d). Thread-safe.
template <storable T>
T load(const std::filesystem::path& path, const load_options& options = {}) {
  std::optional<T> value = load_if_exists<T>(path, options);
  if (!value) detail::refuse_absent(path);
  return *std::move(value);
}

}  // namespace larder
