#pragma once
// The compiled side of a cached function: looks up, computes and stores, whatever the types.

#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <larder/cache_options.hpp>
#include <larder/detail/array_like.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/raw_array.hpp>
#include <larder/digest.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>

namespace larder::detail {

class memory_state;  // cache/memory_state.hpp
class cached_state;  // cache/cached_function.cpp

/// One call that may have to be computed.
class pending_call {
 public:
  /// Calls the function and keeps its result; what it throws passes through. The elements of the result.
  virtual raw_array compute() = 0;
  /// Room for a stored result that is a vector.
  virtual std::byte* place(std::size_t count) = 0;
  /// The arguments, readable, for the metadata of the entry.
  virtual std::string describe() const = 0;

 protected:
  ~pending_call() = default;
};

/// Appends a readable form of an argument.
void describe_integer(std::string& out, std::int64_t value);
void describe_integer(std::string& out, std::uint64_t value);
void describe_real(std::string& out, double value);
void describe_complex(std::string& out, std::complex<double> value);
void describe_text(std::string& out, std::string_view value);
void describe_array(std::string& out, const raw_array& value);

template <hashable T>
void describe(std::string& out, const T& value) {
  if (!out.empty()) out += ", ";
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::signed_integral<T>) {
    describe_integer(out, std::int64_t{value});
  } else if constexpr (std::unsigned_integral<T>) {
    describe_integer(out, std::uint64_t{value});
  } else if constexpr (complex_element<T>) {
    describe_complex(out, value);
  } else if constexpr (element<T>) {
    describe_real(out, static_cast<double>(value));
  } else if constexpr (std::same_as<T, std::string> || is_text_view<T>) {
    describe_text(out, value);
  } else if constexpr (array_like<T>) {
    describe_array(out, as_raw(value));
  } else {
    out += type_text<T>();
  }
}

/// What a memory knows of one function; shared by the copies of a wrapper.
class cached_core {
 public:
  struct description {
    std::string name;
    std::string result_type;
    std::size_t arity;
    const void* code;  // an address in the module that holds the function's code
    cache_options options;
  };
  struct result {
    std::optional<raw_array> stored;  // an array from the entry; without one, the call holds the result
    outcome how;
  };

  /// value_error for an empty name or an ignored position that does not exist.
  cached_core(std::shared_ptr<const memory_state> memory, description function);

  bool ignores(std::size_t position) const noexcept;
  /// Begins the key of a call; the arguments follow, in order, without the ignored ones.
  void start_key(hash_stream& stream) const;

  result evaluate(const digest& key, dtype type, result_kind wanted, pending_call& call) const;
  bool contains(const digest& key) const;
  void forget(const digest& key) const;
  void clear() const;

 private:
  std::shared_ptr<const cached_state> state_;
};

}  // namespace larder::detail
