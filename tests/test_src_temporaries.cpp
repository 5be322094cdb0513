// What a user's `save` makes for the occasion, which is gone when the file is written.

#include <larder/dump.hpp>
#include <larder/hash.hpp>
#include <larder/load.hpp>

#include <cstddef>
#include <memory>
#include <vector>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

namespace {

/// Saved as shared pointers of which each dies before the next is made, likely at the same address.
struct one_by_one {
  std::vector<int> numbers;

  template <class Archive>
  void save(Archive& archive) const {
    archive(numbers.size());
    for (const int n : numbers) archive(std::make_shared<int>(n));
  }
  template <class Archive>
  void load(Archive& archive) {
    std::size_t count = 0;
    archive(count);
    for (numbers.clear(); numbers.size() < count;) {
      std::shared_ptr<int> each;
      archive(each);
      numbers.push_back(*each);
    }
  }
};

}  // namespace

TEST_CASE("shared pointers that are gone do not stand for later ones") {
  const one_by_one ascending{{1, 2, 3}};
  CHECK(larder::hash(ascending) != larder::hash(one_by_one{{1, 1, 1}}));

  const scratch_dir dir;
  larder::dump(ascending, dir / "numbers");
  CHECK(larder::load<one_by_one>(dir / "numbers").numbers == ascending.numbers);
}
