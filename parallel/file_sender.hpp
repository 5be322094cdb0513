#pragma once
// Files on their way to another process: messages of descriptors (descriptor_message), whose bytes are the ids of the files, u64 each. What lies in
// them is mapped there by what other messages say; see file_table for the other end.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "src/shared_file.hpp"

namespace larder::detail {

/// The sending end, for one receiver; used by one thread at a time. The socket is its maker's, and lives as long; so does the count of what was sent,
/// which both ends share.
class file_sender {
 public:
  file_sender(int socket, std::atomic<std::uint64_t>& packets) noexcept
      : socket_(socket), packets_(packets) {}

  /// Sends those that the other side does not have; waits where it has many that it has not taken. io_error where one
  /// is gone from its path, or cannot be sent. Where nobody is at the other end nothing happens: who waits for that one finds it gone.
  void send(std::span<const std::shared_ptr<const shared_file>> files);

  /// What the other side is to forget, by a message of its own or at the beginning of the next one: files that are gone, and where it has too
  /// many, those that were not in a message for longest. Each is to be forgotten as often as it is said here.
  std::vector<std::uint64_t> take_forgotten();

  /// Sends this one, for the next message alone: the other side forgets it then. False where it cannot be done, or not now.
  bool try_send(const shared_file& file) const noexcept;

 private:
  struct sent_file {
    std::weak_ptr<const shared_file> file;
    std::uint64_t last_use;
  };

  void forget_oldest();

  int socket_;
  std::atomic<std::uint64_t>& packets_;
  std::unordered_map<std::uint64_t, sent_file> sent_;
  std::vector<std::uint64_t> forgotten_;
  std::uint64_t uses_ = 0;
  std::uint64_t gone_ = files_gone();
};

}  // namespace larder::detail
