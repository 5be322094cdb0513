#include "parallel/descriptor_message.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

/// There is a limit to the descriptors that all processes of a user have under way.
constexpr std::chrono::seconds k_longest_jam{10};
constexpr int k_jam_interval_ms = 1;

/// What goes with the bytes.
struct alignas(::cmsghdr) control_room {
  std::array<std::byte, CMSG_SPACE(k_most_descriptors * sizeof(int))> bytes{};
};

/// As sendmsg(2).
bool send_once(int socket, const ::msghdr& message, int flags) noexcept {
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

/// False where nobody is at the other end any more.
bool wait_in_jam(int socket) noexcept {
  ::pollfd end{socket, 0, 0};
  ::poll(&end, 1, k_jam_interval_ms);
  return (end.revents & (POLLHUP | POLLERR)) == 0;
}

}  // namespace

socket_pair new_socket_pair() {
  static constexpr const char* k_name = "a pair of sockets";
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw io_error(k_name, "cannot create", errno);
  return {{ends[0], k_name}, {ends[1], k_name}};
}

bool send_descriptors(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors,
                      when_blocked blocked) noexcept {
  control_room room;
  ::iovec content{const_cast<std::byte*>(bytes.data()), bytes.size()};
  ::msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  ::cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());

  if (blocked == when_blocked::give_up) return send_once(socket, message, MSG_DONTWAIT);
  const auto begun = std::chrono::steady_clock::now();
  while (!send_once(socket, message, 0)) {
    if (errno != ETOOMANYREFS || std::chrono::steady_clock::now() - begun > k_longest_jam) return false;
    if (!wait_in_jam(socket)) {
      errno = EPIPE;
      return false;
    }
  }
  return true;
}

std::optional<descriptor_message> receive_descriptors(int socket, std::span<std::byte> bytes,
                                                      when_blocked blocked) {
  constexpr const char* k_name = "a socket between a worker and its parent";
  control_room room;
  ::iovec content{bytes.data(), bytes.size()};
  ::msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  descriptor_message received{};
  received.descriptors.reserve(k_most_descriptors);  // before there are any that could be lost
  ssize_t count = 0;
  do {
    count =
        ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (blocked == when_blocked::give_up ? MSG_DONTWAIT : 0));
  } while (count < 0 && errno == EINTR);
  if (count == 0 || (count < 0 && (errno == EAGAIN || errno == ECONNRESET))) return std::nullopt;
  if (count < 0) throw io_error(k_name, "cannot receive descriptors", errno);

  received.bytes = static_cast<std::size_t>(count);
  for (::cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i != n; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd, std::string());
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0) throw io_error(k_name, "cannot receive descriptors", EMFILE);
  if ((message.msg_flags & MSG_TRUNC) != 0) throw io_error(k_name, "cannot receive descriptors", EMSGSIZE);
  return received;
}

}  // namespace larder::detail
