// object_store_consumer NAMESPACE: takes the prices as soon as they are there, and keeps them, whatever becomes of the
// program that made them.

#include <larder/error.hpp>
#include <larder/store.hpp>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "examples/object_store/dictionary.hpp"

namespace object_store {
namespace {

double round_of(const mapped_prices& all) { return all.begin()->second(0); }

bool is_whole(const mapped_prices& all) {
  return all.size() == 4 && std::ranges::all_of(all, [&](const auto& each) {
           const auto daily = each.second.flat();
           return daily.size() == k_days && std::ranges::count(daily, round_of(all)) == k_days;
         });
}

/// The system tells, also those who are not its parent.
void wait_for_end_of(int process) {
  ::pollfd watched{
      .fd = static_cast<int>(::syscall(SYS_pidfd_open, process, 0U)), .events = POLLIN, .revents = 0};
  if (watched.fd < 0) return;  // it has ended long ago
  while (::poll(&watched, 1, -1) < 0) continue;
  ::close(watched.fd);
}

void say(const char* text) {
  std::printf("consumer: %s\n", text);
  std::fflush(stdout);  // others print between these lines
}

void consume(const char* space) {
  const larder::store st(space);

  st.wait_for(k_prices);
  const auto held = st.get<mapped_prices>(k_prices);  // nothing is copied
  const double round = round_of(held);
  say(is_whole(held) ? "has 4 stocks, mapped" : "has something else");

  while (round_of(st.get<mapped_prices>(k_prices)) == round) continue;
  say("there are newer prices in the store, and the old ones are still at hand");

  st.put(k_holding, true);
  wait_for_end_of(st.get<int>(k_producer));
  say("the producer has ended");

  const auto last = st.get<mapped_prices>(k_prices);
  say(is_whole(held) && round_of(held) == round ? "what it has is whole, and as it was"
                                                : "what it has changed");
  say(is_whole(last) && round_of(last) > round ? "what is in the store is whole, and newer"
                                               : "the store is damaged");
}

}  // namespace
}  // namespace object_store

int main(int argc, char** argv) try {
  if (argc == 2) {
    object_store::consume(argv[1]);
    return 0;
  }
  std::fputs("usage: object_store_consumer NAMESPACE\n", stderr);
  return 2;
} catch (const larder::error& failed) {
  std::fprintf(stderr, "consumer: %s\n", failed.what());
  return 1;
}
