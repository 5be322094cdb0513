#include "parallel/worker_registry.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include <poll.h>

#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include "parallel/lifeline.hpp"
#include "src/fork_safety.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {
namespace {

/// Of one process: a child of fork leaves the one that it inherits alone, and makes its own. None is ever destroyed: exit handlers may
/// still make calls, and the workers die with the process.
struct registry {
  const origin_process process;
  const lifeline line;
  std::mutex mutex;
  std::vector<std::unique_ptr<worker_process>> idle;  // the last used at the end
};

std::atomic<registry*> the_registry = nullptr;

void tell_idle_workers() noexcept;

/// Null where there is none yet.
registry* existing_registry() noexcept {
  registry* const known = the_registry.load(std::memory_order_acquire);
  return known != nullptr && known->process.is_this() ? known : nullptr;
}

registry& own_registry() {
  if (registry* const known = existing_registry()) return *known;
  registry* before = the_registry.load(std::memory_order_acquire);
  auto made = std::make_unique<registry>();
  while (before == nullptr || !before->process.is_this()) {
    if (the_registry.compare_exchange_weak(before, made.get(), std::memory_order_acq_rel)) {
      on_files_gone(&tell_idle_workers);
      return *made.release();
    }
  }
  return *before;
}

/// Those that have left are waited for when their owner lets them go: not under the mutex.
std::vector<std::unique_ptr<worker_process>> take_ended(registry& from) {
  std::vector<std::unique_ptr<worker_process>> ended;
  std::vector<pollfd> ends;
  ends.reserve(from.idle.size());
  for (const auto& each : from.idle) ends.push_back({each->child().ended_fd(), POLLIN, 0});
  if (ends.empty() || ::poll(ends.data(), ends.size(), 0) <= 0) return ended;
  for (std::size_t i = ends.size(); i-- != 0;) {
    if (ends[i].revents == 0) continue;
    ended.push_back(std::move(from.idle[i]));
    from.idle.erase(from.idle.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return ended;
}

/// Counted once: it takes as long as a call.
std::size_t most_idle() {
  static const std::size_t most = std::max<std::size_t>(16, 2 * static_cast<std::size_t>(cpu_count()));
  return most;
}

/// Memory of arrays that are gone here goes when the workers let it go, too.
void tell_idle_workers() noexcept {
  registry* const known = existing_registry();
  if (known == nullptr) return;
  const std::lock_guard lock(known->mutex);
  for (const auto& each : known->idle) {
    try {
      each->forget_files();
    } catch (...) {  // no memory for the message: it is told with the next call
    }
  }
}

}  // namespace

std::unique_ptr<worker_process> take_worker(const process_kind& kind) {
  registry& here = own_registry();
  std::vector<std::unique_ptr<worker_process>> ended;
  {
    const std::lock_guard lock(here.mutex);
    const auto is_alike = [&](const auto& each) { return each->kind() == kind; };
    for (;;) {
      const auto alike = std::ranges::find_if(here.idle.rbegin(), here.idle.rend(), is_alike);
      if (alike == here.idle.rend()) break;
      auto found = std::move(*alike);
      here.idle.erase(std::next(alike).base());
      if (found->take()) return found;
      ended.push_back(std::move(found));
    }
  }
  try {
    return std::make_unique<worker_process>(kind, here.line);
  } catch (const io_error&) {
    // There may be room for it where those go that nobody needs now.
    {
      const std::lock_guard lock(here.mutex);
      if (here.idle.empty()) throw;
      std::ranges::move(std::exchange(here.idle, {}), std::back_inserter(ended));
    }
    ended.clear();
    return std::make_unique<worker_process>(kind, here.line);
  }
}

void give_back_worker(std::unique_ptr<worker_process> worker) noexcept {
  try {
    registry& here = own_registry();
    std::vector<std::unique_ptr<worker_process>> ended;
    const std::lock_guard lock(here.mutex);
    worker->forget_files();
    ended = take_ended(here);
    here.idle.push_back(std::move(worker));
    here.idle.back()->give_back();
    // Each kind of pool has workers of its own, and each of them costs some descriptors.
    if (here.idle.size() > most_idle()) {
      ended.push_back(std::move(here.idle.front()));
      here.idle.erase(here.idle.begin());
    }
  } catch (...) {  // no memory: the worker is not kept, then
  }
}

}  // namespace larder::detail
