#include "parallel/wake_event.hpp"

#include <cerrno>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

int new_event() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw io_error("an eventfd", "cannot create", errno);
  return fd;
}

}  // namespace

wake_event::wake_event() : event_(new_event(), "an eventfd") {}

void wake_event::post() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(fd(), &one, sizeof one);  // it fails only where more was posted than anybody can count
}

void wake_event::clear() const noexcept {
  std::uint64_t posted = 0;
  (void)!::read(fd(), &posted, sizeof posted);
}

}  // namespace larder::detail
