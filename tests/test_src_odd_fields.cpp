// Structs at the edge of what LARDER_FIELDS takes.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include <map>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

namespace {

struct nothing {
  LARDER_FIELDS()
};

}  // namespace

TEST_CASE("a struct without fields is stored") {
  const scratch_dir dir;
  larder::dump(std::map<int, nothing>{{1, {}}, {2, {}}}, dir / "x");
  CHECK(larder::load<std::map<int, nothing>>(dir / "x").size() == 2);
}
