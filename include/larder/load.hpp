#pragma once
// Reads or maps a file that dump, create or NumPy wrote.
//
//   auto ro = larder::load<larder::array<const double>>("a.npy");    // mapped; nothing is read yet
//   auto mem = larder::load<larder::array<double>>("a.npy", {.mmap_mode = larder::mmap_mode::none});

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <larder/array.hpp>
#include <larder/detail/object_reader.hpp>
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
  /// the data cannot be mapped (compressed, or in foreign byte order).
  std::optional<larder::mmap_mode> mmap_mode{};
  larder::verification verification = larder::verification::automatic;
  /// The most memory that loading may take, beside the mappings and some 16 MiB: for arrays that are copied, and for
  /// the values of an object. More is E_BOMB, before it is taken. (What a user's own `serialize` allocates is its own
  /// business.)
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();
};

namespace detail {

/// `place` is for vectors, and null for arrays. Without a value where there is nothing at `path`.
std::optional<raw_array> load_array_if_exists(const std::filesystem::path& path, dtype expected,
                                              result_kind wanted, const load_options& options,
                                              const placement* place);
/// An object of this type, ready to be read; null where there is nothing at `path`.
std::unique_ptr<object_source> open_object_if_exists(const std::filesystem::path& path, std::string_view type,
                                                     std::uint32_t schema, const load_options& options);
/// Throws the io_error of load.
[[noreturn]] void refuse_absent(const std::filesystem::path& path);

template <array_like T>
constexpr result_kind result_kind_of() {
  if constexpr (!is_array<T>) {
    return result_kind::vector;
  } else {
    return std::is_const_v<typename T::element_type> ? result_kind::read_only_array
                                                     : result_kind::writable_array;
  }
}

}  // namespace detail

/// The value in a file, or none where there is nothing at `path`; otherwise as load.
template <class T>
std::optional<T> load_if_exists(const std::filesystem::path& path, const load_options& options = {}) {
  detail::require_storable<T>();
  if constexpr (!storable<T>) {
    return std::nullopt;  // said above; no more errors
  } else if constexpr (detail::is_array<T>) {
    constexpr auto wanted = detail::result_kind_of<T>();
    auto raw =
        detail::load_array_if_exists(path, dtype_of<typename T::element_type>, wanted, options, nullptr);
    if (!raw) return std::nullopt;
    return detail::array_access::wrap<typename T::element_type>(*std::move(raw));
  } else if constexpr (detail::array_like<T>) {
    std::optional<T> elements(std::in_place);
    const auto resize = [&elements](std::size_t count) { return detail::resized(*elements, count); };
    const detail::placement place(resize);
    constexpr auto wanted = detail::result_kind_of<T>();
    if (!detail::load_array_if_exists(path, dtype_of<typename T::value_type>, wanted, options, &place))
      elements.reset();
    return elements;
  } else {
    const auto source = detail::open_object_if_exists(path, type_text<T>(), detail::schema<T>(), options);
    if (!source) return std::nullopt;
    std::optional<T> value(std::in_place);
    detail::object_reader reader(*source);
    reader(*value);
    reader.finish();
    return value;
  }
}

/// Constness chooses the mapping: array<const T> is mapped read-only, array<T> copy-on-write, also inside an object;
/// read_write is asked for by name and marks a sealed file as dirty before it returns, since its digests no longer
/// speak of its data. (In an object it is for the array<T>; array<const T> are mapped read-only there.) Vectors are
/// copied, and so is what is compressed or of foreign byte order.
/// A mapping keeps the file's content alive when its name is replaced or removed; a file that another program
/// truncates in place while it is mapped ends in SIGBUS, as with every mapping.
/// Errors: io_error (absent, unreadable), format_error (damaged, or not such a file), type_mismatch (another type, or
/// one with other fields), value_error (a mode that T or the file does not allow), layout_error (a vector from an array
/// that is not 1-d), and what a user's `serialize` throws. Thread-safe.
template <class T>
T load(const std::filesystem::path& path, const load_options& options = {}) {
  std::optional<T> value = load_if_exists<T>(path, options);
  if (!value) detail::refuse_absent(path);
  return *std::move(value);
}

}  // namespace larder
