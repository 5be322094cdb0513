#pragma once
// What std::deque and std::list have in common.

#include <cstddef>

#include <larder/detail/stored_type.hpp>

namespace larder::detail {

template <class C>
struct stored_sequence {
  using parts = types<typename C::value_type>;
  static void save(auto& out, const C& v) { out.sequence(v, v.size()); }
  static void load(object_reader& in, C& v) {
    constexpr std::size_t k_container_bytes = 640;  // a deque without elements has its first block
    v.clear();
    in.take_memory(k_container_bytes);
    in.template sequence<typename C::value_type>(object_reader::k_node_bytes,
                                                 [&] { in.value(v.emplace_back()); });
  }
};

}  // namespace larder::detail
