// Sizes as people write them.

#include <larder/error.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include "src/byte_size.hpp"
#include "tests/catch.hpp"

using Catch::Matchers::ContainsSubstring;
using larder::detail::byte_size;

TEST_CASE("a size may have a unit, a power of 1024") {
  const auto [text, bytes] =
      GENERATE(as<std::pair<std::string, std::uint64_t>>(), std::pair("0", 0), std::pair("123", 123),
               std::pair("123B", 123), std::pair("2K", 2048), std::pair("2k", 2048), std::pair("2kb", 2048),
               std::pair("2 KiB", 2048), std::pair("1.5M", 1572864), std::pair("1.5 mib", 1572864),
               std::pair("0.5K", 512), std::pair("0.0001K", 0), std::pair("10G", std::uint64_t{10} << 30),
               std::pair("10 GiB", std::uint64_t{10} << 30), std::pair("3TB", std::uint64_t{3} << 40),
               std::pair("0000000000000000000000001K", 1024));
  INFO(text);
  CHECK(byte_size(text, "limit") == bytes);
}

TEST_CASE("a size is exact to its last byte, however large") {
  CHECK(byte_size("9007199254740993", "limit") == 9007199254740993);  // no double
  CHECK(byte_size("18446744073709551615", "limit") == 18446744073709551615U);
  CHECK(byte_size("16777215.5T", "limit") == (std::uint64_t{33554431} << 39));
  CHECK(byte_size("18014398509481983.999K", "limit") == 18446744073709551614U);
}

TEST_CASE("what is no size is refused with the option, the value and what is allowed") {
  const std::string text =
      GENERATE("", " ", "K", "ten", "-1", "+1", "-0", "1e9", "0x10", "1..5K", "1.K", ".5K", "1.5.5K", "1,5K",
               "1 0K", "1Ki", "1KBB", "1P", "1K ", " 1K", "1\tK", "inf", "nan", "1.infK",
               "18446744073709551616", "16777216T", "99999999999999999999G");
  INFO(text);
  CHECK_THROWS_AS(byte_size(text, "limit"), larder::value_error);
  CHECK_THROWS_WITH(byte_size(text, "limit"), ContainsSubstring("limit = \"" + text + "\"") &&
                                                  ContainsSubstring("\"500K\"") && ContainsSubstring("1024"));
}
