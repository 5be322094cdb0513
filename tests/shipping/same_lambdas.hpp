#pragma once
// Five lambdas of which compilers and linkers make the same code, and the code of a plugin that tools/check_shipping builds.

#include <array>
#include <cstddef>

#include <larder/detail/parallel_call.hpp>
#include <larder/detail/shipment.hpp>

inline constexpr std::size_t k_lambdas = 5;
using lambda_descriptors = std::array<const larder::detail::task_descriptor*, k_lambdas>;

template <class F>
const larder::detail::task_descriptor* descriptor_of_map(const F& f) {
  const larder::detail::parallel_call<F> call(f);
  return &larder::detail::map_shipment<int, F>(call).descriptor();
}

/// Of five lambdas of the file that includes this.
static lambda_descriptors same_lambdas() {
  return {
      descriptor_of_map([](int x) { return 3 * x + 1; }), descriptor_of_map([](int x) { return 3 * x + 1; }),
      descriptor_of_map([](int x) { return 3 * x + 1; }), descriptor_of_map([](int x) { return 3 * x + 1; }),
      descriptor_of_map([](int x) { return 3 * x + 1; })};
}

struct plugin_code {
  lambda_descriptors lambdas;
  int (*function)(int);
};
