#include "parallel/file_sender.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"

namespace larder::detail {
namespace {

/// The other side has no more open than these and those of one message.
constexpr std::size_t k_most_sent = 256;

/// One packet; as sendmsg(2).
bool send_packet(int socket, std::span<const std::uint64_t> ids, std::span<const int> fds,
                 int flags) noexcept {
  alignas(::cmsghdr) std::array<char, CMSG_SPACE(k_most_in_packet * sizeof(int))> control{};
  ::iovec content{const_cast<std::uint64_t*>(ids.data()), ids.size_bytes()};
  ::msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  ::cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

/// There is a limit to the descriptors that all processes of a user have under way.
constexpr std::chrono::seconds k_longest_jam{10};
constexpr int k_jam_interval_ms = 1;

/// The same, when there is room for it.
bool send_packet_in_time(int socket, std::span<const std::uint64_t> ids, std::span<const int> fds) noexcept {
  const auto begun = std::chrono::steady_clock::now();
  while (!send_packet(socket, ids, fds, 0)) {
    if (errno != ETOOMANYREFS || std::chrono::steady_clock::now() - begun > k_longest_jam) return false;
    ::poll(nullptr, 0, k_jam_interval_ms);
  }
  return true;
}

bool is_gone(int error) noexcept { return error == EPIPE || error == ECONNRESET || error == ENOTCONN; }

}  // namespace

void file_sender::send(std::span<const std::shared_ptr<const shared_file>> files) {
  ++uses_;
  std::array<std::uint64_t, k_most_in_packet> ids{};
  std::array<int, k_most_in_packet> fds{};
  std::vector<descriptor> opened;
  std::vector<const std::shared_ptr<const shared_file>*> packed;
  const auto send_packed = [&] {
    const std::size_t n = packed.size();
    if (n == 0) return;
    if (!send_packet_in_time(socket_, std::span(ids).first(n), std::span(fds).first(n)) && !is_gone(errno)) {
      throw io_error("an array for a worker", "cannot send its descriptor", errno);
    }
    for (const auto* each : packed) {
      (*each)->set_sent();
      sent_.insert_or_assign((*each)->id(), sent_file{*each, uses_});
    }
    packed.clear();
    opened.clear();
  };
  for (const auto& each : files) {
    if (const auto known = sent_.find(each->id()); known != sent_.end()) {
      known->second.last_use = uses_;
      continue;
    }
    int fd = each->fd();
    if (fd < 0) {
      auto again = each->open_again();
      if (!again) {
        throw io_error(each->path(),
                       "cannot be passed to a worker: it was removed or replaced since it was mapped",
                       ENOENT);
      }
      fd = opened.emplace_back(*std::move(again)).fd();
    }
    ids[packed.size()] = each->id();
    fds[packed.size()] = fd;
    packed.push_back(&each);
    if (packed.size() == k_most_in_packet) send_packed();
  }
  send_packed();
  forget_oldest();
}

void file_sender::forget_oldest() {
  if (sent_.size() <= k_most_sent) return;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> by_use;
  for (const auto& [id, sent] : sent_) {
    if (sent.last_use != uses_) by_use.emplace_back(sent.last_use, id);
  }
  // A quarter more than has to be, so that this is not done for each.
  const std::size_t wanted = sent_.size() - k_most_sent + k_most_sent / 4;
  const auto end = by_use.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, by_use.size()));
  std::partial_sort(by_use.begin(), end, by_use.end());
  for (auto it = by_use.begin(); it != end; ++it) {
    sent_.erase(it->second);
    forgotten_.push_back(it->second);
  }
}

std::vector<std::uint64_t> file_sender::take_forgotten() {
  if (const std::uint64_t gone = files_gone(); gone != gone_) {
    gone_ = gone;
    std::erase_if(sent_, [this](const auto& each) {
      if (!each.second.file.expired()) return false;
      forgotten_.push_back(each.first);
      return true;
    });
  }
  return std::exchange(forgotten_, {});
}

bool file_sender::try_send(const shared_file& file) const noexcept {
  std::optional<descriptor> opened;
  int fd = file.fd();
  if (fd < 0) {
    try {
      opened = file.open_again();
    } catch (...) {  // no memory
    }
    if (!opened) return false;
    fd = opened->fd();
  }
  const std::uint64_t id = file.id();
  return send_packet(socket_, {&id, 1}, {&fd, 1}, MSG_DONTWAIT);
}

}  // namespace larder::detail
