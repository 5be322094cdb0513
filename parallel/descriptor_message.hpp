#pragma once
// Descriptors on their way to another process: messages of a SOCK_SEQPACKET socket, each of some bytes and the descriptors that go with them.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "src/descriptor.hpp"

namespace larder::detail {

/// The two ends of a way for them. Close-on-exec.
struct socket_pair {
  descriptor ours;
  descriptor theirs;
};
/// io_error where the system gives none.
socket_pair new_socket_pair();

/// How many descriptors a message has at most. The kernel would take 253.
inline constexpr std::size_t k_most_descriptors = 64;

/// Whether to wait where there is no room for a message, or where none has come yet.
enum class when_blocked { wait, give_up };

/// Sends copies of the descriptors, from one to k_most_descriptors, with at least one byte. False and errno where that fails; EPIPE, ECONNRESET or
/// ENOTCONN where the other end is closed. Where the system has no room for more descriptors under way (ETOOMANYREFS) it waits
/// for some seconds only, since they may be on their way to processes that do not take them.
bool send_descriptors(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors,
                      when_blocked blocked) noexcept;

struct descriptor_message {
  std::size_t bytes;                    // how many it has
  std::vector<descriptor> descriptors;  // close-on-exec, and without a path
};

/// The next message; its bytes go to `bytes`. Without a value where the other end is closed, or where none has come and it is not to wait. io_error, also where the message is
/// larger than `bytes`, or where this process may not have as many descriptors: then the message is lost.
std::optional<descriptor_message> receive_descriptors(int socket, std::span<std::byte> bytes,
                                                      when_blocked blocked);

}  // namespace larder::detail
