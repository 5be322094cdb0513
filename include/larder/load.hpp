#pragma once
// Reads or maps a file that dump, create or NumPy wrote.
//
//   auto ro = larder::load<larder::array<const double>>("a.npy");    // mapped; nothing is read yet
//   auto mem = larder::load<larder::array<double>>("a.npy", {.mmap_mode = larder::mmap_mode::none});

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include <larder/array.hpp>
#include <larder/detail/value_source.hpp>
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

/// The file at `path`, open and checked; null where there is nothing. `object` says what kind of value is wanted. The
/// options live as long.
std::unique_ptr<value_source> open_value_if_exists(const std::filesystem::path& path, bool object,
                                                   const load_options& options);
/// Throws the io_error of load.
[[noreturn]] void refuse_absent(const std::filesystem::path& path);

}  // namespace detail

/// The value in a file, or none where there is nothing at `path`; otherwise as load.
template <class T>
std::optional<T> load_if_exists(const std::filesystem::path& path, const load_options& options = {}) {
  detail::require_storable<T>();
  std::optional<T> value;
  if constexpr (storable<T>) {  // otherwise all is said
    constexpr bool object = !detail::array_like<T>;
    if (const auto source = detail::open_value_if_exists(path, object, options)) {
      detail::read_value(*source, value);
    }
  }
  return value;
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
