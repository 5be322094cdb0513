#pragma once
// The process's one team of threads: what runs the parallel map on threads, and large hashes, reads and
// copies.
//
//   std::atomic<std::size_t> next = 0;
//   run_on_team(usable_cpus(), [&](unsigned) noexcept {
//     for (std::size_t i; (i = next.fetch_add(1)) < chunks;) hash_chunk(i);
//   });

#include <larder/detail/function_ref.hpp>

namespace larder::detail {

/// Runs body(worker) on up to `workers` threads at once and returns when every body that has started has
/// returned. The caller is worker 0 and always runs; threads of the team join as 1, 2, ... until the first
/// body returns, each at most once. Those that have not joined by then are not waited for, so a busy team
/// delays nobody and nothing can deadlock. Hence a body takes its work from a cursor shared by all workers
/// until none is left, and must be right when the caller is the only one. It must not throw (the signature
/// sees to it).
///
/// What the caller wrote before the call is visible in the bodies, and what they wrote is visible after it.
/// Any number of threads may call at the same time; the team then shares itself out. Called from inside a
/// body it runs body(0) alone: one level of parallel work uses the machine, a second would only crowd it.
///
/// Threads are started as calls ask for them, at most k_most_helpers, and then stay, parked on a condition
/// variable. Where the system gives no more of them, the work is done with those there are. A call allocates
/// nothing once the threads exist. After fork the child begins without threads and starts its own. A child
/// that is forked inside a body has to leave through exec or _exit: it must not return from that body.
void run_on_team(unsigned workers, function_ref<void(unsigned worker) noexcept> body);

/// Whether this thread is running a body for a call of run_on_team with more than one worker.
bool inside_team_body() noexcept;

inline constexpr unsigned k_most_helpers = 255;

}  // namespace larder::detail
