#include "src/team_loop.hpp"

#include <algorithm>
#include <atomic>

#include "src/cpu_count.hpp"
#include "src/first_fault.hpp"
#include "src/team.hpp"

namespace larder::detail {

void for_each_on_team(std::size_t count, unsigned most, function_ref<void(std::size_t i)> body) {
  if (count == 1) return body(0);  // without asking the system for its processors
  // The cursor gives each round to one thread. A fault moves it to the end; run_on_team orders it, and what the bodies
  // wrote, before the look at it.
  std::atomic<std::size_t> next = 0;
  first_fault fault;
  const auto workers = static_cast<unsigned>(std::min<std::size_t>({most, cpus_for_core_work(), count}));
  run_on_team(workers, [&](unsigned) noexcept {
    try {
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(i);
    } catch (...) {
      fault.keep_current();
      next.store(count, std::memory_order_relaxed);
    }
  });
  fault.rethrow_if_any();
}

}  // namespace larder::detail
