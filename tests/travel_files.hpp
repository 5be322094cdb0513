#pragma once
// What travels, by way of files in a directory: from any process to any other of the same program.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include <fcntl.h>

#include <larder/detail/travel.hpp>
#include <larder/dump.hpp>
#include <larder/load.hpp>

#include "src/descriptor.hpp"
#include "src/value_file.hpp"
#include "tests/scratch_dir.hpp"

class files_writer final : public larder::detail::travel_writer {
 public:
  /// To a directory without such files.
  explicit files_writer(std::filesystem::path dir) : dir_(std::move(dir)) {}

  void bytes(const void* data, std::size_t count) override {
    bytes_.write(static_cast<const char*>(data), static_cast<std::streamsize>(count)).flush();
  }
  larder::detail::value_sink& value() override {
    path_ = dir_ / std::to_string(values_++);
    return sink_.emplace(path_, options_);
  }

 private:
  std::filesystem::path dir_;
  std::ofstream bytes_{dir_ / "bytes", std::ios::binary};
  int values_ = 0;
  std::filesystem::path path_;
  larder::dump_options options_;
  std::optional<larder::detail::dump_sink> sink_;
};

class files_reader final : public larder::detail::travel_reader {
 public:
  explicit files_reader(std::filesystem::path dir) : dir_(std::move(dir)) {}

  void bytes(void* data, std::size_t count) override {
    bytes_.read(static_cast<char*>(data), static_cast<std::streamsize>(count));
    if (!bytes_) throw std::out_of_range("no more bytes");
  }
  larder::detail::value_source& value() override {
    // Whether it is an array can be seen from the name that dump gives it in its first bytes.
    const std::string path = dir_ / std::to_string(values_++);
    std::ifstream file(path, std::ios::binary);
    const bool is_array = file.get() == 0x93;  // as .npy begins
    const auto object = is_array ? larder::detail::object_demand::check : larder::detail::object_demand::keep;
    return value_.emplace(larder::detail::descriptor::open(path, O_RDONLY), options_, object);
  }

 private:
  std::filesystem::path dir_;
  std::ifstream bytes_{dir_ / "bytes", std::ios::binary};
  int values_ = 0;
  larder::load_options options_;
  std::optional<larder::detail::value_file> value_;
};

template <class T>
void send(const T& value, const std::filesystem::path& dir) {
  files_writer to(dir);
  larder::detail::write_travelling(value, to);
}
template <class T>
T receive(const std::filesystem::path& dir) {
  files_reader from(dir);
  std::optional<T> value;
  larder::detail::read_travelling(from, value);
  return *std::move(value);
}
/// What came of it.
template <class T>
T travelled(const T& value) {
  const scratch_dir dir;
  send(value, dir.path());
  return receive<T>(dir.path());
}
