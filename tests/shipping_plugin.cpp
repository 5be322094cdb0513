// A library that nobody links with, with code to send. PLUGIN_FACTOR is what its function multiplies with: another in each build.
#include "tests/shipping_plugin.hpp"

namespace {

int times(int x) { return PLUGIN_FACTOR * x; }

char identity = 0;
constexpr larder::detail::task_descriptor k_descriptor{larder::detail::task_descriptor::k_magic,
                                                       1000 + PLUGIN_FACTOR, &identity, nullptr};

}  // namespace

extern "C" shipping_plugin plugin() { return {&times, &k_descriptor}; }
