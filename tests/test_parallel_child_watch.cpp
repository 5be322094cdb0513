#include "parallel/child_watch.hpp"

#include <chrono>

#include <sys/eventfd.h>

#include "src/descriptor.hpp"
#include "tests/catch.hpp"

using larder::detail::child_watch;
using larder::detail::descriptor;

TEST_CASE("child_watch: a time that has passed, were it the smallest, is none to wait for", "[parallel]") {
  const descriptor event(::eventfd(0, EFD_CLOEXEC), "an event");
  child_watch watch(1);
  watch.reset(event.fd());
  watch.wait(child_watch::time_point::min());
  CHECK_FALSE(watch.is_posted());
  watch.wait(std::chrono::steady_clock::now() - std::chrono::seconds(1));
  CHECK_FALSE(watch.is_posted());
}

TEST_CASE("child_watch: says what was posted", "[parallel]") {
  const descriptor event(::eventfd(1, EFD_CLOEXEC), "an event");
  const descriptor said(::eventfd(1, EFD_CLOEXEC), "an event");
  const descriptor silent(::eventfd(0, EFD_CLOEXEC), "an event");
  child_watch watch(2);
  watch.reset(event.fd());
  watch.add(0, silent.fd());
  watch.add_event(1, said.fd());
  watch.wait(child_watch::time_point::max());
  CHECK(watch.is_posted());
  CHECK_FALSE(watch.has_ended(0));
  CHECK(watch.has_said(1));
}
