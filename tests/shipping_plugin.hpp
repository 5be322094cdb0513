#pragma once
// What tests of shipping look up in their plugins.

#include <larder/detail/task_descriptor.hpp>

struct shipping_plugin {
  int (*times)(int);  // static in the plugin
  const larder::detail::task_descriptor* descriptor;
};
