#pragma once
// Types of the user: those with LARDER_FIELDS, and those that cereal can serialize.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cereal/cereal.hpp>
#include <cereal/types/base_class.hpp>

#include <larder/element.hpp>
#include <larder/fields.hpp>

namespace larder::detail {

/// A type's name as g++ and clang++ would both spell it, without unnamed namespaces.
std::string plain_name(std::string_view spelled);

/// What the hash of a user's value begins with.
template <class T>
const std::string& stored_name() {
  static const std::string name = plain_name(type_name<T>);
  return name;
}

class object_writer;
class object_reader;

/// Friend of the structs with LARDER_FIELDS, whose members may be private.
struct fields_access {
  template <class T>
  static auto fields(T& value) noexcept {
    return value.larder_fields();
  }
  template <class T>
  static constexpr std::string_view names() noexcept {
    return T::larder_field_names();
  }
  /// The class that the macro stands in. (A function and no alias: whether the macro stands in a private section is
  /// looked at from here then, with every compiler.)
  template <class T>
  static auto self(const T& value) -> decltype(value.larder_self());
};

template <class T>
concept has_fields_or_inherits = std::is_class_v<T> && requires(const T& value) {
  fields_access::self(value);
};
template <class T>
concept has_fields =
    has_fields_or_inherits<T> && std::same_as<decltype(fields_access::self(std::declval<const T&>())), T*>;

/// Through cereal: by one member or free function for both directions, or by a pair of them.
template <class T, class Out>
concept has_serialize = cereal::traits::has_member_serialize<T, Out>::value ||
    cereal::traits::has_member_versioned_serialize<T, Out>::value ||
    cereal::traits::has_non_member_serialize<T, Out>::value ||
    cereal::traits::has_non_member_versioned_serialize<T, Out>::value;
template <class T, class Out, class In>
concept has_save_and_load = (cereal::traits::has_member_save<T, Out>::value &&
                             cereal::traits::has_member_load<T, In>::value) ||
                            (cereal::traits::has_member_versioned_save<T, Out>::value &&
                             cereal::traits::has_member_versioned_load<T, In>::value) ||
                            (cereal::traits::has_non_member_save<T, Out>::value &&
                             cereal::traits::has_non_member_load<T, In>::value) ||
                            (cereal::traits::has_non_member_versioned_save<T, Out>::value &&
                             cereal::traits::has_non_member_versioned_load<T, In>::value);

template <class T>
concept serializes =
    std::is_class_v<T> && std::is_default_constructible_v<T> && !element<T> && !has_fields_or_inherits<T> &&
    !is_raw<T> && (has_serialize<T, object_writer> || has_save_and_load<T, object_writer, object_reader>);

/// Calls the user's function with an archive that writes. The version, of types that have one, is the archive's first
/// value: CEREAL_CLASS_VERSION sets it.
template <class T, class Out>
void call_save(Out& out, const T& value) {
  namespace t = cereal::traits;
  using access = cereal::access;
  [[maybe_unused]] const std::uint32_t version = cereal::detail::Version<T>::version;
  auto& same = const_cast<T&>(value);  // as cereal does: a `serialize` that reads does not write
  if constexpr (t::has_member_serialize<T, Out>::value) {
    access::member_serialize(out, same);
  } else if constexpr (t::has_member_versioned_serialize<T, Out>::value) {
    out(version);
    access::member_serialize(out, same, version);
  } else if constexpr (t::has_non_member_serialize<T, Out>::value) {
    CEREAL_SERIALIZE_FUNCTION_NAME(out, same);
  } else if constexpr (t::has_non_member_versioned_serialize<T, Out>::value) {
    out(version);
    CEREAL_SERIALIZE_FUNCTION_NAME(out, same, version);
  } else if constexpr (t::has_member_save<T, Out>::value) {
    access::member_save(out, value);
  } else if constexpr (t::has_member_versioned_save<T, Out>::value) {
    out(version);
    access::member_save(out, value, version);
  } else if constexpr (t::has_non_member_save<T, Out>::value) {
    CEREAL_SAVE_FUNCTION_NAME(out, value);
  } else {
    out(version);
    CEREAL_SAVE_FUNCTION_NAME(out, value, version);
  }
}

/// The same with one that reads; the version is the one that the file was written with.
template <class T, class In>
void call_load(In& in, T& value) {
  namespace t = cereal::traits;
  using access = cereal::access;
  const auto version = [&in] {
    std::uint32_t stored = 0;
    in(stored);
    return stored;
  };
  if constexpr (t::has_member_serialize<T, In>::value) {
    access::member_serialize(in, value);
  } else if constexpr (t::has_member_versioned_serialize<T, In>::value) {
    access::member_serialize(in, value, version());
  } else if constexpr (t::has_non_member_serialize<T, In>::value) {
    CEREAL_SERIALIZE_FUNCTION_NAME(in, value);
  } else if constexpr (t::has_non_member_versioned_serialize<T, In>::value) {
    CEREAL_SERIALIZE_FUNCTION_NAME(in, value, version());
  } else if constexpr (t::has_member_load<T, In>::value) {
    access::member_load(in, value);
  } else if constexpr (t::has_member_versioned_load<T, In>::value) {
    access::member_load(in, value, version());
  } else if constexpr (t::has_non_member_load<T, In>::value) {
    CEREAL_LOAD_FUNCTION_NAME(in, value);
  } else {
    CEREAL_LOAD_FUNCTION_NAME(in, value, version());
  }
}

}  // namespace larder::detail
