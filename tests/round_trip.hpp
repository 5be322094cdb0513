#pragma once
// A value dumped and loaded again.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "tests/scratch_dir.hpp"

/// The file is gone when it returns; mappings of it stay.
template <class T>
T round_trip(const T& value, const larder::dump_options& options = {}) {
  const scratch_dir dir;
  larder::dump(value, dir / "value.larder", options);
  return larder::load<T>(dir / "value.larder");
}
