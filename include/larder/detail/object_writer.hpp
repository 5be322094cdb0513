#pragma once
// The archive that writes an object: a stream of bytes, and beside it the arrays that the stream refers to by number.
// docs/format.md lays the stream down.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/detail/nesting.hpp>
#include <larder/detail/raw_array.hpp>
#include <larder/detail/saving_archive.hpp>
#include <larder/detail/value_hasher.hpp>
#include <larder/digest.hpp>

namespace larder::detail {

/// Vectors of elements up to this size lie in the stream; larger ones in a segment of their own.
inline constexpr std::size_t k_inline_vector_bytes = std::size_t{64} << 10;
/// Stands in the stream for the number of a segment where the elements follow at once.
inline constexpr std::uint32_t k_inline_elements = 0xFFFFFFFF;
/// Elements of containers that are written as no bytes at all.
inline constexpr std::size_t k_most_empty_elements = 65536;
/// Marks the number of a shared pointer where what it points to follows.
inline constexpr std::uint32_t k_first_use = 0x80000000;

/// One object on its way to a file. It refers to the arrays and vectors in it, which have to live until it is written; but
/// not to what a user's `save` makes on the way.
class object_writer : public saving_archive<object_writer> {
 public:
  /// `type` is the type text of the value that will be written.
  explicit object_writer(std::string_view type);
  ~object_writer();
  object_writer(const object_writer&) = delete;
  object_writer& operator=(const object_writer&) = delete;

  /// What stands in the object segment: the type text, with its length, and the stream.
  const std::string& bytes() const noexcept { return bytes_; }
  /// The stream alone.
  std::string_view stream() const noexcept { return std::string_view(bytes_).substr(stream_begin_); }
  std::span<const raw_array> arrays() const noexcept { return arrays_; }

  template <class T>
  static constexpr void require() {
    require_storable<T>();
  }

  // What stored<T>::save says of a value.

  template <class T>
  void scalar(const T& v) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(&v, sizeof v);
  }
  void count(std::uint64_t n) { scalar(n); }
  void present(bool there) { scalar(static_cast<std::uint8_t>(there)); }
  void alternative(std::uint32_t index) { scalar(index); }
  void text(std::string_view v) {
    count(v.size());
    append(v.data(), v.size());
  }
  /// `n` values of `size` bytes each, as they lie.
  void run(const void* first, std::size_t n, std::size_t size) { append(first, n * size); }
  /// Handles on the same view share one segment.
  void array(const raw_array& a);
  /// The elements of a vector.
  void elements(const raw_array& a);

  /// A value of a user's type; `body` writes what is in it.
  template <class Body>
  void structure(std::string_view /*name*/, Body body) {
    const unsigned outer = nesting_.enter();
    refuse_if_too_deep();
    body();
    nesting_.leave(outer);
    refuse_if_too_deep();
  }
  /// Runs a user's `save` or `serialize`, which may make vectors for this call alone: until it is done, elements that
  /// nothing keeps alive are copied.
  template <class Body>
  void users_save(Body body) {
    ++within_users_save_;
    body();
    --within_users_save_;
  }
  template <class... T>
  void tuple(const T&... parts) {
    (value(parts), ...);
  }
  template <class Range>
  void fixed_sequence(const Range& range, std::uint64_t /*n*/) {
    for (const auto& each : range) value(each);
  }
  template <class Range>
  void sequence(const Range& range, std::uint64_t n) {
    count(n);
    for (const typename Range::value_type& each : range) element(each);
  }
  /// In the order of their hashes, so that equal containers give equal bytes.
  template <class Range>
  void unordered_sequence(const Range& range, std::uint64_t n) {
    using value_type = typename Range::value_type;
    std::vector<std::pair<digest, const value_type*>> ordered;
    ordered.reserve(static_cast<std::size_t>(n));
    for (const value_type& each : range) {
      if constexpr (requires { range.at(each.first); }) {
        ordered.emplace_back(hash_apart(each.first), &each);  // keys are unique, and values may be large
      } else {
        ordered.emplace_back(hash_apart(each), &each);
      }
    }
    std::ranges::sort(ordered, {}, &std::pair<digest, const value_type*>::first);
    count(n);
    for (const auto& [hash, each] : ordered) element(*each);
  }
  /// What shared pointers point to, once for all that share it. It is kept alive: a pointer that a user's `save` made
  /// for the occasion would free its address for the next one.
  template <class T>
  void shared(const std::shared_ptr<const T>& pointee) {
    const std::uint32_t id = shared_id(pointee, &k_tag<T>);
    scalar(id);
    if ((id & k_first_use) == 0) return;
    const unsigned outer = nesting_.begin();
    value(*pointee);
    end_shared(id);
    nesting_.join(outer);
  }

 private:
  // Tells types apart.
  template <class T>
  static constexpr char k_tag = 0;

  struct handles_seen;

  template <class T>
  void element(const T& v) {
    const std::size_t before = bytes_.size();
    part(v);
    if (bytes_.size() == before) count_empty_element();
  }

  /// An array to write later: itself, or a copy.
  raw_array kept(const raw_array& a) const;
  void append(const void* first, std::size_t n) {
    if (n != 0) bytes_.append(static_cast<const char*>(first), n);
  }
  /// Throws the value_error where the nesting is too deep, as it is when pointers lead in a circle.
  void refuse_if_too_deep() const {
    if (nesting_.is_too_deep()) refuse_nesting();
  }
  [[noreturn]] void refuse_nesting() const;
  void count_empty_element();
  /// 0 for null, with k_first_use where the pointee follows. value_error for a pointee within itself.
  std::uint32_t shared_id(const std::shared_ptr<const void>& pointee, const void* tag);
  void end_shared(std::uint32_t id);

  std::string bytes_;
  std::size_t stream_begin_ = 0;
  std::vector<raw_array> arrays_;
  nesting nesting_;
  unsigned within_users_save_ = 0;
  std::size_t empty_elements_ = 0;
  std::unique_ptr<handles_seen> seen_;
};

}  // namespace larder::detail
