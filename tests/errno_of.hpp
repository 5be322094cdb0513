#pragma once
// With which error of the system something fails.

#include <larder/error.hpp>

/// The errno of the io_error that `action` throws, 0 where it throws none.
int errno_of(const auto& action) {
  try {
    action();
  } catch (const larder::io_error& e) {
    return e.errno_value();
  }
  return 0;
}
