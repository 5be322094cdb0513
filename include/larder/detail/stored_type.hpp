#pragma once
// How each type is stored: its name in the canonical type text, the types within it, and how the archives write, read
// and hash it. A type for which there is no definition here, in types/, or by way of LARDER_FIELDS or cereal, is not
// storable.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <larder/array.hpp>
#include <larder/detail/array_like.hpp>
#include <larder/detail/first_refused.hpp>
#include <larder/detail/object_reader.hpp>
#include <larder/detail/object_writer.hpp>
#include <larder/detail/user_type.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/element.hpp>
#include <larder/fields.hpp>

namespace larder::detail {

// A definition of stored<T> has:
//   parts                       the types within T
//   name(), optional suffix()   its text is name<parts...>, or the name alone where there are no parts
//   save(out, value)            to object_writer and value_hasher
//   load(in, value)             from object_reader, into a value that was default-constructed

template <class T>
concept stored_number = !std::is_const_v<T> && (element<T> || std::same_as<T, bool> || std::same_as<T, char>);
template <class T>
inline constexpr bool is_stored_enum = false;
template <class T>
  requires std::is_enum_v<T>
inline constexpr bool is_stored_enum<T> = !std::is_const_v<T> && stored_number<std::underlying_type_t<T>>;

/// Single values that are stored as their bytes: numbers, bool, char, std::byte, and enumerations as their integers.
template <class T>
concept stored_scalar = stored_number<T> || is_stored_enum<T>;

template <stored_scalar T>
struct stored<T> {
  using parts = types<>;
  static std::string name() {
    if constexpr (std::same_as<T, std::byte>) {
      return "byte";
    } else if constexpr (std::is_enum_v<T>) {
      return stored<std::underlying_type_t<T>>::name();
    } else if constexpr (std::same_as<T, bool>) {
      return "bool";
    } else if constexpr (std::same_as<T, char>) {
      return "char";
    } else {
      return std::string(larder::name(dtype_of<T>));
    }
  }
  static void save(auto& out, const T& v) { out.scalar(v); }
  static void load(object_reader& in, T& v) {
    if constexpr (std::same_as<T, bool>) {
      v = in.boolean();
    } else if constexpr (std::is_enum_v<T>) {
      std::underlying_type_t<T> number{};  // which may be a bool
      in.value(number);
      v = static_cast<T>(number);
    } else {
      in.run(&v, sizeof v);
    }
  }
};

/// Values that may be moved in runs, as the bytes they are.
template <class T>
concept raw_value = std::same_as<T, char> || std::same_as<T, std::byte> || is_raw<T>;
/// Whether an archive takes values of T in runs.
template <class Archive, class T>
inline constexpr bool in_runs = raw_value<T>;
template <class T>
inline constexpr bool in_runs<value_hasher, T> = raw_value<T> && !has_hash_append<T>;

template <class T>
  requires is_raw<T>
struct stored<T> {
  static_assert(
      std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T> && !std::is_pointer_v<T>,
      "larder: is_raw is for trivially copyable structs without padding (and without floating-point members, "
      "which can be equal in different bytes: use LARDER_FIELDS)");
  using parts = types<>;
  static std::string name() { return plain_name(type_name<T>); }
  static std::string suffix() { return std::to_string(sizeof(T)); }
  static void save(auto& out, const T& v) { out.run(&v, 1, sizeof v); }
  static void load(object_reader& in, T& v) { in.run(&v, sizeof v); }
};

template <>
struct stored<std::string> {
  using parts = types<>;
  static std::string name() { return "string"; }
  static void save(auto& out, const std::string& v) { out.text(v); }
  static void load(object_reader& in, std::string& v) { in.text(v); }
};

template <class T>
struct stored<array<T>> {
  using parts = types<>;
  static std::string name() { return larder::type_text(dtype_of<T>); }
  static void save(auto& out, const array<T>& v) { out.array(as_raw(v)); }
  static void load(object_reader& in, array<T>& v) {
    constexpr auto wanted = std::is_const_v<T> ? result_kind::read_only_array : result_kind::writable_array;
    v = array_access::wrap<T>(in.array(dtype_of<T>, wanted));
  }
};

/// Room for `count` elements in a vector.
template <class T, class A>
std::byte* resized(std::vector<T, A>& elements, std::size_t count) {
  elements.resize(count);
  return reinterpret_cast<std::byte*>(elements.data());
}

template <class T, class A>
  requires is_element_vector<std::vector<T, A>>
struct stored<std::vector<T, A>> {
  using parts = types<>;
  static std::string name() { return larder::type_text(dtype_of<T>); }
  static void save(auto& out, const std::vector<T, A>& v) { out.elements(as_raw(v)); }
  static void load(object_reader& in, std::vector<T, A>& v) {
    const auto place = [&v](std::size_t count) { return resized(v, count); };
    in.elements(dtype_of<T>, place);
  }
};

/// Vectors of char and std::byte are stored as vectors of u8, under their own names.
template <class T, class A>
  requires(std::same_as<T, char> || std::same_as<T, std::byte>)
struct stored<std::vector<T, A>> {
  using parts = types<T>;
  static std::string name() { return "vector"; }
  static void save(auto& out, const std::vector<T, A>& v) {
    out.elements(borrow(v.data(), v.size(), dtype::u8, extents(v.size()), {}));
  }
  static void load(object_reader& in, std::vector<T, A>& v) {
    const auto place = [&v](std::size_t count) { return resized(v, count); };
    in.elements(dtype::u8, place);
  }
};

template <class T, class A>
  requires(!is_element_vector<std::vector<T, A>> && !std::same_as<T, char> && !std::same_as<T, std::byte>)
struct stored<std::vector<T, A>> {
  using parts = types<T>;
  static std::string name() { return "vector"; }
  static void save(auto& out, const std::vector<T, A>& v) {
    if constexpr (in_runs<std::remove_reference_t<decltype(out)>, T>) {
      out.count(v.size());
      out.run(v.data(), v.size(), sizeof(T));
    } else {
      out.sequence(v, v.size());
    }
  }
  static void load(object_reader& in, std::vector<T, A>& v) {
    if constexpr (raw_value<T>) {
      const std::size_t n = in.count(sizeof(T));
      if (n != 0) in.take_allocation(n * sizeof(T));
      v.resize(n);
      in.run(v.data(), n * sizeof(T));
    } else if constexpr (std::same_as<T, bool>) {
      const std::size_t n = in.count(1);
      if (n != 0) in.take_allocation(n);
      v.assign(n, false);
      for (std::size_t i = 0; i < n; ++i) v[i] = in.boolean();
    } else {
      in.vector(v);
    }
  }
};

/// Arrays of a size that the type fixes.
template <class T, std::size_t N>
struct stored_fixed {
  using parts = types<std::remove_cv_t<T>>;
  static std::string name() { return "fixed_array"; }
  static std::string suffix() { return std::to_string(N); }
  static void save(auto& out, const auto& v) {
    if constexpr (in_runs<std::remove_reference_t<decltype(out)>, T>) {
      out.run(&v[0], N, sizeof(T));
    } else {
      out.fixed_sequence(v, N);
    }
  }
  static void load(object_reader& in, auto& v) {
    if constexpr (raw_value<T>) {
      in.run(&v[0], N * sizeof(T));
    } else {
      for (auto& each : v) in.value(each);
    }
  }
};
template <class T, std::size_t N>
  requires(N > 0)
struct stored<std::array<T, N>> : stored_fixed<T, N> {};
template <class T, std::size_t N>
  requires(!std::is_const_v<T>)
struct stored<T[N]> : stored_fixed<T, N> {};

template <class... T>
struct stored<std::tuple<T...>> {
  using parts = types<T...>;
  static std::string name() { return "tuple"; }
  static void save(auto& out, const std::tuple<T...>& v) {
    std::apply([&out](const auto&... each) { out.tuple(each...); }, v);
  }
  static void load(object_reader& in, std::tuple<T...>& v) {
    std::apply([&in](auto&... each) { (in.value(each), ...); }, v);
  }
};

template <class A, class B>
struct stored<std::pair<A, B>> {
  using parts = types<A, B>;
  static std::string name() { return "pair"; }
  static void save(auto& out, const std::pair<A, B>& v) { out.tuple(v.first, v.second); }
  static void load(object_reader& in, std::pair<A, B>& v) {
    in.value(v.first);
    in.value(v.second);
  }
};

template <class T>
struct stored<std::optional<T>> {
  using parts = types<T>;
  static std::string name() { return "optional"; }
  static void save(auto& out, const std::optional<T>& v) {
    out.present(v.has_value());
    if (v) out.value(*v);
  }
  static void load(object_reader& in, std::optional<T>& v) {
    v.reset();
    if (in.boolean()) in.value(v.emplace());
  }
};

template <>
struct stored<std::monostate> {
  using parts = types<>;
  static std::string name() { return "monostate"; }
  static void save(auto& out, const std::monostate&) { out.tuple(); }
  static void load(object_reader&, std::monostate&) {}
};

/// value_error: there is nothing to store.
[[noreturn]] void refuse_valueless_variant();

template <class... T>
struct stored<std::variant<T...>> {
  using parts = types<T...>;
  static std::string name() { return "variant"; }
  static void save(auto& out, const std::variant<T...>& v) {
    if (v.valueless_by_exception()) refuse_valueless_variant();
    out.alternative(static_cast<std::uint32_t>(v.index()));
    std::visit([&out](const auto& held) { out.value(held); }, v);
  }
  static void load(object_reader& in, std::variant<T...>& v) {
    const auto index = in.template scalar<std::uint32_t>();
    if (index >= sizeof...(T)) in.fail("a variant with an alternative that its type does not have");
    load_alternative(in, v, index, std::index_sequence_for<T...>());
  }

 private:
  template <std::size_t... I>
  static void load_alternative(object_reader& in, std::variant<T...>& v, std::size_t index,
                               std::index_sequence<I...>) {
    ((I == index ? in.value(v.template emplace<I>()) : void()), ...);
  }
};

template <class T>
concept pointee =
    std::is_object_v<T> && !std::is_array_v<T> && !(std::is_polymorphic_v<T> && !std::is_final_v<T>);

template <pointee T>
struct stored<std::unique_ptr<T>> {
  using parts = types<T>;
  static std::string name() { return "unique_ptr"; }
  static void save(auto& out, const std::unique_ptr<T>& v) {
    out.present(v != nullptr);
    if (v) out.value(*v);
  }
  static void load(object_reader& in, std::unique_ptr<T>& v) {
    v.reset();
    if (!in.boolean()) return;
    in.take_memory(sizeof(T) + object_reader::k_node_bytes);
    v = std::make_unique<T>();
    in.value(*v);
  }
};

template <pointee T>
struct stored<std::shared_ptr<T>> {
  using parts = types<std::remove_const_t<T>>;
  static std::string name() { return "shared_ptr"; }
  static void save(auto& out, const std::shared_ptr<T>& v) { out.template shared<std::remove_const_t<T>>(v); }
  static void load(object_reader& in, std::shared_ptr<T>& v) {
    v = in.template shared<std::remove_const_t<T>>();
  }
};

/// Sets and maps: elements that are read one by one and put where they belong.
template <class C>
struct stored_associative {
  static void load(object_reader& in, C& v) {
    v.clear();
    using key = typename C::key_type;
    if constexpr (requires { typename C::mapped_type; }) {
      load_elements<std::pair<key, typename C::mapped_type>>(in, v);
    } else {
      load_elements<key>(in, v);
    }
  }

 private:
  template <class Value>
  static void load_elements(object_reader& in, C& v) {
    constexpr std::size_t k_on_the_stack = 4096;
    in.template sequence<Value>(object_reader::k_node_bytes, [&] {
      if constexpr (sizeof(Value) <= k_on_the_stack) {
        Value each{};
        in.value(each);
        insert(in, v, std::move(each));
      } else {
        const auto each = std::make_unique<Value>();
        in.value(*each);
        insert(in, v, std::move(*each));
      }
    });
  }
  template <class Value>
  static void insert(object_reader& in, C& v, Value&& each) {
    const std::size_t before = v.size();
    if constexpr (requires { typename C::hasher; }) {
      constexpr std::size_t k_first_buckets_bytes = 192;
      if (before == 0) in.take_memory(k_first_buckets_bytes);
      v.insert(std::move(each));
    } else {
      v.insert(v.end(), std::move(each));  // they come in order
    }
    if (v.size() == before) in.fail("a key that is there twice");
  }
};

/// An order, a hash or an equality that is made anew when a container is loaded: one with state (a function pointer, say)
/// would be another one then.
template <class F>
concept remade = std::is_empty_v<F> && std::is_default_constructible_v<F>;

template <class C>
struct stored_ordered : stored_associative<C> {
  static void save(auto& out, const C& v) { out.sequence(v, v.size()); }
};
template <class C>
struct stored_unordered : stored_associative<C> {
  static void save(auto& out, const C& v) { out.unordered_sequence(v, v.size()); }
};

template <class K, class V, remade C, class A>
struct stored<std::map<K, V, C, A>> : stored_ordered<std::map<K, V, C, A>> {
  using parts = types<K, V>;
  static std::string name() { return "map"; }
};
template <class K, class V, remade C, class A>
struct stored<std::multimap<K, V, C, A>> : stored_ordered<std::multimap<K, V, C, A>> {
  using parts = types<K, V>;
  static std::string name() { return "multimap"; }
};
template <class K, remade C, class A>
struct stored<std::set<K, C, A>> : stored_ordered<std::set<K, C, A>> {
  using parts = types<K>;
  static std::string name() { return "set"; }
};
template <class K, remade C, class A>
struct stored<std::multiset<K, C, A>> : stored_ordered<std::multiset<K, C, A>> {
  using parts = types<K>;
  static std::string name() { return "multiset"; }
};
template <class K, class V, remade H, remade E, class A>
struct stored<std::unordered_map<K, V, H, E, A>> : stored_unordered<std::unordered_map<K, V, H, E, A>> {
  using parts = types<K, V>;
  static std::string name() { return "unordered_map"; }
};
template <class K, class V, remade H, remade E, class A>
struct stored<std::unordered_multimap<K, V, H, E, A>>
    : stored_unordered<std::unordered_multimap<K, V, H, E, A>> {
  using parts = types<K, V>;
  static std::string name() { return "unordered_multimap"; }
};
template <class K, remade H, remade E, class A>
struct stored<std::unordered_set<K, H, E, A>> : stored_unordered<std::unordered_set<K, H, E, A>> {
  using parts = types<K>;
  static std::string name() { return "unordered_set"; }
};
template <class K, remade H, remade E, class A>
struct stored<std::unordered_multiset<K, H, E, A>> : stored_unordered<std::unordered_multiset<K, H, E, A>> {
  using parts = types<K>;
  static std::string name() { return "unordered_multiset"; }
};

/// The types of the members that LARDER_FIELDS names.
template <class Tuple>
struct field_types;
template <class... T>
struct field_types<std::tuple<T&...>> {
  using parts = types<T...>;
};

template <has_fields T>
  requires(!is_raw<T>)
struct stored<T> {
  using parts = typename field_types<decltype(fields_access::fields(std::declval<T&>()))>::parts;
  static std::string name() { return stored_name<T>(); }
  static void save(auto& out, const T& v) {
    out.structure(stored_name<T>(), [&] {
      std::apply([&out](const auto&... each) { (out.value(each), ...); }, fields_access::fields(v));
    });
  }
  static void load(object_reader& in, T& v) {
    in.structure(
        [&] { std::apply([&in](auto&... each) { (in.value(each), ...); }, fields_access::fields(v)); });
  }
};

template <serializes T>
struct stored<T> {
  using parts = types<>;
  static std::string name() { return stored_name<T>(); }
  static void save(auto& out, const T& v) {
    out.structure(stored_name<T>(), [&] { out.users_save([&] { call_save(out, v); }); });
  }
  static void load(object_reader& in, T& v) {
    in.structure([&] { call_load(in, v); });
  }
};

}  // namespace larder::detail
