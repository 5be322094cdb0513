#pragma once
// Files that another process has sent (see file_sender), and what is mapped of them.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>

#include <larder/mmap_mode.hpp>

#include "src/buffer.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

/// The receiving end; used by one thread at a time. What was mapped to be read, or to be read and written, is mapped once as long as the file is known.
/// Arrays keep their memory longer.
class file_table {
 public:
  /// The socket is its maker's, and lives as long; so does the count of the packets that the other end has sent. It saves looking into the socket
  /// where nothing has come. Where it is wrong, nothing is lost: what a message needs is looked for in any case.
  file_table(int socket, const std::atomic<std::uint64_t>& packets) noexcept
      : socket_(socket), packets_(packets) {}

  /// `bytes` of the file from `offset` on; copy_on_write: for this caller alone. format_error where no such file was sent, or it does not
  /// have them; io_error where the system refuses.
  std::shared_ptr<const buffer> map(std::uint64_t id, std::uint64_t offset, std::uint64_t bytes,
                                    mmap_mode mode);

  /// Takes what has come: only so many descriptors can be under way, of all processes of a user. io_error where this process may
  /// not have as many.
  void receive_all();
  /// What file_sender::take_forgotten said. A file that was sent again since stays known.
  void forget(std::uint64_t id) noexcept;
  /// Of files that were sent for one message alone: after that.
  void forget_all() noexcept;
  /// The same, where no message is under way: what came for those that nobody has read goes, too.
  void clear() noexcept;

 private:
  using part = std::tuple<std::uint64_t, std::uint64_t, mmap_mode>;  // offset, bytes
  struct known_file {
    std::shared_ptr<const shared_file> file;
    std::uint64_t times;  // that it has come without being forgotten
    std::map<part, std::shared_ptr<const buffer>> mapped;
  };

  known_file& find(std::uint64_t id);
  /// False where there is nothing.
  bool receive();
  void unmap_all() noexcept;

  int socket_;
  const std::atomic<std::uint64_t>& packets_;
  std::uint64_t received_ = 0;  // of them
  std::unordered_map<std::uint64_t, known_file> files_;
  std::size_t mapped_ = 0;
};

}  // namespace larder::detail
