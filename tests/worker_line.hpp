#pragma once
// Arguments on their way to a worker, without a pool, and arrays that go along it.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/mmap_mode.hpp>

#include "parallel/argument_writer.hpp"
#include "parallel/file_sender.hpp"
#include "parallel/file_table.hpp"
#include "parallel/message_reader.hpp"
#include "tests/catch.hpp"

/// The way of arguments to a worker, which is this process, too, or a child of it.
class worker_line {
 public:
  /// As max_nbytes: no array is mapped.
  static constexpr std::uint64_t k_map_none = std::numeric_limits<std::uint64_t>::max();

  explicit worker_line(larder::mmap_mode mode = larder::mmap_mode::read, std::uint64_t max_nbytes = 1'000'000,
                       std::string temp_folder = {})
      : writer_({max_nbytes, mode, std::move(temp_folder)}) {}
  ~worker_line() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  template <class T>
  larder::detail::outgoing_message write(const T& value) {
    writer_.drop();
    larder::detail::write_travelling(value, writer_);
    return writer_.take();
  }
  void send_files(const larder::detail::outgoing_message& message) {
    sender_.send(message.files);
    for (const auto id : sender_.take_forgotten()) table_.forget(id);
  }
  template <class T>
  T read(const std::string& bytes) {
    larder::detail::message_reader from(nullptr, std::as_bytes(std::span(bytes)), k_map_none, received_,
                                        &table_);
    std::optional<T> value;
    larder::detail::read_travelling(from, value);
    from.finish();
    return *std::move(value);
  }
  /// What arrives in the worker.
  template <class T>
  T pass(const T& value) {
    return pass_as<T>(value);
  }
  template <class T, class U>
  T pass_as(const U& value) {
    const auto message = write(value);
    send_files(message);
    if (ahead_) table_.receive_all();
    last_bytes_ = message.bytes.size();
    last_files_ = message.files.size();
    return read<T>(message.bytes);
  }

  static std::array<int, 2> pair() {
    std::array<int, 2> ends{-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return ends;
  }

  std::size_t last_bytes() const { return last_bytes_; }
  std::size_t last_files() const { return last_files_; }
  /// The worker takes all files as they come.
  void receive_ahead() { ahead_ = true; }
  larder::detail::file_sender& sender() { return sender_; }
  larder::detail::file_table& table() { return table_; }

 private:
  std::array<int, 2> ends_ = pair();
  larder::detail::argument_writer writer_;
  std::atomic<std::uint64_t> packets_ = 0;
  larder::detail::file_sender sender_{ends_[0], packets_};
  larder::detail::file_table table_{ends_[1], packets_};
  larder::detail::bytes_received received_;
  bool ahead_ = false;
  std::size_t last_bytes_ = 0;
  std::size_t last_files_ = 0;
};

inline larder::array<int> ramp(const larder::extents& shape) {
  larder::array<int> a(shape);
  std::iota(a.data(), a.data() + a.size(), 0);
  return a;
}

inline bool same(const larder::array<const int>& a, const larder::array<const int>& b) {
  return std::ranges::equal(a.shape(), b.shape()) && std::ranges::equal(a.copy().flat(), b.copy().flat());
}
