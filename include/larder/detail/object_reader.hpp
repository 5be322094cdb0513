#pragma once
// The archive that reads what object_writer wrote, from bytes that nobody vouches for: every count is checked against
// the bytes that are left and against the memory that may be used, before anything is allocated.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <larder/detail/function_ref.hpp>
#include <larder/detail/nesting.hpp>
#include <larder/detail/object_writer.hpp>
#include <larder/detail/raw_array.hpp>

namespace larder::detail {

/// Which of the handles of load<T> asks: it decides the default mode and what is refused.
enum class result_kind { read_only_array, writable_array, vector };

/// Makes room for the elements of a vector, given their number.
using placement = function_ref<std::byte*(std::size_t)>;

/// Where an object comes from: its stream, the arrays that it refers to, and what is said where it is wrong.
class object_source {
 public:
  virtual ~object_source() = default;

  virtual std::span<const std::byte> stream() const noexcept = 0;
  /// The array in a segment. format_error where there is none, or not of this type.
  virtual raw_array array(std::uint32_t segment, dtype expected, result_kind wanted) = 0;
  /// Copies the 1-d array in a segment to a vector; each segment once.
  virtual void elements(std::uint32_t segment, dtype expected, const placement& place) = 0;
  /// format_error (E_BOMB) where more memory is needed than the caller allows.
  virtual void take_memory(std::uint64_t bytes) = 0;
  virtual void give_memory(std::uint64_t bytes) noexcept = 0;
  /// format_error unless each segment was asked for.
  virtual void require_all_used() const = 0;
  /// What messages call it.
  virtual const std::string& path() const noexcept = 0;

  /// Throws the format_error (E_OBJECT) for a stream that is not right.
  [[noreturn]] void fail(std::string_view detail) const;

 protected:
  object_source() = default;
  object_source(const object_source&) = default;
  object_source& operator=(const object_source&) = default;
};

class object_reader : public cereal::detail::InputArchiveBase {
 public:
  using is_loading = std::true_type;
  using is_saving = std::false_type;

  /// `source` lives as long as the reader.
  explicit object_reader(object_source& source);
  ~object_reader();
  object_reader(const object_reader&) = delete;
  object_reader& operator=(const object_reader&) = delete;

  template <class... T>
  object_reader& operator()(T&&... values) {
    (value(values), ...);
    return *this;
  }
  template <class T>
  object_reader& operator&(T&& v) {
    return (*this)(v);
  }
  template <class T>
  object_reader& operator>>(T&& v) {
    return (*this)(v);
  }

  /// Call last: format_error where anything is left over.
  void finish() const;

  template <class T>
  void value(T& v) {
    if constexpr (base_wrapper<T>) {
      value(*v.base_ptr);
    } else if constexpr (named_value<T>) {
      value(v.value);
    } else if constexpr (is_binary_data<T>) {
      run(v.data, static_cast<std::size_t>(v.size));
    } else if constexpr (is_size_tag<T>) {
      const auto n = scalar<std::uint64_t>();  // of whatever: the user's function is to check it
      take_memory(n);
      v.size = static_cast<std::remove_reference_t<decltype(v.size)>>(n);
    } else {
      require_storable<T>();
      stored<T>::load(*this, v);
    }
  }

  // What stored<T>::load asks for.

  template <class T>
  T scalar() {
    T v;
    run(&v, sizeof v);
    return v;
  }
  bool boolean() {
    const auto byte = scalar<std::uint8_t>();
    if (byte > 1) source_.fail("a bool that is neither 0 nor 1");
    return byte == 1;
  }
  /// A number of things that are written as `least_bytes` or more each.
  std::size_t count(std::size_t least_bytes) {
    const auto n = scalar<std::uint64_t>();
    if (least_bytes != 0 && n > left() / least_bytes) source_.fail("a count that its bytes do not bear out");
    return static_cast<std::size_t>(n);
  }
  void run(void* out, std::size_t bytes) {
    if (bytes > left()) source_.fail("the stream ends within a value");
    if (bytes != 0) std::memcpy(out, at_, bytes);
    at_ += bytes;
  }
  void text(std::string& out);
  raw_array array(dtype expected, result_kind wanted);
  void elements(dtype expected, const placement& place);

  /// A value of a user's type; `body` reads what is in it.
  template <class Body>
  void structure(Body body) {
    const unsigned outer = nesting_.enter();
    refuse_if_too_deep();
    body();
    nesting_.leave(outer);
    refuse_if_too_deep();
  }
  /// Reads the elements of a container, its number first, one by one: `add` appends one that was read. Each takes
  /// sizeof(T) and `overhead` bytes of memory.
  template <class T, class Add>
  void sequence(std::size_t overhead, Add add) {
    for (std::size_t n = count(0); n != 0; --n) {
      take_memory(sizeof(T) + overhead);
      read_element([&] { add(); });
    }
  }
  /// The same into a vector, which grows with what was read.
  template <class T, class A>
  void vector(std::vector<T, A>& out) {
    out.clear();
    const std::size_t n = count(0);
    const std::uint64_t before = taken_;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == out.capacity()) grow(out, n, taken_ - before);
      read_element([&] { value(out.emplace_back()); });
    }
  }
  /// The shared pointer that comes next.
  template <class T>
  std::shared_ptr<T> shared() {
    const auto id = scalar<std::uint32_t>();
    if (id == 0) return nullptr;
    if ((id & k_first_use) == 0) return std::static_pointer_cast<T>(shared_before(id, &k_tag<T>));
    take_memory(sizeof(T) + k_node_bytes);
    begin_shared(id);
    const unsigned outer = nesting_.begin();
    auto pointer = std::make_shared<T>();
    value(*pointer);
    end_shared(id, pointer, &k_tag<T>);
    nesting_.join(outer);
    return pointer;
  }
  /// Before memory is taken: format_error (E_BOMB) where the caller does not allow as much.
  void take_memory(std::uint64_t bytes) {
    source_.take_memory(bytes);
    taken_ += bytes;
  }
  /// Before an allocation of this many bytes.
  void take_allocation(std::size_t bytes) { take_memory(bytes + k_allocation_bytes); }
  [[noreturn]] void fail(std::string_view detail) const { source_.fail(detail); }

  /// What an allocation costs beside the bytes that were asked for: many small ones cost more than what is in them.
  static constexpr std::size_t k_allocation_bytes = 32;
  /// What a node of a container costs beside the value in it, generously.
  static constexpr std::size_t k_node_bytes = 64;

 private:
  template <class T>
  static constexpr char k_tag = 0;

  struct pointers_seen;

  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  /// Throws the format_error where the nesting is too deep.
  void refuse_if_too_deep() const {
    if (nesting_.is_too_deep()) refuse_nesting();
  }
  [[noreturn]] void refuse_nesting() const;

  template <class Read>
  void read_element(Read read) {
    const std::byte* before = at_;
    read();
    if (at_ == before) count_empty_element();
  }
  void count_empty_element();

  /// Room for at most 64 KiB more than what was read, or as much again. The elements hold `held` bytes.
  template <class T, class A>
  void grow(std::vector<T, A>& out, std::size_t wanted, std::uint64_t held) {
    constexpr bool moved = std::is_nothrow_move_constructible_v<T> || !std::is_copy_constructible_v<T>;
    const std::size_t ahead = std::max<std::size_t>(k_inline_vector_bytes / sizeof(T), 1);
    const std::size_t old = out.capacity();
    const std::size_t room = std::min(wanted, out.size() + std::max(ahead, out.size()));
    // Elements that cannot be moved are there twice for a moment.
    const std::uint64_t copied = moved ? 0 : held;
    take_allocation(room * sizeof(T));
    take_memory(copied);
    out.reserve(room);
    give_memory(copied);
    if (old != 0) give_memory(old * sizeof(T) + k_allocation_bytes);
  }
  void give_memory(std::uint64_t bytes) noexcept {
    source_.give_memory(bytes);
    taken_ -= bytes;
  }

  std::shared_ptr<void> shared_before(std::uint32_t id, const void* tag);
  void begin_shared(std::uint32_t id);
  void end_shared(std::uint32_t id, std::shared_ptr<void> pointer, const void* tag);

  object_source& source_;
  const std::byte* at_;
  const std::byte* end_;
  std::uint64_t taken_ = 0;  // of memory, from the source
  nesting nesting_;
  std::size_t empty_elements_ = 0;
  std::unique_ptr<pointers_seen> pointers_;  // null before the first
};

}  // namespace larder::detail
