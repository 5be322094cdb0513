#pragma once
// Elements that several threads or processes write to at the same time.
//
//   auto counts = larder::array<int>::shared({1000});
//   pool.map(values, [](double x, const larder::array<int>& to) { larder::atomic(to(bin(x))).fetch_add(1); }, counts);

#include <atomic>
#include <type_traits>

namespace larder {

/// A std::atomic_ref of an element: what threads, and processes that have mapped the same memory, do by way of one is atomic with
/// respect to each other. While there are such, nobody reaches the element otherwise.
template <class T>
auto atomic(T& element) noexcept {
  static_assert(!std::is_const_v<T>,
                "larder: an element that is written to atomically cannot be one of an array<const T>: "
                "take an array<T>");
  static_assert(std::is_trivially_copyable_v<T>,
                "larder: only what is copied as its bytes can be written atomically: numbers and the like");
  if constexpr (!std::is_const_v<T> && std::is_trivially_copyable_v<T>) {
    static_assert(std::atomic_ref<T>::is_always_lock_free,
                  "larder: this element is too large for the processor to write at once, and a lock would be "
                  "one of each process: use elements of up to 8 bytes");
    return std::atomic_ref<T>(element);
  }
}

}  // namespace larder
