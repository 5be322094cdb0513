#pragma once
// Values on their way to another process of the same program and back: functions, arguments and results of tasks.

#include <bit>
#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <larder/detail/signature.hpp>
#include <larder/detail/value_sink.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/half.hpp>
#include <larder/storable.hpp>

namespace larder::detail {

/// Takes values, in the process that has them.
class travel_writer {
 public:
  virtual void bytes(const void* data, std::size_t count) = 0;
  virtual value_sink& value() = 0;  // for one value

 protected:
  ~travel_writer() = default;
};

/// Gives them back in the same order, in the process that they were written for.
class travel_reader {
 public:
  virtual void bytes(void* data, std::size_t count) = 0;
  virtual value_source& value() = 0;  // of one value

 protected:
  ~travel_reader() = default;
};

/// An address of code: the module that holds it, the build of that, and the place in it. not_shippable where no module does. Null
/// stays null.
void write_code_address(const void* address, travel_writer& to);
/// The same code here: its module is opened if it was not loaded. not_shippable, which names the module, where there is none, or of
/// another build, or where no code can be at that place in it.
const void* read_code_address(travel_reader& from);

/// A pointer to a member function, as the Itanium C++ ABI has it.
struct member_function_parts {
  std::uintptr_t function;  // its code; or, of a virtual one, its place in the table of those
  std::ptrdiff_t adjustment;
};
/// As code addresses.
void write_member_function(const member_function_parts& pointer, travel_writer& to);
member_function_parts read_member_function(travel_reader& from);

template <class T>
inline constexpr bool goes_as_bytes =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_member_object_pointer_v<T>;
template <class T>
inline constexpr bool goes_as_bytes<std::complex<T>> = std::is_floating_point_v<T>;

/// Has nothing that would have to travel, and can be made from nothing: a captureless lambda.
template <class T>
concept nothing_to_send = std::is_empty_v<T> && std::is_object_v<T> && std::move_constructible<T> &&
    (std::is_trivially_copyable_v<T> || std::is_default_constructible_v<T>);

/// How a T travels. Specialised for types that are made of others, or that are the same in another process without being stored.
///   static constexpr bool k_can                                      where it is false, the others are not there
///   static void write(const T&, travel_writer&)                      not_shippable for a value that cannot
///   static void read(travel_reader&, std::optional<T>&)              which holds nothing yet
template <class T>
struct travels {
  static constexpr bool k_can = goes_as_bytes<T> || nothing_to_send<T> || storable<T>;

  static void write(const T& value, travel_writer& to) requires k_can {
    if constexpr (goes_as_bytes<T>) {
      to.bytes(&value, sizeof value);
    } else if constexpr (!nothing_to_send<T>) {
      write_value(value, to.value());
    }
  }
  static void read(travel_reader& from, std::optional<T>& out) requires k_can {
    if constexpr (goes_as_bytes<T>) {
      from.bytes(&out.emplace(), sizeof(T));
    } else if constexpr (!nothing_to_send<T>) {
      read_value(from.value(), out);
    } else if constexpr (std::is_default_constructible_v<T>) {
      out.emplace();
    } else {
      // A closure type is made by its lambda alone; one without members is in any byte.
      alignas(T) std::byte nothing[sizeof(T)] = {};
      out.emplace(std::move(*std::launder(reinterpret_cast<T*>(nothing))));
    }
  }
};

template <class T>
  requires is_function_pointer<T>
struct travels<T> {
  static constexpr bool k_can = true;
  static void write(T value, travel_writer& to) {
    write_code_address(reinterpret_cast<const void*>(value), to);
  }
  static void read(travel_reader& from, std::optional<T>& out) {
    // POSIX has an object pointer mean the function here.
    out = reinterpret_cast<T>(const_cast<void*>(read_code_address(from)));
  }
};

template <class T>
  requires std::is_member_function_pointer_v<T>
struct travels<T> {
  static constexpr bool k_can = true;
  static void write(T value, travel_writer& to) {
    write_member_function(std::bit_cast<member_function_parts>(value), to);
  }
  static void read(travel_reader& from, std::optional<T>& out) {
    out = std::bit_cast<T>(read_member_function(from));
  }
};

/// A function that is passed by reference; it is read as a pointer.
template <class T>
  requires std::is_function_v<T>
struct travels<T> {
  static constexpr bool k_can = true;
  static void write(T& function, travel_writer& to) { travels<T*>::write(&function, to); }
};

template <class T, std::size_t k_count>
struct travels<T[k_count]> {
  static constexpr bool k_can =
      travels<T>::k_can && std::is_default_constructible_v<T> && std::is_move_assignable_v<T>;
  static void write(const T (&values)[k_count], travel_writer& to) requires k_can {
    for (const T& each : values) travels<T>::write(each, to);
  }
};

/// Whether something of this type can go to another process, or come from it.
template <class T>
inline constexpr bool can_travel = travels<T>::k_can;
template <>
inline constexpr bool can_travel<void> = true;

/// Whether what refers to a const T cannot change what it stands for. (There are more that cannot.)
template <class T>
inline constexpr bool is_unchangeable = goes_as_bytes<T> || nothing_to_send<T> || is_function_pointer<T> ||
                                        std::is_member_function_pointer_v<T> || std::is_function_v<T> ||
                                        std::is_same_v<T, std::string> || is_element_vector<T>;
template <class T>
inline constexpr bool is_unchangeable<array<const T>> = true;
template <class T, std::size_t k_count>
inline constexpr bool is_unchangeable<T[k_count]> = is_unchangeable<T>;

template <class T>
  requires can_travel<T>
void write_travelling(const T& value, travel_writer& to) { travels<T>::write(value, to); }

template <class T>
  requires can_travel<T>
void read_travelling(travel_reader& from, std::optional<T>& out) { travels<T>::read(from, out); }

/// What something is to a call, in the text of a not_shippable.
enum class travel_role { function, initializer, element, argument, result };

/// That text for something of this type: what to do instead.
std::string not_travelling_text(travel_role role, const std::type_info& type);

/// The same; empty where it can travel.
template <class T>
std::string why_not_travelling(travel_role role) {
  if constexpr (can_travel<T>) {
    return {};
  } else {
    return not_travelling_text(role, typeid(T));
  }
}

}  // namespace larder::detail
