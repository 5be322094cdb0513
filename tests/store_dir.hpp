#pragma once
// A directory of a test's own, in which the stores lie that it opens by name.

#include <cstdlib>

#include "tests/scratch_dir.hpp"

class store_dir : public scratch_dir {
 public:
  store_dir() { ::setenv("LARDER_STORE_DIR", (*this / "root").c_str(), 1); }
  ~store_dir() { ::unsetenv("LARDER_STORE_DIR"); }
};
