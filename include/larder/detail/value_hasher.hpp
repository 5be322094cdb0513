#pragma once
// The archive that hashes a value of any storable type: its pieces, tagged and delimited, go to a hash_stream.
// docs/format.md lays the bytes down.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/hash_append.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/nesting.hpp>
#include <larder/detail/raw_array.hpp>
#include <larder/detail/saving_archive.hpp>
#include <larder/detail/user_type.hpp>
#include <larder/digest.hpp>
#include <larder/element.hpp>

namespace larder::detail {

/// The digest that `dump` stores: of the NPY header and the data, as a tree above 4 MiB. Several threads. Of an array
/// that is mapped read-only from a sealed file it is looked up.
digest hash_array(const raw_array& a);

/// How a view on values is hashed, which is not stored: `parts` and `save`, as stored<T> has them. hashed_view.hpp has the
/// definitions.
template <class T>
struct hashed_view;
template <class T>
concept has_hashed_view = requires {
  typename hashed_view<T>::parts;
};

/// Stops the compiler, with a message that names the reason, where T is not hashable.
template <class T>
constexpr void require_hashable();

class value_hasher;
/// Calls the type's own hash_append; hasher.hpp has the definition.
template <class T>
void append_own(value_hasher& to, const T& value);

class value_hasher : public saving_archive<value_hasher> {
 public:
  /// `stream` lives as long as the hasher.
  explicit value_hasher(hash_stream& stream);
  ~value_hasher();
  value_hasher(const value_hasher&) = delete;
  value_hasher& operator=(const value_hasher&) = delete;

  template <class T>
  static constexpr void require() {
    require_hashable<T>();
  }
  /// In place of saving_archive's: a type's own hash_append comes first.
  template <class T>
  void part(const T& v) {
    if constexpr (has_hash_append<T>) {
      structure(stored_name<T>(), [&] { append_own(*this, v); });
    } else if constexpr (has_hashed_view<T>) {
      hashed_view<T>::save(*this, v);
    } else {
      stored<T>::save(*this, v);
    }
  }

  template <class T>
  void scalar(const T& v) {
    if constexpr (std::is_enum_v<T> && !std::same_as<T, std::byte>) {
      scalar(static_cast<std::underlying_type_t<T>>(v));
    } else if constexpr (std::same_as<T, bool>) {
      stream_->boolean(v);
    } else if constexpr (!larder::element<T>) {
      run(&v, 1, sizeof v);
    } else if constexpr (std::signed_integral<T>) {
      stream_->signed_integer(v, sizeof(T));
    } else if constexpr (std::unsigned_integral<T>) {
      stream_->unsigned_integer(v, sizeof(T));
    } else if constexpr (complex_element<T>) {
      stream_->complex(v);
    } else {
      stream_->real(v);
    }
  }
  void count(std::uint64_t n) { stream_->sequence(n); }
  void present(bool there) { stream_->present(there); }
  void alternative(std::uint32_t index) { stream_->alternative(index); }
  void text(std::string_view v) { stream_->text(v); }
  void run(const void* first, std::size_t n, std::size_t size) { stream_->run(first, n, size); }
  void array(const raw_array& a) { stream_->array(hash_array(a)); }
  void elements(const raw_array& a) { array(a); }

  template <class Body>
  void structure(std::string_view name, Body body) {
    const unsigned outer = nesting_.enter();
    refuse_if_too_deep();
    stream_->begin_structure(name);
    body();
    stream_->end_structure();
    nesting_.leave(outer);
  }
  template <class Body>
  void users_save(Body body) {
    body();
  }
  template <class... T>
  void tuple(const T&... parts) {
    count(sizeof...(T));
    (value(parts), ...);
  }
  template <class Range>
  void fixed_sequence(const Range& range, std::uint64_t n) {
    count(n);
    for (const auto& each : range) value(each);
  }
  template <class Range>
  void sequence(const Range& range, std::uint64_t n) {
    count(n);
    for (const typename Range::value_type& each : range) part(each);
  }
  /// Whatever order the container has just now: by the digests of its elements, in their own order.
  template <class Range>
  void unordered_sequence(const Range& range, std::uint64_t n) {
    std::vector<digest> digests;
    digests.reserve(static_cast<std::size_t>(n));
    for (const typename Range::value_type& each : range) digests.push_back(apart(each));
    std::ranges::sort(digests);
    stream_->unordered(digests);
  }
  /// By what it points to, which is hashed once however many share it, and kept alive, as object_writer does.
  template <class T>
  void shared(const std::shared_ptr<const T>& pointee) {
    present(pointee != nullptr);
    if (pointee == nullptr) return;
    const digest* known = shared_before(pointee.get(), &k_tag<T>);
    stream_->array(known != nullptr ? *known : remember(pointee, &k_tag<T>, apart(*pointee)));
  }

 private:
  template <class T>
  static constexpr char k_tag = 0;

  struct pointees_seen;

  /// The digest of a value for itself.
  template <class T>
  digest apart(const T& v) {
    hash_stream own;
    const aside guard(*this, own);
    part(v);
    return own.finish();
  }
  /// While it lives, the hasher feeds another stream.
  class aside {
   public:
    aside(value_hasher& hasher, hash_stream& other) noexcept
        : hasher_(hasher), outer_(std::exchange(hasher.stream_, &other)) {}
    ~aside() { hasher_.stream_ = outer_; }
    aside(const aside&) = delete;
    aside& operator=(const aside&) = delete;

   private:
    value_hasher& hasher_;
    hash_stream* outer_;
  };
  /// Throws the value_error where the nesting is too deep, as it is when pointers lead in a circle.
  void refuse_if_too_deep() const {
    if (nesting_.is_too_deep()) refuse_nesting();
  }
  [[noreturn]] void refuse_nesting() const;
  const digest* shared_before(const void* pointee, const void* tag) const;
  const digest& remember(const std::shared_ptr<const void>& pointee, const void* tag, const digest& value);

  hash_stream* stream_;
  nesting nesting_;
  std::unique_ptr<pointees_seen> seen_;
};

template <class T>
digest hash_apart(const T& v) {
  hash_stream stream;
  value_hasher(stream).part(v);
  return stream.finish();
}

}  // namespace larder::detail
