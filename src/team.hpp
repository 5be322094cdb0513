#pragma once
// The process's one team of threads: what runs the parallel map on threads, and large hashes, reads and
// copies.
//
//   std::atomic<std::size_t> next = 0;
//   run_on_team(cpus_for_core_work(), [&](unsigned) noexcept {
//     for (std::size_t i; (i = next.fetch_add(1)) < chunks;) hash_chunk(i);
//   });

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>

#include <larder/detail/function_ref.hpp>

namespace larder::detail {

using team_body = function_ref<void(unsigned worker) noexcept>;

/// Runs body(worker) on up to `workers` threads at once and returns when every body that has started has
/// returned. The caller is worker 0 and always runs; threads of the team join as 1, 2, ... until the first
/// body returns, each at most once. Those that have not joined by then are not waited for, so a busy team
/// delays nobody and nothing can deadlock. Hence a body takes its work from a cursor shared by all workers
/// until none is left, and must be right when the caller is the only one. It must not throw (the signature
/// sees to it).
///
/// What the caller wrote before the call is visible in the bodies, and what they wrote is visible after it.
/// Any number of threads may call at the same time; the team then shares itself out. No more threads run than
/// nested_allowance() says, so that a call from inside a body runs body(0) alone: one level of parallel work
/// uses the machine, a second would only crowd it.
///
/// Threads are started as calls ask for them, at most k_most_helpers, and then stay: for some microseconds they
/// look out for the next call, if there are processors to spare, and then park. Where the system gives no more
/// of them, the work is done with those there are. A call allocates nothing once the threads exist. After fork
/// the child begins without threads and starts its own. A child that is forked inside a body has to leave
/// through exec or _exit: it must not return from that body.
void run_on_team(unsigned workers, team_body body);

/// Whether this thread is running a body: of run_on_team with more than one worker, or of a background_call.
bool inside_team_body() noexcept;

struct team_threads {
  unsigned all;
  unsigned idle;  ///< in no body and on their way to none: they hold nothing that a child of fork could miss
};

/// Waits until those that are being started have arrived.
team_threads count_team_threads() noexcept;

/// From now on this thread, the first of a process of its own, is a worker's: it counts as inside a body, and its calls use up to
/// `threads` threads each.
void become_worker(unsigned threads) noexcept;

/// How many threads a run_on_team from here may use: 1 inside a body, no limit (the largest number) elsewhere,
/// unless a nested_threads says otherwise.
unsigned nested_allowance() noexcept;

/// While it lives, calls of this thread use up to that many threads each, inside a body as outside; at least 1.
/// Holds for the bodies of such a call no more than for others: each begins with 1. Scopes nest.
class nested_threads {
 public:
  explicit nested_threads(unsigned threads) noexcept;
  ~nested_threads();
  nested_threads(const nested_threads&) = delete;
  nested_threads& operator=(const nested_threads&) = delete;

 private:
  const unsigned before_;
};

inline constexpr unsigned k_most_helpers = 255;

/// What the team knows of a call. Guarded by the team's mutex, but for `running`, which whoever waits for the
/// call may look at without.
struct team_call {
  team_body body;
  unsigned workers;  // their numbers are below it
  bool background;
  bool nested = false;   // made inside a body
  bool closed = false;   // no thread comes in any more
  unsigned again = 0;    // runs of the body that threads owe which are in, or on their way, before they leave
  bool waited = false;   // a thread sleeps until `running` falls
  unsigned open = 0;     // threads that may come in, and have not
  unsigned process = 0;  // that of the team when the call began: differs in a child of fork
  std::atomic<unsigned> running = 0;          // threads of the team that are in
  std::array<std::uint64_t, 4> numbers = {};  // those of workers that are in: a bit each
  team_call* next = nullptr;
};

/// A call that goes on in the background while it lives: threads of the team come when they are invited, look
/// for work, and leave when there is none. It does not allocate. Thread-safe but for the destructor.
///
///   const auto work = [&](unsigned) noexcept { while (auto job = jobs.take()) job(); };
///   background_call call(4, work);
///   jobs.add(...);
///   if (!call.invite()) work(0);
class background_call {
 public:
  /// Up to `workers` threads (at least 1, at most k_most_helpers) run body(worker) at a time; `worker` is below
  /// `workers`, and no two are the same at a time. The body, which has a name therefore, outlives this.
  template <class F>
    requires std::convertible_to<F&, team_body> background_call(unsigned workers, F& body)
        : background_call(team_body(body), workers) {}

    /// Another thread may be of use. True: unless this ends first, the body will begin once more: in another thread, or where
    /// `workers` are in or on their way, or the system gives no more, in one of these when it leaves the body. So work that was
    /// there before the invitation is found, and what was written before it is visible. Each invitation has a run of its own,
    /// unless `workers` runs are owed already. A thread that comes does not wait behind bodies of other calls: where all
    /// threads of the team are busy, one is started (up to k_most_helpers). False: no thread is in or can be had (also at
    /// the end of the process, and in a child that was forked since): the caller has to do the work. From any thread, bodies of this
    /// call too.
    bool invite() noexcept;

    /// No thread comes in any more; returns when all that came have left, and what they wrote is visible. At the end
    /// of the process it does not wait for the thread that it runs on. In a child that was forked since there is nothing
    /// to wait for.
    ~background_call();
    background_call(const background_call&) = delete;
    background_call& operator=(const background_call&) = delete;

   private:
    background_call(team_body body, unsigned workers);

    team_call call_;
};

}  // namespace larder::detail
