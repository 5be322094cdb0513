#pragma once
// Descriptors on their way to another process, through a SOCK_SEQPACKET socket.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "src/descriptor.hpp"

namespace larder::detail {

/// The most descriptors that the kernel takes in one message.
inline constexpr std::size_t k_most_descriptors = 253;

/// Sends copies of the descriptors, and some bytes (at least one). Waits for room. io_error; where the other end is closed, too.
void send_descriptors(int socket, std::span<const int> descriptors, std::span<const std::byte> bytes);

/// Waits for the next message: its descriptors, close-on-exec; its bytes go to `bytes`, which are as many. Without a value where the other end is closed;
/// io_error, also for a message of another kind.
std::optional<std::vector<descriptor>> receive_descriptors(int socket, std::span<std::byte> bytes);

}  // namespace larder::detail
