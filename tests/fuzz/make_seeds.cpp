// make_seeds FOLDER: writes the first inputs of the targets: FOLDER/index, FOLDER/whole_file, FOLDER/object_stream,
// FOLDER/npy_header. For when the format or fuzz::rich has changed.

#include <larder/dump.hpp>
#include <larder/load.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/file_bytes.hpp"
#include "tests/fuzz/rich_value.hpp"
#include "tests/npy_bytes.hpp"

namespace fs = std::filesystem;
using larder::array;

namespace {

array<double> some_array() {
  array<double> a({2, 3});
  a.fill(0.5);
  return a;
}

fuzz::rich everything() {
  fuzz::rich v;
  const array<double> a = some_array();
  v.arrays = {{"a", a}, {"b", a}};
  v.writable = {a, array<double>({2})};
  v.vectors = {{1, 2, 3}, {}};
  v.by_number = {{1, "one"}, {2, std::string(40, 'x')}};
  v.bag = {"a", "a", "b"};
  v.flags = {{1, true}, {1, false}};
  v.numbers = {1.5, 2.5};
  v.unordered = {1, 2, 3};
  v.variants = {std::monostate(), std::int32_t{7}, std::string("text"), std::vector<bool>{true, false},
                fuzz::leaf{1, true, "leaf"}};
  v.texts = {"one", "two"};
  v.root.left = std::make_unique<fuzz::tree>();
  v.root.value = v.root.left->value = std::make_shared<fuzz::leaf>();
  const auto name = std::make_shared<const std::string>("name");
  const auto last = std::make_shared<fuzz::link>(fuzz::link{nullptr, name});
  v.links = {std::make_shared<fuzz::link>(fuzz::link{last, name}), last, nullptr};
  v.versions = {fuzz::versioned{1, {1, 2}}, std::nullopt};
  v.queues = {{'a', 'b'}, {}};
  v.times = {std::chrono::milliseconds(5)};
  v.colours = {{1, 2, 3}};
  v.bytes = {'x'};
  v.nothing.resize(2);
  v.pointers.emplace_back().insert(std::make_unique<std::uint8_t>(std::uint8_t{1}));
  return v;
}

/// Its stream, with arrays in the segments 0 and on.
template <class T>
std::string stream_of(const T& value) {
  larder::detail::object_writer writer(larder::type_text<T>());
  writer(value);
  return std::string(writer.stream());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_seeds FOLDER\n", stderr);
    return 2;
  }
  const fs::path folder = argv[1];
  for (const char* target : {"index", "whole_file", "object_stream", "npy_header"}) {
    fs::create_directories(folder / target);
  }
  const auto add_header = [&](const char* name, const std::string& bytes) {
    write_file(folder / "npy_header" / name, bytes);
  };
  add_header("v1", npy_header("<f8", false, {3, 4}));
  add_header("v2", npy_around("{'descr': '>i2', 'fortran_order': True, 'shape': (5L,), }", '\2'));
  add_header("v3", npy_around("{'shape': (), 'fortran_order': False, 'descr': '|u1'}", '\3'));

  write_file(folder / "object_stream" / "everything", stream_of(everything()));
  write_file(folder / "object_stream" / "nothing", stream_of(fuzz::rich()));

  const auto add_file = [&](const std::string& name, const auto& value, const larder::dump_options& options) {
    larder::dump(value, folder / "whole_file" / name, options);
    fs::copy_file(folder / "whole_file" / name, folder / "index" / name,
                  fs::copy_options::overwrite_existing);
  };
  add_file("array", some_array(), {});
  add_file("array_plain", some_array(), {.bare_npy = true});
  add_file("array_zstd", some_array(), {.compress = 1});
  const std::map<std::string, array<const double>> arrays = {{"a", some_array()}, {"b", array<double>({0})}};
  add_file("map", arrays, {});
  add_file("map_zstd", arrays, {.compress = 1});
  add_file("rich", everything(), {});
  add_file("rich_zstd", everything(), {.compress = 1});
  return 0;
}
