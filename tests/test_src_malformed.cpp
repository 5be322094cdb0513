// Containers with one thing wrong: each check of the format is reached, and nothing wrong is ever returned.

#include <larder/load.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/container_bytes.hpp"
#include "tests/file_bytes.hpp"
#include "tests/npy_bytes.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/sole_array.hpp"

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::load;
using larder::mmap_mode;
using larder::verification;

namespace {

const std::vector<double> k_elements{1, 2, 3, 4, 5};
constexpr std::string_view k_metadata =
    R"({"function": "f", "arguments": ["a long one, and then another one"], "n": 1})";

container_bytes alone() {
  return container_bytes::made_of(npy_header("<f8", false, {5}) + bytes_of(k_elements), 128);
}
container_bytes with_metadata() {
  return container_bytes::made_of(npy_header("<f8", false, {5}) + bytes_of(k_elements), 128, k_metadata);
}

using codes = std::set<std::string>;

/// The code of the format_error that `action` throws for `path`, or "fine".
std::string code_of(const fs::path& path, const std::function<void()>& action) {
  try {
    action();
  } catch (const larder::format_error& e) {
    const std::string code(name(e.code()));
    CHECK(e.path() == path.string());
    CHECK_THAT(e.what(), ContainsSubstring(path.string()) && ContainsSubstring(code));
    return code;
  }
  return "fine";
}

/// What every way into the library says to a file of these bytes, where none reads more than it must.
codes structure_codes(const std::string& bytes) {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, bytes);
  codes found;
  const auto add = [&](const std::function<void()>& action) { found.insert(code_of(path, action)); };
  constexpr auto checked = verification::structure;
  add([&] { load<array<const double>>(path, {.mmap_mode = mmap_mode::none, .verification = checked}); });
  add([&] { load<array<const double>>(path, {.mmap_mode = mmap_mode::read, .verification = checked}); });
  add([&] { load<array<double>>(path, {.mmap_mode = mmap_mode::copy_on_write, .verification = checked}); });
  add([&] { load<std::vector<double>>(path, {.verification = checked}); });
  add([&] { larder::load_if_exists<array<double>>(path, {.verification = checked}); });
  add([&] { larder::inspect(path); });
  add([&] { larder::verify(path); });
  if (!found.contains("fine")) {
    add([&] { larder::reseal(path); });
    add([&] { load<array<double>>(path, {.mmap_mode = mmap_mode::read_write, .verification = checked}); });
  }
  CHECK(read_file(path) == bytes);
  return found;
}

struct damage {
  const char* what;
  std::function<void(container_bytes&)> make;
  codes allowed;
};

void check_damages(container_bytes (*original)(), const std::vector<damage>& damages) {
  REQUIRE(structure_codes(original().file()) == codes{"fine"});
  for (const auto& [what, make, allowed] : damages) {
    INFO(what);
    container_bytes file = original();
    make(file);
    REQUIRE(file.file() != original().file());
    for (const std::string& code : structure_codes(file.file())) {
      CAPTURE(code);
      CHECK(allowed.contains(code));
    }
  }
}

/// Sets a field of the trailer, the index or the first entry, and repairs the checksums over it.
template <class U>
std::function<void(container_bytes&)> in_trailer(std::size_t at, U value) {
  return [=](container_bytes& file) {
    file.set(file.trailer() + at, value);
    file.repair_trailer();
  };
}
template <class U>
std::function<void(container_bytes&)> in_index(std::size_t at, U value) {
  return [=](container_bytes& file) {
    file.set(file.index() + at, value);
    file.repair();
  };
}
template <class U>
std::function<void(container_bytes&)> in_entry(std::size_t segment, std::size_t at, U value) {
  return [=](container_bytes& file) {
    file.set(file.entry(segment) + at, value);
    file.repair();
  };
}

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

}  // namespace

TEST_CASE("each field of the trailer is checked") {
  const u64 index = alone().index();
  check_damages(
      alone, {{"index offset beyond the file", in_trailer(0, u64{1} << 60), {"E_INDEX_BOUNDS"}},
              {"index offset at its end", in_trailer(0, ~u64{0}), {"E_INDEX_BOUNDS"}},
              {"index offset a block too far", in_trailer(0, index + 64), {"E_INDEX_BOUNDS"}},
              {"index offset a block too near", in_trailer(0, index - 64), {"E_INDEX_BOUNDS"}},
              {"index length 0", in_trailer(8, u64{0}), {"E_INDEX_BOUNDS"}},
              {"index length a block too short", in_trailer(8, u64{64}), {"E_INDEX_BOUNDS"}},
              {"index length up to the end of the file", in_trailer(8, u64{192}), {"E_INDEX_BOUNDS"}},
              {"index length huge", in_trailer(8, ~u64{63}), {"E_INDEX_BOUNDS"}},
              {"index offset and length that agree by overflow",
               [](container_bytes& file) {
                 const u64 room = file.trailer();
                 file.set(file.trailer(), ~u64{63});
                 file.set(file.trailer() + 8, room + 64);
                 file.repair_trailer();
               },
               {"E_INDEX_BOUNDS"}},
              {"index that begins with its entry",
               [](container_bytes& file) {
                 file.set<u64>(file.trailer(), file.index() + 64);
                 file.set<u64>(file.trailer() + 8, 64);
                 file.set<u64>(file.trailer() + 16, XXH3_64bits(&file.file()[file.index() + 64], 64));
                 file.repair_trailer();
               },
               {"E_INDEX_BOUNDS", "E_INDEX_COUNT"}},
              {"index that begins within itself",
               [](container_bytes& file) {
                 file.set<u64>(file.trailer(), file.index() + 8);
                 file.set<u64>(file.trailer() + 8, 120);
                 file.set<u64>(file.trailer() + 16, XXH3_64bits(&file.file()[file.index() + 8], 120));
                 file.repair_trailer();
               },
               {"E_INDEX_BOUNDS", "E_INDEX_COUNT"}},
              {"index checksum", in_trailer(16, u64{1}), {"E_INDEX_CHECKSUM"}},
              {"file length too long", in_trailer(24, alone().file().size() + 64), {"E_FILELEN"}},
              {"file length too short", in_trailer(24, alone().file().size() - 1), {"E_FILELEN"}},
              {"file length 0", in_trailer(24, u64{0}), {"E_FILELEN"}},
              {"an incompatible flag", in_trailer(32, u32{1}), {"E_FEATURE"}},
              {"the last incompatible flag", in_trailer(32, u32{1} << 31), {"E_FEATURE"}},
              {"version 0", in_trailer(40, u16{0}), {"E_VERSION"}},
              {"version 2", in_trailer(40, u16{2}), {"E_VERSION"}},
              {"version 257", in_trailer(40, u16{257}), {"E_VERSION"}},
              {"a state of neither kind", in_trailer(44, u32{1}), {"E_STATE"}},
              {"a state in lower case",
               [](container_bytes& file) { file.set_text(file.trailer() + 44, "drty"); },
               {"E_STATE"}},
              {"trailer checksum",
               [](container_bytes& file) { file.flip(8 * (file.trailer() + 48)); },
               {"E_TRAILER_CHECKSUM"}},
              {"a field under the checksum",
               [](container_bytes& file) { file.flip(8 * (file.trailer() + 42)); },
               {"E_TRAILER_CHECKSUM"}},
              {"magic", [](container_bytes& file) { file.flip(8 * (file.trailer() + 63)); }, {"E_TRAILER"}},
              {"line end of the magic",
               [](container_bytes& file) { file.set_text(file.trailer() + 56, "\n\nLRDEND"); },
               {"E_TRAILER"}}});
}

TEST_CASE("each field of the index head is checked") {
  const u64 index = alone().index();
  std::vector<damage> damages = {
      {"magic", in_index(0, u8{'l'}), {"E_INDEX_BOUNDS"}},
      {"count 0", in_index(8, u32{0}), {"E_INDEX_COUNT"}},
      {"count 2", in_index(8, u32{2}), {"E_INDEX_COUNT"}},
      {"count huge", in_index(8, ~u32{0}), {"E_INDEX_COUNT"}},
      {"count that is right modulo 2^26", in_index(8, (u32{1} << 26) + 1), {"E_INDEX_COUNT"}},
      {"entry size 0", in_index(12, u32{0}), {"E_INDEX_COUNT", "E_RESERVED"}},
      {"entry size 128", in_index(12, u32{128}), {"E_INDEX_COUNT", "E_RESERVED"}},
      {"a fingerprint without an object", in_index(16, u64{1} << 63), {"E_RESERVED", "E_OBJECT"}},
      {"a schema without an object", in_index(24, u32{1}), {"E_RESERVED", "E_OBJECT"}},
      {"own offset", in_index(32, index + 64), {"E_INDEX_BOUNDS"}},
      {"own offset 0", in_index(32, u64{0}), {"E_INDEX_BOUNDS"}},
      {"a bit without repair",
       [](container_bytes& file) { file.flip(8 * file.index() + 70); },
       {"E_INDEX_CHECKSUM"}}};
  for (const std::size_t at : {28U, 29U, 30U, 31U, 40U, 47U, 48U, 55U, 56U, 63U}) {
    damages.push_back({"unused bytes", in_index(at, u8{1}), {"E_RESERVED"}});
  }
  check_damages(alone, damages);
}

TEST_CASE("each field of an array's index entry is checked") {
  std::vector<damage> damages = {
      {"offset a block further",
       in_entry(0, 0, u64{64}),
       {"E_SEG_HOLE", "E_SEG_BOUNDS", "E_SEG_SIZE", "E_KIND"}},
      {"offset 1", in_entry(0, 0, u64{1}), {"E_ALIGN", "E_SEG_HOLE", "E_SEG_BOUNDS", "E_SEG_SIZE"}},
      {"offset huge", in_entry(0, 0, u64{1} << 63), {"E_SEG_HOLE", "E_SEG_BOUNDS", "E_SEG_SIZE", "E_KIND"}},
      {"offset that overflows",
       in_entry(0, 0, ~u64{63}),
       {"E_SEG_HOLE", "E_SEG_BOUNDS", "E_SEG_SIZE", "E_KIND"}},
      {"stored length", in_entry(0, 8, u64{169}), {"E_SEG_SIZE", "E_SEG_BOUNDS"}},
      {"stored length 0", in_entry(0, 8, u64{0}), {"E_SEG_SIZE", "E_SEG_BOUNDS", "E_SEG_HOLE"}},
      {"raw length", in_entry(0, 16, u64{160}), {"E_SEG_SIZE"}},
      {"both lengths a byte too short",
       [](container_bytes& file) {
         file.set(file.entry(0) + 8, u64{167});
         file.set(file.entry(0) + 16, u64{167});
         file.repair_digest(0);
         file.repair();
       },
       {"E_SEG_SIZE", "E_PADDING"}},
      {"both lengths a byte too long",
       [](container_bytes& file) {
         file.set(file.entry(0) + 8, u64{169});
         file.set(file.entry(0) + 16, u64{169});
         file.repair_digest(0);
         file.repair();
       },
       {"E_SEG_SIZE"}},
      {"both lengths into the index",
       [](container_bytes& file) {
         file.set(file.entry(0) + 8, u64{200});
         file.set(file.entry(0) + 16, u64{200});
         file.repair();
       },
       {"E_SEG_SIZE", "E_SEG_BOUNDS"}},
      {"both lengths huge",
       [](container_bytes& file) {
         file.set(file.entry(0) + 8, ~u64{0});
         file.set(file.entry(0) + 16, ~u64{0});
         file.repair();
       },
       {"E_SEG_SIZE", "E_SEG_BOUNDS"}},
      {"header length 0", in_entry(0, 24, u32{0}), {"E_NPY_HDRSIZE", "E_NPY_HEADER", "E_SEG_SIZE"}},
      {"header length 64", in_entry(0, 24, u32{64}), {"E_NPY_HDRSIZE", "E_NPY_HEADER", "E_SEG_SIZE"}},
      {"header length 192", in_entry(0, 24, u32{192}), {"E_NPY_HDRSIZE", "E_NPY_HEADER", "E_SEG_SIZE"}},
      {"header length huge", in_entry(0, 24, ~u32{63}), {"E_NPY_HDRSIZE", "E_NPY_HEADER", "E_SEG_SIZE"}},
      {"kind 0", in_entry(0, 28, u8{0}), {"E_KIND"}},
      {"kind 4", in_entry(0, 28, u8{4}), {"E_KIND"}},
      {"kind 255", in_entry(0, 28, u8{255}), {"E_KIND"}},
      {"kind object", in_entry(0, 28, u8{2}), {"E_KIND", "E_OBJECT", "E_SEG_SIZE"}},
      {"kind metadata", in_entry(0, 28, u8{3}), {"E_KIND", "E_SEG_SIZE"}},
      {"codec zstd", in_entry(0, 29, u8{1}), {"E_CODEC", "E_KIND"}},
      {"codec 2", in_entry(0, 29, u8{2}), {"E_CODEC"}},
      {"codec 255", in_entry(0, 29, u8{255}), {"E_CODEC"}},
      {"check 1", in_entry(0, 30, u8{1}), {"E_RESERVED"}},
      {"check 3", in_entry(0, 30, u8{3}), {"E_RESERVED"}},
      {"no check and yet a digest", in_entry(0, 30, u8{0}), {"E_RESERVED"}},
      {"flags", in_entry(0, 31, u8{1}), {"E_RESERVED"}},
      {"extended dtype of another size", in_entry(0, 48, u32{1}), {"E_DTYPE"}},
      {"extended dtype 2", in_entry(0, 48, u32{2}), {"E_DTYPE"}},
      {"alignment 5", in_entry(0, 52, u32{5}), {"E_ALIGN"}},
      {"alignment 22", in_entry(0, 52, u32{22}), {"E_ALIGN"}},
      {"alignment that the data do not have", in_entry(0, 52, u32{12}), {"E_ALIGN"}},
      {"alignment beyond a shift", in_entry(0, 52, u32{64}), {"E_ALIGN"}},
      {"alignment huge", in_entry(0, 52, ~u32{0}), {"E_ALIGN"}},
  };
  for (std::size_t at = 56; at < 64; ++at) {
    damages.push_back({"unused bytes", in_entry(0, at, u8{128}), {"E_RESERVED"}});
  }
  check_damages(alone, damages);
}

TEST_CASE("the bytes between the parts are zero") {
  check_damages(
      alone,
      {{"the first after the data", [](container_bytes& file) { file.flip(8 * 168); }, {"E_PADDING"}},
       {"the last before the index", [](container_bytes& file) { file.flip(8 * 191); }, {"E_PADDING"}}});
  check_damages(with_metadata,
                {{"after the data", [](container_bytes& file) { file.flip(8 * 190); }, {"E_PADDING"}},
                 {"after the metadata",
                  [](container_bytes& file) { file.flip(8 * (file.index() - 1)); },
                  {"E_PADDING"}}});
}

TEST_CASE("a metadata segment lies after the array and is whole") {
  const u64 at = with_metadata().get<u64>(with_metadata().entry(1));
  const u64 length = k_metadata.size();
  REQUIRE(length > 64);
  check_damages(
      with_metadata,
      {{"before the array", in_entry(1, 0, u64{0}), {"E_SEG_BOUNDS", "E_SEG_HOLE", "E_KIND"}},
       {"within the array", in_entry(1, 0, u64{128}), {"E_SEG_BOUNDS", "E_SEG_HOLE"}},
       {"behind a hole",
        [=](container_bytes& file) {
          file.set<u64>(file.entry(1), at + 64);
          file.set<u64>(file.entry(1) + 8, length - 64);
          file.set<u64>(file.entry(1) + 16, length - 64);
          file.file().replace(at, 64, std::string(64, '\0'));
          file.repair_digest(1);
          file.repair();
        },
        {"E_SEG_HOLE"}},
       {"not aligned",
        [=](container_bytes& file) {
          file.set<u64>(file.entry(1), at + 1);
          file.set<u64>(file.entry(1) + 8, length - 1);
          file.set<u64>(file.entry(1) + 16, length - 1);
          file.repair_digest(1);
          file.repair();
        },
        {"E_ALIGN", "E_PADDING"}},
       {"into the index",
        [=](container_bytes& file) {
          file.set<u64>(file.entry(1) + 8, length + 100);
          file.set<u64>(file.entry(1) + 16, length + 100);
          file.repair_digest(1);
          file.repair();
        },
        {"E_SEG_BOUNDS", "E_SEG_SIZE", "E_SEG_HOLE"}},
       {"of a length that overflows",
        [=](container_bytes& file) {
          file.set<u64>(file.entry(1) + 8, ~u64{0} - at);
          file.set<u64>(file.entry(1) + 16, ~u64{0} - at);
          file.repair();
        },
        {"E_SEG_BOUNDS", "E_SEG_SIZE", "E_BOMB"}},
       {"too short",
        [=](container_bytes& file) {
          file.set<u64>(file.entry(1) + 8, length - 1);
          file.set<u64>(file.entry(1) + 16, length - 1);
          file.repair_digest(1);
          file.repair();
        },
        {"E_PADDING"}},
       {"with an NPY header", in_entry(1, 24, u32{64}), {"E_SEG_SIZE", "E_RESERVED", "E_NPY_HDRSIZE"}},
       {"that is a second array",
        in_entry(1, 28, u8{1}),
        {"E_KIND", "E_NPY_HEADER", "E_NPY_HDRSIZE", "E_SEG_SIZE"}},
       {"that is an object", in_entry(1, 28, u8{2}), {"E_KIND", "E_OBJECT"}},
       {"without a check", in_entry(1, 30, u8{0}), {"E_RESERVED"}},
       {"of another alignment", in_entry(1, 52, u32{7}), {"E_ALIGN"}},
       {"of another digest", in_entry(1, 40, u64{7}), {"E_SEG_CHECKSUM"}},
       {"entries in the wrong order",
        [](container_bytes& file) {
          const std::string first = file.text(file.entry(0), 64);
          file.set_text(file.entry(0), file.text(file.entry(1), 64));
          file.set_text(file.entry(1), first);
          file.repair();
        },
        {"E_KIND", "E_SEG_HOLE", "E_SEG_BOUNDS"}},
       {"one entry twice",
        [](container_bytes& file) {
          file.set_text(file.entry(1), file.text(file.entry(0), 64));
          file.repair();
        },
        {"E_KIND", "E_SEG_HOLE", "E_SEG_BOUNDS"}}});
}

TEST_CASE("a later minor version and unknown compatible flags are no obstacle") {
  for (const auto& change : {in_trailer(42, u16{7}), in_trailer(36, ~u32{0}), in_entry(0, 52, u32{7})}) {
    container_bytes file = alone();
    change(file);
    REQUIRE(file.file() != alone().file());
    CHECK(structure_codes(file.file()) == codes{"fine"});
  }
}

TEST_CASE("an array that was created without a digest is loaded as it is") {
  container_bytes file = alone();
  file.set(file.entry(0) + 30, u8{0});
  file.set(file.entry(0) + 32, u64{0});
  file.set(file.entry(0) + 40, u64{0});
  file.repair();
  CHECK(structure_codes(file.file()) == codes{"fine"});
  scratch_dir dir;
  write_file(dir / "a.npy", file.file());
  CHECK_FALSE(sole_digest(larder::inspect(dir / "a.npy")).has_value());
  CHECK(load<std::vector<double>>(dir / "a.npy") == k_elements);
  CHECK(load<array<const double>>(dir / "a.npy")(4) == 5);
}

TEST_CASE("an NPY header in a container is the one that NumPy writes") {
  const auto code_with = [](const std::string& header) {
    return structure_codes(container_bytes::made_of(header + bytes_of(k_elements), header.size()).file());
  };
  const std::string text = npy_dictionary("<f8", false, {5});
  REQUIRE(code_with(npy_around(text)) == codes{"fine"});
  for (const std::string& header : {
           npy_around(npy_dictionary(">f8", false, {5})),
           npy_around("{'descr': '<f8', 'fortran_order': False, 'shape': (5,)}"),
           npy_around("{'shape': (5,), 'descr': '<f8', 'fortran_order': False}"),
           npy_around("{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (5,), }"),
           npy_around("{'descr': '<f8', 'fortran_order': False, 'shape': (05,), }" + std::string(20, ' ')),
           npy_around(text + std::string(64, ' ')),
       }) {
    CAPTURE(header.substr(10));
    CHECK(code_with(header) == codes{"E_NPY_HEADER"});
  }
  for (const char major : {'\2', '\3'}) {
    for (const std::string& code : code_with(npy_around(text, major))) {
      CAPTURE(code);
      CHECK(codes{"E_NPY_HEADER", "E_NPY_VERSION"}.contains(code));
    }
  }
}

TEST_CASE("Fortran order is claimed in a container only where NumPy claims it") {
  // One dimension is in both orders, and NumPy says False then: else equal content had two digests.
  const std::string header = npy_header("<f8", true, {5});
  CHECK(structure_codes(container_bytes::made_of(header + bytes_of(k_elements), 128).file()) ==
        codes{"E_NPY_HEADER"});
}

TEST_CASE("a flipped bit of the shape that ends the data with the file is found by the trailer") {
  // 184 bytes and everything behind them are 384.
  const std::vector<u8> elements(184, 7);
  container_bytes file = container_bytes::made_of(npy_header("|u1", false, {184}) + bytes_of(elements), 128);
  REQUIRE(file.file().size() == 128 + 384);
  const std::size_t digit = file.file().find("184");
  file.flip(8 * digit + 1);
  REQUIRE(file.text(digit, 3) == "384");
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, file.file());
  using bytes = array<const u8>;
  CHECK(code_of(path, [&] { load<bytes>(path); }) == "E_TRAILER");
  CHECK(code_of(path, [&] { load<bytes>(path, {.mmap_mode = mmap_mode::none}); }) == "E_TRAILER");
  CHECK(code_of(path, [&] { load<bytes>(path, {.verification = verification::structure}); }) == "E_TRAILER");
  CHECK(code_of(path, [&] { larder::inspect(path); }) == "E_TRAILER");
  CHECK(code_of(path, [&] { larder::verify(path); }) == "E_TRAILER");
  CHECK(code_of(path, [&] { larder::reseal(path); }) == "E_TRAILER");
}

TEST_CASE("a shape that disagrees with the index is refused") {
  for (const char* shape : {"(4,)", "(6,)", "(0,)"}) {
    container_bytes file = alone();
    file.set_text(file.file().find("(5,)"), shape);
    file.repair_digest(0);
    file.repair();
    for (const std::string& code : structure_codes(file.file())) {
      CAPTURE(shape, code);
      CHECK(codes{"E_SEG_SIZE", "E_SEG_BOUNDS"}.contains(code));
    }
  }
}

TEST_CASE("a damaged digest is found where the data are read") {
  for (const std::size_t at : {32U, 39U, 40U, 47U}) {
    container_bytes file = alone();
    file.flip(8 * (file.entry(0) + at));
    file.repair();
    scratch_dir dir;
    const auto path = dir / "a.npy";
    write_file(path, file.file());
    CHECK(code_of(path, [&] { load<array<const double>>(path); }) == "E_SEG_CHECKSUM");
    CHECK(code_of(path, [&] { load<array<double>>(path, {.mmap_mode = mmap_mode::none}); }) ==
          "E_SEG_CHECKSUM");
    CHECK(code_of(path, [&] { larder::verify(path); }) == "E_SEG_CHECKSUM");
  }
}

TEST_CASE("every flipped bit is refused or changes nothing") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  std::size_t refused = 0;
  std::size_t unharmed = 0;
  for (const container_bytes& original : {alone(), with_metadata()}) {
    write_file(path, original.file());
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    const auto try_loading = [&](auto loader) {
      try {
        const auto found = loader();
        ++unharmed;
        if (std::vector<double>(found.begin(), found.end()) == k_elements) return true;
      } catch (const larder::format_error& e) {
        ++refused;
        return std::string_view(e.what()).find(name(e.code())) != std::string_view::npos;
      }
      return false;
    };
    for (std::size_t bit = 0; bit < 8 * original.file().size(); ++bit) {
      const char changed = static_cast<char>(original.file()[bit / 8] ^ (1 << (bit % 8)));
      const auto at = static_cast<off_t>(bit / 8);
      bool sound = ::pwrite(fd, &changed, 1, at) == 1;
      sound = sound && try_loading([&] { return load<std::vector<double>>(path); });
      sound = sound && try_loading([&] {
                const auto a = load<array<const double>>(path);
                return std::vector<double>(a.flat().begin(), a.flat().end());
              });
      sound = sound && try_loading([&] {
                larder::verify(path);
                return k_elements;
              });
      sound = sound && ::pwrite(fd, &original.file()[bit / 8], 1, at) == 1;
      if (!sound) FAIL_CHECK("bit " << bit % 8 << " of byte " << bit / 8);
    }
    ::close(fd);
    CHECK(load<std::vector<double>>(path) == k_elements);
  }
  CHECK(refused > 0);
  CHECK(unharmed == 0);  // every byte of these files is under some check
}

TEST_CASE("every truncation is refused or leaves the whole array") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  for (const container_bytes& original : {alone(), with_metadata()}) {
    for (std::size_t size = 0; size < original.file().size(); ++size) {
      write_file(path, std::string_view(original.file()).substr(0, size));
      for (const auto mode : {mmap_mode::none, mmap_mode::read}) {
        const std::string code = code_of(path, [&] {
          const auto a = load<array<const double>>(path, {.mmap_mode = mode});
          CHECK(std::vector<double>(a.flat().begin(), a.flat().end()) == k_elements);
        });
        CAPTURE(size, code);
        CHECK((code != "fine") == (size != 168));  // the end of the data: a plain file
        if (size == 0) CHECK(code == "E_EMPTY");
        if (size > 8 && size < 168) CHECK(code == "E_TRUNCATED");
        if (size > 168) CHECK(code == "E_TRAILER");
      }
    }
  }
}

TEST_CASE("bytes after the trailer are refused") {
  for (const std::size_t more : {1U, 63U, 64U, 65U, 4096U}) {
    for (const std::string& code : structure_codes(alone().file() + std::string(more, '\0'))) {
      CHECK(code == "E_TRAILER");
    }
  }
  // Two containers, one after the other.
  for (const std::string& code : structure_codes(alone().file() + alone().file())) CHECK(code == "E_FILELEN");
}

TEST_CASE("a container with a head is refused without a trailer or where the head is wrong") {
  using namespace std::string_literals;
  std::string head = "\xD3LRD\r\n\x1A\n"s + std::string(56, '\0');
  head[8] = 1;
  const auto with_checksum = [](std::string bytes) {
    const u64 checksum = XXH3_64bits(bytes.data(), 56);
    return bytes.substr(0, 56) + bytes_of(std::vector<u64>{checksum});
  };
  const std::string rest(256, '\0');
  CHECK(structure_codes(with_checksum(head) + rest) == codes{"E_TRAILER"});
  CHECK(structure_codes(head + rest) == codes{"E_HEAD_CHECKSUM"});
  CHECK(structure_codes(head.substr(0, 63)) == codes{"E_TRUNCATED"});
  head[8] = 2;
  for (const std::string& code : structure_codes(with_checksum(head) + rest)) {
    CHECK(codes{"E_VERSION", "E_TRAILER"}.contains(code));
  }
}

TEST_CASE("a container that is closed against writing is not mapped for writing") {
  scratch_dir dir;
  const auto path = dir / "a.npy";
  write_file(path, with_metadata().file());
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  CHECK_THROWS_AS(load<array<double>>(path, {.mmap_mode = mmap_mode::read_write}), larder::error);
  CHECK(read_file(path) == with_metadata().file());
  CHECK(load<array<double>>(path)(0) == 1);
}
