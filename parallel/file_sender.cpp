#include "parallel/file_sender.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <larder/error.hpp>

#include "parallel/descriptor_message.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {
namespace {

/// The other side has no more open than these and those of one message.
constexpr std::size_t k_most_sent = 256;

bool is_gone(int error) noexcept { return error == EPIPE || error == ECONNRESET || error == ENOTCONN; }

}  // namespace

void file_sender::send(std::span<const std::shared_ptr<const shared_file>> files) {
  ++uses_;
  std::array<std::uint64_t, k_most_descriptors> ids{};
  std::array<int, k_most_descriptors> fds{};
  std::vector<descriptor> opened;
  std::vector<const std::shared_ptr<const shared_file>*> packed;
  const auto send_packed = [&] {
    const std::size_t n = packed.size();
    if (n == 0) return;
    const bool is_sent = send_descriptors(socket_, std::as_bytes(std::span(ids).first(n)),
                                          std::span(fds).first(n), when_blocked::wait);
    if (!is_sent && !is_gone(errno))
      throw io_error("an array for a worker", "cannot send its descriptor", errno);
    if (is_sent) packets_.fetch_add(1);
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
        throw io_error(
            each->path(),
            "cannot be passed to a worker: it was removed or replaced since it was mapped, or there are "
            "too many open files",
            ENOENT);
      }
      fd = opened.emplace_back(*std::move(again)).fd();
    }
    ids[packed.size()] = each->id();
    fds[packed.size()] = fd;
    packed.push_back(&each);
    if (packed.size() == k_most_descriptors) send_packed();
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
  if (!send_descriptors(socket_, std::as_bytes(std::span(&id, 1)), {&fd, 1}, when_blocked::give_up))
    return false;
  packets_.fetch_add(1);
  return true;
}

}  // namespace larder::detail
