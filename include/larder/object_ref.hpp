#pragma once
// A reference to an object in a store: small, storable, and the object itself where a task is given one.
//
//   larder::object_ref ref = st.put(table);               // table is an array<double>
//   auto sums = pool.map(rows, sum_of_row, ref);          // sum_of_row(row, array<const double>)
//   auto again = ref.get();

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <larder/array.hpp>
#include <larder/detail/array_like.hpp>
#include <larder/detail/function_ref.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/hasher.hpp>
#include <larder/load.hpp>
#include <larder/storable.hpp>

namespace larder {

namespace detail {

/// Hands the object at this path, opened and checked, to `take`, and marks it as used; false where there is none. io_error, format_error,
/// and what `take` throws.
bool load_object(const std::string& path, bool is_object, verification verify,
                 function_ref<void(value_source&)> take);
/// The io_error for what is no longer in a store, or never was; value_error for an empty path: that of a reference to nothing.
[[noreturn]] void refuse_absent_object(const std::string& path);
/// The name of the object at this path; empty for one that was put without.
std::string object_name_of(const std::string& path);

template <class T>
std::optional<T> find_object(const std::string& path, verification verify) {
  std::optional<T> value;
  load_object(path, !array_like<T>, verify, [&value](value_source& from) { read_value(from, value); });
  return value;
}

/// As what those get an object who only read it: arrays read-only.
template <class T>
struct read_only_type {
  using type = T;
};
template <class T>
struct read_only_type<array<T>> {
  using type = array<const T>;
};

}  // namespace detail

/// Refers to an object by its place in a store: it can be stored, be part of other values, and go to any process of this machine. It
/// keeps no object alive: get() takes what the place holds then, which after another put under the same name is another object. As the
/// argument, or the element, of a task it arrives as the object (<larder/parallel.hpp>). Its hash is that of the object.
/// Thread-safe as a std::string is.
template <class T>
class object_ref {
 public:
  using value_type = T;

  object_ref() = default;  ///< refers to nothing

  /// The object as store::get has it: mapped, as T, or as another type that it loads as. io_error where there is none any more (errno
  /// ENOENT), format_error where it is damaged, type_mismatch where it is of another type, value_error where this refers to nothing.
  template <class U = T>
  U get() const {
    auto value = detail::find_object<U>(path_, verification_);
    if (!value) detail::refuse_absent_object(path_);
    return *std::move(value);
  }

  /// Under which the object was put; empty where that was without one.
  std::string name() const { return detail::object_name_of(path_); }
  /// Of the file; empty where this refers to nothing.
  const std::string& path() const noexcept { return path_; }

  friend bool operator==(const object_ref& a, const object_ref& b) noexcept { return a.path_ == b.path_; }

  friend void hash_append(hasher& to, const object_ref& ref) {
    to(ref.template get<typename detail::read_only_type<T>::type>());
  }

 private:
  friend class store;
  template <element U>
  friend class store_writer;
  friend struct detail::stored<object_ref>;

  object_ref(std::string path, larder::verification verify) : path_(std::move(path)), verification_(verify) {}

  std::string path_;
  larder::verification verification_ = larder::verification::automatic;
};

template <class T>
struct detail::stored<object_ref<T>> {
  using parts = types<T>;
  static std::string name() { return "object_ref"; }
  static void save(auto& out, const object_ref<T>& v) {
    out.structure(name(), [&] { out(v.path_, v.verification_); });
  }
  static void load(object_reader& in, object_ref<T>& v) {
    in.structure([&] { in(v.path_, v.verification_); });
  }
};

}  // namespace larder
