// Structs and enumerations at the edge of what LARDER_FIELDS takes.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

namespace {

struct nothing {
  LARDER_FIELDS()
};

enum class answer : bool { no, yes };

/// An object that lies in memory.
class stream_in_memory final : public larder::detail::object_source {
 public:
  explicit stream_in_memory(std::string bytes) : bytes_(std::move(bytes)) {}

  std::span<const std::byte> stream() const noexcept override { return std::as_bytes(std::span(bytes_)); }
  larder::detail::raw_array array(std::uint32_t, larder::dtype, larder::detail::result_kind) override {
    fail("no arrays here");
  }
  void elements(std::uint32_t, larder::dtype, const larder::detail::placement&) override {
    fail("no arrays here");
  }
  void take_memory(std::uint64_t) override {}
  void give_memory(std::uint64_t) noexcept override {}
  void require_all_used() const override {}
  const std::string& path() const noexcept override { return path_; }

 private:
  std::string bytes_;
  std::string path_ = "memory";
};

answer answer_in(const std::string& bytes) {
  stream_in_memory source(bytes);
  larder::detail::object_reader reader(source);
  answer read{};
  reader(read);
  reader.finish();
  return read;
}

}  // namespace

TEST_CASE("a struct without fields is stored") {
  const scratch_dir dir;
  larder::dump(std::map<int, nothing>{{1, {}}, {2, {}}}, dir / "x");
  CHECK(larder::load<std::map<int, nothing>>(dir / "x").size() == 2);
}

TEST_CASE("an enumeration of bools is read as a bool is") {
  CHECK(answer_in(std::string(1, '\0')) == answer::no);
  CHECK(answer_in("\1") == answer::yes);
  CHECK_THROWS_AS(answer_in("\7"), larder::format_error);
}
