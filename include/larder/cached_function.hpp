#pragma once
// A function with a cache before it; memory::cache makes them.
//
//   auto cov = mem.cache("stats.covariance", covariance, {.version = "1"});
//   auto c = cov(x, ridge);                  // as covariance itself is called
//   auto [value, how, key] = cov.evaluate(x, ridge);

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <larder/cache_options.hpp>
#include <larder/detail/array_like.hpp>
#include <larder/detail/cacheable.hpp>
#include <larder/detail/cached_core.hpp>
#include <larder/detail/describe_argument.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/signature.hpp>
#include <larder/detail/travel.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/detail/value_sink.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/digest.hpp>
#include <larder/element.hpp>
#include <larder/hasher.hpp>
#include <larder/shelved.hpp>
#include <larder/storable.hpp>

namespace larder {

/// A result, how it came about, and the key of the call.
template <class R>
struct evaluated {
  R value;
  outcome how;
  digest key;
};

namespace detail {

template <class T>
inline constexpr char k_type_tag = 0;

template <class Signature, class F>
function_identity identity_of(const F& function) {
  function_identity identity{.type = &k_type_tag<std::pair<Signature, F>>,
                             .code = reinterpret_cast<const void*>(&identity_of<Signature, F>)};
  if constexpr (std::is_pointer_v<F>) {
    identity.address = identity.code = reinterpret_cast<const void*>(function);
  } else if constexpr (std::is_member_pointer_v<F>) {
    // Its first word is the function's address, or, if that is odd, its place in the table of virtual ones (Itanium C++ ABI).
    std::memcpy(&identity.address, &function, sizeof identity.address);
    if (reinterpret_cast<std::uintptr_t>(identity.address) % 2 == 0) identity.code = identity.address;
  }
  return identity;
}

/// Whether there is an array in a value of type T, which is mapped when it is loaded. `Outer` are the types being looked
/// at: a type may contain itself.
template <class T, class... Outer>
consteval bool holds_arrays() {
  if constexpr (is_array<T>) {
    return true;
  } else if constexpr ((std::same_as<T, Outer> || ...)) {
    return false;
  } else {
    return []<class... P>(types<P...>) {
      return (holds_arrays<P, T, Outer...>() || ...);
    }(typename stored<T>::parts());
  }
}

template <class R>
result_traits result_traits_of() {
  if constexpr (!storable<R>) {
    return {};  // cached_function refuses it
  } else if constexpr (array_like<R> && !is_array<R>) {
    // A vector is stored as an array, but is no array.
    return {.text = "vector<" + std::string(name(dtype_of<typename R::value_type>)) + ">"};
  } else {
    return {.text = type_text<R>(), .is_object = !array_like<R>, .holds_arrays = holds_arrays<R>()};
  }
}

/// All but the name and the options.
template <class Signature, class F>
cached_core::description describe_cached(const F& function) {
  return {.name = {},
          .result = result_traits_of<typename parameters<Signature>::result>(),
          .arity = parameters<Signature>::k_count,
          .has_state = !stateless<F>,
          .function = identity_of<Signature>(function),
          .options = {}};
}

}  // namespace detail

/// A function with a cache before it: memory::cache makes them. It has the function's own signature. Copies are cheap
/// and share everything; thread-safe, also from a parallel map (if the function is).
///
/// A call hashes its arguments, looks for an entry under that key, and otherwise computes and stores. While another
/// thread or process computes the same call, it waits for the result (on_busy). A damaged or unreadable entry is
/// computed again and replaced. A store that fails (disk full, no permission) is one warning through the log hook, and
/// the result is returned all the same. What the function throws is never stored.
template <class Signature, class F>
class cached_function;

template <class R, class... P, class F>
class cached_function<R(P...), F> {
  static_assert((detail::require_cacheable<R(P...), F>(), true));

 public:
  /// Arrays of 16 KiB and more, also within other results, come mapped from the entry, on the first call as on later ones:
  /// array<const T> read-only, array<T> copy-on-write. Smaller ones, and vectors, are copies.
  R operator()(P... args) const { return evaluate(std::forward<P>(args)...).value; }

  /// The same, with how the result came about and its key.
  evaluated<R> evaluate(P... args) const {
    const digest key = this->key(args...);
    one_call pending{function_, std::tuple<P&&...>(std::forward<P>(args)...)};
    const outcome how = core_.evaluate(key, pending);
    return {*std::move(pending.value), how, key};
  }

  /// Computes, whatever is in the cache, and stores the result there in the place of what was.
  R call(P... args) const {
    const digest key = this->key(args...);
    one_call pending{function_, std::tuple<P&&...>(std::forward<P>(args)...)};
    core_.compute(key, pending);
    return *std::move(pending.value);
  }

  /// Computes and stores if need be, and returns a reference to the entry. What is in the cache already is not read.
  shelved<R> call_and_shelve(P... args) const {
    const digest key = this->key(args...);
    one_call pending{function_, std::tuple<P&&...>(std::forward<P>(args)...)};
    shelved<R> reference;
    reference.key_ = key;
    reference.verification_ = core_.verification();
    if (core_.shelve(key, pending)) {
      reference.path_ = core_.path_of(key);
    } else {
      reference.held_ = std::make_shared<std::optional<R>>(std::move(pending.value));
    }
    return reference;
  }

  /// The digest that names the entry of a call. It throws what hashing throws, as do all that take arguments: value_error as
  /// hash() does, io_error of a file_content, whatever a user's hash_append throws.
  digest key(const std::remove_cvref_t<P>&... args) const {
    detail::hash_stream stream;
    core_.start_key(stream);
    detail::value_hasher hasher(stream);
    if constexpr (!detail::stateless<F>) detail::hash_into(hasher, function_);
    [[maybe_unused]] std::size_t position = 0;
    ((core_.ignores(position++) ? void() : detail::hash_into(hasher, args)), ...);
    return stream.finish();
  }

  /// Whether an entry of this call is there, and valid; computes nothing. Its data are not read: a call may still find them
  /// damaged, and compute.
  bool check_call_in_cache(const std::remove_cvref_t<P>&... args) const {
    return core_.contains(key(args...));
  }

  /// Stores a result that came from elsewhere as that of a call, in the place of what was. io_error; value_error in a
  /// memory that does not store, for a result that is larger than its bytes_limit, and for values that dump refuses.
  void store(const R& value, const std::remove_cvref_t<P>&... args) const {
    std::string described;
    (detail::describe_argument(described, args), ...);
    core_.store(key(args...), described,
                [&value](detail::value_sink& to) { detail::write_value(value, to); });
  }

  /// Removes the entry of this call, or all of this function's entries under its present version. Results that are
  /// mapped stay valid. io_error where that fails; nothing to remove is fine.
  void forget(const std::remove_cvref_t<P>&... args) const { core_.forget(key(args...)); }
  void clear() const { core_.clear(); }

 private:
  friend class memory;
  friend struct detail::travels<cached_function>;

  struct one_call final : detail::pending_call {
    one_call(const F& f, std::tuple<P&&...> a) : function(f), args(std::move(a)) {}
    void compute() override {
      value.emplace(std::apply([this](P&&... a) -> R { return std::invoke(function, std::forward<P>(a)...); },
                               std::move(args)));
    }
    void write(detail::value_sink& to) const override { detail::write_value(*value, to); }
    void read(detail::value_source& from) override {
      std::optional<R> loaded;
      detail::read_value(from, loaded);
      // A value that was computed stays where this fails before.
      value.reset();
      value.emplace(*std::move(loaded));
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

/// In another process it is a function of the same cache, with the same keys.
template <class Signature, class F>
struct detail::travels<cached_function<Signature, F>> {
  static constexpr bool k_can = can_travel<F>;

  static void write(const cached_function<Signature, F>& cached, travel_writer& to) requires k_can {
    write_travelling(cached.function_, to);
    cached.core_.write(to);
  }
  static void read(travel_reader& from, std::optional<cached_function<Signature, F>>& out) requires k_can {
    std::optional<F> function;
    read_travelling(from, function);
    cached_core core = cached_core::read(from, describe_cached<Signature>(*function));
    out = cached_function<Signature, F>(std::move(core), *std::move(function));
  }
};
template <class Signature, class F>
inline constexpr bool detail::is_unchangeable<cached_function<Signature, F>> = is_unchangeable<F>;

}  // namespace larder
