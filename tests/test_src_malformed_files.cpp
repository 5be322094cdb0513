// The files of tests/data/malformed, one wrong thing each: every way of reading them that can find it gives the code and
// the text that the manifest names.

#include <larder/load.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::mmap_mode;
using larder::verification;

namespace {

struct nested {
  std::unique_ptr<nested> inner;
  LARDER_FIELDS(inner)
};
struct linked {
  std::shared_ptr<linked> next;
  LARDER_FIELDS(next)
};

}  // namespace

template <>
inline constexpr std::string_view larder::type_name<nested> = "nested";
template <>
inline constexpr std::string_view larder::type_name<linked> = "linked";

namespace {

const fs::path k_folder = fs::path(LARDER_TEST_DATA) / "malformed";

struct malformed_file {
  std::string name;
  std::string type;
  std::string code;
  std::string found_by;
  std::string text;
};

std::vector<malformed_file> read_manifest() {
  std::vector<malformed_file> files;
  std::ifstream in(k_folder / "manifest.txt");
  for (std::string line; std::getline(in, line);) {
    malformed_file& f = files.emplace_back();
    std::istringstream fields(line);
    for (std::string* field : {&f.name, &f.type, &f.code, &f.found_by, &f.text})
      std::getline(fields, *field, '\t');
  }
  return files;
}

using way = std::pair<std::string, std::function<void(const fs::path&)>>;

/// All ways of loading a T, but for those that are value_errors: modes that its arrays cannot have.
template <class T>
std::vector<way> ways_to_load(std::initializer_list<std::optional<mmap_mode>> modes) {
  std::vector<way> ways;
  for (const auto mode : modes) {
    for (const auto check : {verification::automatic, verification::full}) {
      const std::string name = std::string(mode == mmap_mode::none            ? "none"
                                           : mode == mmap_mode::read          ? "read"
                                           : mode == mmap_mode::copy_on_write ? "copy_on_write"
                                                                              : "default") +
                               (check == verification::full ? ", full" : ", automatic");
      ways.emplace_back(name, [=](const fs::path& path) {
        larder::load<T>(path, {.mmap_mode = mode, .verification = check, .max_bytes = 64 << 20});
      });
    }
  }
  ways.emplace_back("if it exists", [](const fs::path& path) { larder::load_if_exists<T>(path); });
  return ways;
}

std::vector<way> ways_to_load(const std::string& type, bool compressed) {
  if (type == "array<f64>") {
    std::vector<way> ways = ways_to_load<std::vector<double>>({std::nullopt, mmap_mode::none});
    const auto add = [&ways](const std::vector<way>& more) {
      ways.insert(ways.end(), more.begin(), more.end());
    };
    add(ways_to_load<array<const double>>({std::nullopt, mmap_mode::none}));
    add(ways_to_load<array<double>>({std::nullopt, mmap_mode::none}));
    if (compressed) return ways;
    add(ways_to_load<array<const double>>({mmap_mode::read, mmap_mode::copy_on_write}));
    add(ways_to_load<array<double>>({mmap_mode::copy_on_write}));
    return ways;
  }
  const std::initializer_list<std::optional<mmap_mode>> modes = {std::nullopt, mmap_mode::none};
  if (type == "map<string,array<f64>>") {
    std::vector<way> ways = ways_to_load<std::map<std::string, array<const double>>>(modes);
    for (const auto& each : ways_to_load<std::map<std::string, array<double>>>(modes)) ways.push_back(each);
    return ways;
  }
  if (type == "optional<string>") return ways_to_load<std::optional<std::string>>(modes);
  if (type == "variant<i32,string>") return ways_to_load<std::variant<std::int32_t, std::string>>(modes);
  if (type == "vector<monostate>") return ways_to_load<std::vector<std::monostate>>(modes);
  if (type == "pair<array<f64>,array<f64>>")
    return ways_to_load<std::pair<std::vector<double>, std::vector<double>>>(modes);
  if (type == "nested") return ways_to_load<nested>(modes);
  if (type == "vector<shared_ptr<linked>>") return ways_to_load<std::vector<std::shared_ptr<linked>>>(modes);
  if (type == "tuple<shared_ptr<i32>,shared_ptr<u32>>") {
    return ways_to_load<std::tuple<std::shared_ptr<std::int32_t>, std::shared_ptr<std::uint32_t>>>(modes);
  }
  return {};
}

}  // namespace

TEST_CASE("each malformed file is refused with its code, by every way of reading that sees the fault") {
  const std::vector<malformed_file> files = read_manifest();
  REQUIRE(files.size() > 100);
  std::set<std::string> codes;
  for (const malformed_file& file : files) {
    CAPTURE(file.name);
    codes.insert(file.code);
    const scratch_dir dir;
    const fs::path path = dir / file.name;
    const std::string before = read_file(k_folder / file.name);
    write_file(path, before);
    const auto refused = [&](const way& each) {
      CAPTURE(each.first);
      try {
        each.second(path);
        FAIL_CHECK("not refused");
      } catch (const larder::format_error& e) {
        CHECK(std::string(name(e.code())) == file.code);
        CHECK(e.path() == path.string());
        CHECK_THAT(e.what(), ContainsSubstring(path.string()) && ContainsSubstring(file.code) &&
                                 ContainsSubstring(file.text));
        CHECK((dynamic_cast<const larder::type_mismatch*>(&e) != nullptr) == (file.code == "E_TYPE"));
      } catch (const larder::error& e) {
        FAIL_CHECK(e.what());
      }
    };
    const bool compressed = before.size() > 4 && before.find("\x28\xb5\x2f\xfd") != std::string::npos;
    const std::vector<way> ways = ways_to_load(file.type, compressed);
    CHECK_FALSE(ways.empty());
    for (const way& each : ways) refused(each);

    const way inspecting{"inspect", [](const fs::path& p) { larder::inspect(p); }};
    const way verifying{"verify", [](const fs::path& p) { larder::verify(p); }};
    const way converting{"convert",
                         [](const fs::path& p) { larder::convert(p, p.parent_path() / "converted"); }};
    if (file.found_by == "structure") {
      refused(inspecting);
    } else {
      CHECK_NOTHROW(larder::inspect(path));
    }
    if (file.found_by == "values") {
      CHECK_NOTHROW(larder::verify(path));
    } else {
      refused(verifying);
      refused(converting);
    }
    if (file.found_by == "structure") refused({"reseal", [](const fs::path& p) { larder::reseal(p); }});
    CHECK(read_file(path) == before);
  }

  std::set<std::string> all;
  for (int code = 0; code <= static_cast<int>(larder::format_code::type); ++code) {
    all.emplace(name(static_cast<larder::format_code>(code)));
  }
  CHECK(codes == all);
}
