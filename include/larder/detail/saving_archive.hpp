#pragma once
// What the archives that take a value apart have in common: object_writer, which writes it, and value_hasher.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cereal/cereal.hpp>
#include <cereal/types/base_class.hpp>

namespace larder::detail {

/// How a type is written, read and hashed; not defined for what cannot be stored. stored_type.hpp has the definitions.
template <class T>
struct stored;

/// Stops the compiler, with a message that names the reason, where T is not storable.
template <class T>
constexpr void require_storable();

// What cereal wraps around values.
template <class T>
concept base_wrapper = std::is_base_of_v<cereal::traits::detail::BaseCastBase, T>;
template <class T>
concept named_value = std::is_base_of_v<cereal::detail::NameValuePairCore, T>;
template <class T>
inline constexpr bool is_binary_data = false;
template <class T>
inline constexpr bool is_binary_data<cereal::BinaryData<T>> = true;
template <class T>
inline constexpr bool is_size_tag = false;
template <class T>
inline constexpr bool is_size_tag<cereal::SizeTag<T>> = true;

/// What a user's `serialize` or `save` gets as cereal's Archive. Self has the functions that stored<T>::save calls, and
/// `require<T>`, which stops the compiler where it cannot take a T.
template <class Self>
class saving_archive : public cereal::detail::OutputArchiveBase {
 public:
  using is_loading = std::false_type;
  using is_saving = std::true_type;

  template <class... T>
  Self& operator()(const T&... values) {
    (value(values), ...);
    return self();
  }
  template <class T>
  Self& operator&(const T& v) {
    return (*this)(v);
  }
  template <class T>
  Self& operator<<(const T& v) {
    return (*this)(v);
  }

  template <class T>
  void value(const T& v) {
    if constexpr (base_wrapper<T>) {
      value(*v.base_ptr);
    } else if constexpr (named_value<T>) {
      value(v.value);
    } else if constexpr (is_binary_data<T>) {
      self().run(v.data, static_cast<std::size_t>(v.size), 1);
    } else if constexpr (is_size_tag<T>) {
      self().count(v.size);
    } else {
      Self::template require<T>();
      self().part(v);
    }
  }

  /// A value within one that was looked at: what is in a container is known to be good with it. (The elements of a map,
  /// with their const keys, are so in no other place.)
  template <class T>
  void part(const T& v) {
    stored<T>::save(self(), v);
  }

 private:
  Self& self() noexcept { return static_cast<Self&>(*this); }
};

}  // namespace larder::detail
