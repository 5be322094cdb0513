#pragma once
// A function with a cache before it; memory::cache makes them.
//
//   auto cov = mem.cache("stats.covariance", covariance, {.version = "1"});
//   auto c = cov(x, ridge);                  // as covariance itself is called
//   auto [value, how, key] = cov.evaluate(x, ridge);

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <larder/cache_options.hpp>
#include <larder/detail/cacheable.hpp>
#include <larder/detail/cached_core.hpp>
#include <larder/detail/describe_argument.hpp>
#include <larder/detail/signature.hpp>
#include <larder/digest.hpp>
#include <larder/storable.hpp>

namespace larder {

template <class R>
struct evaluated {
  R value;
  outcome how;
  digest key;
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
  } else if constexpr (array_like<R>) {
    return "vector<" + std::string(name(dtype_of<typename R::value_type>)) + ">";
  } else {
    return {};
  }
}

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
  static_assert((detail::require_cacheable<R(P...), F>(), true));
  static_assert(
      detail::array_like<R> || !storable<R>,
      "larder: a cached function returns an array or a std::vector of elements (other results are not "
      "cached in this version)");

 public:
  /// Arrays of 16 KiB and more come mapped from the entry, on the first call as on later ones: array<const T>
  /// read-only, array<T> copy-on-write. Smaller ones, and vectors, are copies.
  R operator()(P... args) const { return evaluate(std::forward<P>(args)...).value; }

  /// The same, with how the result came about and its key.
  evaluated<R> evaluate(P... args) const {
    const digest key = this->key(args...);
    call pending{function_, std::tuple<P&&...>(std::forward<P>(args)...)};
    auto result = core_.evaluate(key, dtype_of<typename R::value_type>, detail::result_kind_of<R>(), pending);
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
    detail::value_hasher hasher(stream);
    if constexpr (!detail::stateless<F>) detail::hash_into(hasher, function_);
    ((core_.ignores(position++) ? void() : detail::hash_into(hasher, args)), ...);
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
      value.emplace(std::apply([this](P&&... a) -> R { return std::invoke(function, std::forward<P>(a)...); },
                               std::move(args)));
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
      std::apply([&text](const auto&... a) { (detail::describe_argument(text, a), ...); }, args);
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

}  // namespace larder
