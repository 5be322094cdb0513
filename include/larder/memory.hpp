#pragma once
// A cache of function results on disk: what was computed once, by any process, is loaded ever after.
//
//   larder::memory mem("cache-dir");
//   auto cov = mem.cache("stats.covariance", covariance, {.version = "1"});
//   auto c = cov(x, ridge);      // computed the first time, mapped from the disk ever after

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/hash_stream.hpp>
#include <larder/detail/signature.hpp>
#include <larder/digest.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>
#include <larder/storable.hpp>

namespace larder {

struct memory_options {
  int verbose = 0;            ///< 1: a log line per call computed, with its time; 2: also per hit
  int compress = 0;           ///< zstd level; only 0, none, in this version
  std::string bytes_limit{};  ///< only empty, no limit, in this version
  bool read_only = false;     ///< hits are loaded, misses are computed and not stored
  larder::verification verification = larder::verification::automatic;
};

struct cache_options {
  /// Stands for the function's code in the key: change it when the function's results change. Without one, the
  /// code's identity is the build of the program, so that a rebuilt program computes anew.
  std::string version{};
  /// Positions (from 0) of arguments that are not in the key. One that does not exist is a value_error.
  std::vector<std::size_t> ignore{};
};

/// How a result came about.
enum class outcome {
  hit,       ///< loaded from the cache
  computed,  ///< computed, and stored if that was possible
  bypassed,  ///< computed without storing: read-only cache, or no location
};

template <class R>
struct evaluated {
  R value;
  outcome how;
  digest key;
};

namespace detail {

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
  } else if constexpr (std::floating_point<T>) {
    describe_real(out, value);
  } else if constexpr (text_like<T>) {
    describe_text(out, value);
  } else {
    describe_array(out, as_raw(value));
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

  result evaluate(const digest& key, dtype type, handle wanted, pending_call& call) const;
  bool contains(const digest& key) const;
  void forget(const digest& key) const;
  void clear() const;

 private:
  std::shared_ptr<const cached_state> state_;
};

/// A non-const reference could carry results that are not in the entry.
template <class P>
concept cacheable_parameter =
    !(std::is_lvalue_reference_v<P> &&
      !std::is_const_v<std::remove_reference_t<P>>)&&hashable<std::remove_cvref_t<P>>;

}  // namespace detail

/// A function with a cache before it: memory::cache makes them. It has the function's own signature. Copies are cheap
/// and share everything; thread-safe, also from a parallel map (if the function is).
///
/// A call hashes its arguments, looks for an entry under that key, and otherwise computes and stores. A damaged or
/// unreadable entry is computed again and replaced. A store that fails (disk full, no permission) is one warning
/// through the log hook, and the result is returned all the same. What the function throws is never stored.
template <class Signature, class F>
class cached_function;

template <class R, class... P, class F>
class cached_function<R(P...), F> {
  static_assert(
      storable<R>,
      "larder: a cached function returns an array or a std::vector of elements (other results are not "
      "storable in this version)");
  static_assert(
      (detail::cacheable_parameter<P> && ...),
      "larder: each parameter of a cached function is an element type, bool, a string, an array or a vector "
      "of elements, by value or const reference (a non-const reference is not in the key)");
  static_assert(
      detail::stateless<F>,
      "larder: a cached function is a function pointer or has no captures and no members (they are not in "
      "the key): pass them as arguments");

 public:
  /// Arrays of 16 KiB and more come mapped from the entry, on the first call as on later ones: array<const T>
  /// read-only, array<T> copy-on-write. Smaller ones, and vectors, are copies.
  R operator()(P... args) const { return evaluate(std::forward<P>(args)...).value; }

  /// The same, with how the result came about and its key.
  evaluated<R> evaluate(P... args) const {
    const digest key = this->key(args...);
    call pending{function_, std::tuple<P&&...>(std::forward<P>(args)...)};
    auto result = core_.evaluate(key, dtype_of<typename R::value_type>, detail::handle_of<R>(), pending);
    if constexpr (detail::is_array<R>) {
      if (result.stored) {
        return {detail::array_access::wrap<typename R::element_type>(*std::move(result.stored)), result.how,
                key};
      }
    }
    return {*std::move(pending.value), result.how, key};
  }

  /// The digest that names the entry of a call.
  digest key(const std::remove_cvref_t<P>&... args) const {
    detail::hash_stream stream;
    core_.start_key(stream);
    [[maybe_unused]] std::size_t position = 0;
    ((core_.ignores(position++) ? void() : detail::hash_into(stream, args)), ...);
    return stream.finish();
  }

  /// Whether an entry of this call is there; computes nothing. Its data are not read: a call may still find them
  /// damaged, and compute.
  bool check_call_in_cache(const std::remove_cvref_t<P>&... args) const {
    return core_.contains(key(args...));
  }

  /// Removes the entry of this call, or all of this function's entries under its present version. Results that are
  /// mapped stay valid. io_error where that fails; nothing to remove is fine.
  void forget(const std::remove_cvref_t<P>&... args) const { core_.forget(key(args...)); }
  void clear() const { core_.clear(); }

 private:
  friend class memory;

  struct call final : detail::pending_call {
    call(const F& f, std::tuple<P&&...> a) : function(f), args(std::move(a)) {}
    detail::raw_array compute() override {
      value.emplace(
          std::apply([this](P&&... a) -> R { return function(std::forward<P>(a)...); }, std::move(args)));
      return detail::as_raw(*value);
    }
    std::byte* place([[maybe_unused]] std::size_t count) override {
      if constexpr (detail::is_array<R>) {
        return nullptr;  // arrays bring their own memory
      } else {
        return detail::resized(value.emplace(), count);
      }
    }
    std::string describe() const override {
      std::string text;
      std::apply([&text](const auto&... a) { (detail::describe(text, a), ...); }, args);
      return text;
    }

    const F& function;
    std::tuple<P&&...> args;
    std::optional<R> value;
  };

  cached_function(detail::cached_core core, F function)
      : core_(std::move(core)), function_(std::move(function)) {}

  detail::cached_core core_;
  F function_;
};

/// A handle on a cache directory; copies share it. Thread-safe; any number of processes may use one directory at the
/// same time. Nothing is created before the first result is stored.
///
/// The directory holds results that are trusted when they are loaded: one that belongs to another user (other than
/// root), or that others may write to, is a value_error. An empty location caches nothing.
class memory {
 public:
  explicit memory(const std::filesystem::path& location, const memory_options& options = {});

  /// Wraps a function. The name and the version (or the program's build) name its results in the directory, for
  /// every program that uses it: give a function a name of its own. value_error for an empty or overlong name, or
  /// an ignored position that does not exist.
  template <class F>
    requires(!std::is_function_v<F>)
  auto cache(std::string name, F function, cache_options options = {}) const {
    if constexpr (detail::has_signature<F>) {
      return wrap<detail::signature_of<F>>(std::move(name), std::move(function), std::move(options));
    } else {
      static_assert(
          detail::has_signature<F>,
          "larder: this callable is overloaded, generic, or not callable when const (a mutable lambda): name "
          "its signature, as in mem.cache<R(P...)>(name, f), or make it callable when const");
    }
  }

  /// For overloaded and generic functions: cache<array<double>(double, int)>("name", LARDER_FN(f)).
  template <class Signature, class F>
    requires std::is_function_v<Signature>
  auto cache(std::string name, F function, cache_options options = {}) const {
    return wrap<Signature>(std::move(name), std::move(function), std::move(options));
  }

  /// Absolute; empty for a memory that caches nothing.
  const std::filesystem::path& location() const noexcept;

  /// Removes the entries of all functions, and nothing else that lies in the directory. io_error where that fails.
  void clear() const;

 private:
  template <class Signature, class F>
  auto wrap(std::string name, F function, cache_options options) const;

  std::shared_ptr<const detail::memory_state> state_;
};

namespace detail {

/// An address in the module that holds a function's code: its own, or that of code made from its type.
template <class F>
const void* code_address(const F& function) {
  if constexpr (std::is_pointer_v<F>) {
    return reinterpret_cast<const void*>(function);
  } else {
    return reinterpret_cast<const void*>(&code_address<F>);
  }
}

/// How a result stands in the key: a vector is stored as an array, but is no array. Nothing for what cached_function
/// refuses.
template <class R>
std::string result_text() {
  if constexpr (is_array<R>) {
    return type_text<R>();
  } else if constexpr (storable<R>) {
    return "vector<" + std::string(name(dtype_of<typename R::value_type>)) + ">";
  } else {
    return {};
  }
}

template <class Signature>
struct parameters;
template <class R, class... P>
struct parameters<R(P...)> {
  using result = R;
  static constexpr std::size_t k_count = sizeof...(P);
};

}  // namespace detail

template <class Signature, class F>
auto memory::wrap(std::string name, F function, cache_options options) const {
  using result = typename detail::parameters<Signature>::result;
  detail::cached_core core(
      state_, {std::move(name), detail::result_text<result>(), detail::parameters<Signature>::k_count,
               detail::code_address(function), std::move(options)});
  return cached_function<Signature, F>(std::move(core), std::move(function));
}

}  // namespace larder
