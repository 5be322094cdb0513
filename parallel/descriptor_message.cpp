#include "parallel/descriptor_message.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

constexpr const char* k_name = "the socket to a worker process";
constexpr std::size_t k_room = CMSG_SPACE(k_most_descriptors * sizeof(int));

struct alignas(cmsghdr) control_room {
  std::array<std::byte, k_room> bytes;
};

}  // namespace

void send_descriptors(int socket, std::span<const int> descriptors, std::span<const std::byte> bytes) {
  control_room room{};
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = room.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    // ETOOMANYREFS: the kernel counts what is under way; the other end takes it.
    if (errno == ETOOMANYREFS) {
      pollfd end{socket, 0, 0};
      ::poll(&end, 1, 1);
      if ((end.revents & (POLLHUP | POLLERR)) == 0) continue;
    }
    if (errno != EINTR) throw io_error(k_name, "cannot send descriptors", errno);
  }
}

std::optional<std::vector<descriptor>> receive_descriptors(int socket, std::span<std::byte> bytes) {
  control_room room{};
  iovec data{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = room.bytes.size();
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0 && errno != ECONNRESET) throw io_error(k_name, "cannot receive descriptors", errno);
  if (received <= 0) return std::nullopt;
  std::vector<descriptor> descriptors;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= head->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + at, sizeof fd);
      descriptors.emplace_back(fd, k_name);
    }
  }
  if (static_cast<std::size_t>(received) != bytes.size() ||
      (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    throw io_error(k_name, "cannot receive descriptors",
                   EMFILE);  // it has no room for so many, or they were not meant for this
  }
  return descriptors;
}

}  // namespace larder::detail
