#pragma once
// How a type of your own becomes storable: name its members once, inside the struct.
//
//   struct particle {
//     double mass = 0;
//     std::vector<double> track;
//     LARDER_FIELDS(mass, track)
//   };
//
// Types that have a `serialize` of cereal's kind (member or free function, with or without a version, or `load` and
// `save`) are storable as they are.

#include <string_view>
#include <tuple>
#include <type_traits>

namespace larder {

namespace detail {

struct fields_access;

/// What the compiler calls T: ends with "T = NAME]".
template <class T>
constexpr const char* function_name() noexcept {
  return __PRETTY_FUNCTION__;
}

template <class T>
constexpr std::string_view spelled_name() noexcept {
  std::string_view text = function_name<T>();
  text.remove_prefix(text.find("T = ") + 4);
  text.remove_suffix(1);
  return text;
}

}  // namespace detail

/// The name of a user's type in the canonical type text, in files and in hashes. By default the type's own, with its
/// namespaces. Give it another one to rename or move a type without losing its files, or where compilers spell it
/// differently (templates over standard types, types in inline namespaces or in functions):
///
///   template <> inline constexpr std::string_view larder::type_name<geo::particle> = "particle";
template <class T>
inline constexpr std::string_view type_name = detail::spelled_name<T>();

/// Opts a struct into being stored as its bytes, in one piece: trivially copyable, without padding and without pointers,
/// references or anything else that means nothing elsewhere.
///
///   template <> inline constexpr bool larder::is_raw<rgb> = true;
template <class T>
inline constexpr bool is_raw = false;

}  // namespace larder

/// Inside a struct or class, in any of its sections: these members, in this order, are its stored value. Members that
/// are not named are left as the default constructor makes them. Names and types of the fields are part of what is
/// checked when a file is loaded: one that was written with other fields is a type_mismatch. (For types that change,
/// write a `serialize` with a version instead.) A derived class needs its own.
#define LARDER_FIELDS(...)                                                \
  friend struct ::larder::detail::fields_access;                          \
  auto larder_fields() noexcept { return ::std::tie(__VA_ARGS__); }       \
  auto larder_fields() const noexcept { return ::std::tie(__VA_ARGS__); } \
  auto larder_self() const->::std::remove_cvref_t<decltype(*this)>*;      \
  static constexpr ::std::string_view larder_field_names() noexcept { return #__VA_ARGS__; }
