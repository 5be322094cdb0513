#pragma once
// The canonical type text, and the text of a type's layout, in which users' types are taken apart into their fields.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <larder/detail/stored_type.hpp>

namespace larder::detail {

/// "name", "name<parts,suffix>". `text_of_part(type_identity<T>)` gives the text of a part.
template <class T, class TextOfPart>
std::string composed_text(TextOfPart text_of_part) {
  std::string inner;
  const auto add = [&inner](const std::string& part) { inner += (inner.empty() ? "" : ",") + part; };
  if constexpr (!has_fields<T>) {
    [&]<class... P>(types<P...>) {
      (add(text_of_part(std::type_identity<P>())), ...);
    }(typename stored<T>::parts());
  }
  if constexpr (requires { stored<T>::suffix(); }) add(stored<T>::suffix());
  const std::string name = stored<T>::name();
  return inner.empty() ? name : name + "<" + inner + ">";
}

template <class T>
const std::string& type_text_of() {
  static const std::string text =
      composed_text<T>([]<class P>(std::type_identity<P>) { return type_text_of<P>(); });
  return text;
}

/// As the type text, with the fields of types that have LARDER_FIELDS: name{fields:types}. A type within itself is just
/// its name.
template <class T, class... Outer>
std::string layout_text() {
  if constexpr (has_fields<T> && !is_raw<T> && !(std::same_as<T, Outer> || ...)) {
    std::string fields;
    [&]<class... P>(types<P...>) {
      ((fields += (fields.empty() ? "" : ",") + layout_text<P, T, Outer...>()), ...);
    }(typename stored<T>::parts());
    std::string names(fields_access::names<T>());
    std::erase(names, ' ');
    return type_text_of<T>() + "{" + names + ":" + fields + "}";
  } else {
    return composed_text<T>([]<class P>(std::type_identity<P>) { return layout_text<P, Outer...>(); });
  }
}

/// Of a layout text: the number that a file's index has. 0 where it says no more than the type text.
std::uint32_t schema_of(std::string_view type, std::string_view layout);

template <class T>
std::uint32_t schema() {
  static const std::uint32_t number = schema_of(type_text_of<T>(), layout_text<T>());
  return number;
}

}  // namespace larder::detail
