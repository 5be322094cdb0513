// What tools/check_shipping opens with dlopen.
#include "tests/shipping/same_lambdas.hpp"

namespace {

int halved(int x) { return x / 2; }

}  // namespace

extern "C" __attribute__((visibility("default"))) plugin_code code_of_plugin() {
  return {same_lambdas(), &halved};
}
