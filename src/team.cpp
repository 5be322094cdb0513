#include "src/team.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "src/cpu_count.hpp"
#include "src/futex.hpp"
#include "src/short_mutex.hpp"
#include "src/spin.hpp"

namespace larder::detail {
namespace {

// A team_call lives in its caller's frame or in a background_call: helpers use it between joining and leaving,
// both under the mutex, and its owner takes it off the list and waits until all that joined have left before it
// goes. The decrement of `running` is the last that a helper does to it.

// About what it takes to wake a sleeping thread: who waits longer in vain has at most doubled its cost.
constexpr std::chrono::microseconds k_spin{30};

// One thread of the team, in its own frame, from when it has arrived in helper_main until it ends.
struct helper {
  pthread_t thread;
  bool busy = false;      // inside a body
  bool released = false;  // the process is ending, and this thread has been provided for: it may end
  helper* next = nullptr;
};

// Calls in the order in which they came.
struct call_list {
  team_call* first = nullptr;
  team_call** end = nullptr;  // where the next one goes; null: at `first`, which a constant cannot say

  void add(team_call& call) noexcept {
    call.next = nullptr;
    *(end != nullptr ? end : &first) = &call;
    end = &call.next;
  }
  void remove(team_call& call) noexcept {
    team_call** link = &first;
    while (*link != &call) link = &(*link)->next;
    *link = call.next;
    if (end == &call.next) end = link;
  }
};

// Everything here is guarded by `mutex`, but for `posted` and `ended`, which are also read without. It is constant-initialised
// and trivially destructible: valid before the first constructor of the program and after the last destructor, so
// it does not matter which other static objects call run_on_team from theirs.
struct team_state {
  short_mutex mutex;
  // One more whenever there is something new for helpers, who look at it, or sleep on it: work, or the team stops.
  std::atomic<std::uint32_t> posted = 0;
  // One more whenever something has ended that a thread may sleep for: a helper has left a call, or has arrived.
  std::atomic<std::uint32_t> ended = 0;
  call_list calls;       // of run_on_team
  call_list invited;     // background calls with threads to come
  unsigned to_come = 0;  // these threads
  helper* helpers = nullptr;
  int created =
      0;         // threads whose creation has succeeded, and was counted (they may be at work before it is)
  int busy = 0;  // helpers in bodies
  int elsewhere = 0;        // of these, those in background and nested calls
  int creating = 0;         // threads that may come into being yet
  unsigned starting = 0;    // threads that are being created, or have not yet arrived in helper_main
  unsigned parked = 0;      // helpers asleep on `posted`
  unsigned spinning = 0;    // helpers looking at `posted`
  unsigned callers = 0;     // threads that are in run_on_team and not helpers
  unsigned processors = 1;  // that may be used
  unsigned process = 0;     // one more in each child of fork
  bool stopping = false;    // the process is ending
};

constinit team_state the_team;

// The bodies that this thread is in, innermost first.
struct body_frame {
  const team_call* call;
  const body_frame* outer;
};

thread_local constinit const body_frame* innermost = nullptr;
constexpr unsigned k_no_limit = ~0U;
thread_local constinit unsigned allowance = k_no_limit;

class lock {
 public:
  lock() { the_team.mutex.lock(); }
  ~lock() { the_team.mutex.unlock(); }
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;
};

// For a part of the life of a lock.
class unlocked {
 public:
  unlocked() { the_team.mutex.unlock(); }
  ~unlocked() { the_team.mutex.lock(); }
  unlocked(const unlocked&) = delete;
  unlocked& operator=(const unlocked&) = delete;
};

// With the mutex held, in between not. `word` only changes with the mutex held, so that nothing that happens after the
// caller has looked is missed.
void sleep_on(const std::atomic<std::uint32_t>& word) {
  const std::uint32_t seen = word.load(std::memory_order_relaxed);
  const unlocked meanwhile;
  futex_wait(word, seen);
}

constexpr unsigned k_all = ~0U;

void say_ended() {
  the_team.ended.fetch_add(1, std::memory_order_relaxed);
  futex_wake(the_team.ended, k_all);
}

// Fork. The forking thread takes the mutex first, so that no other thread is in the middle of a change when
// memory is copied; no user code and no allocation runs under the mutex, so it is soon free. The parent just
// lets go again. In the child only the forking thread exists: the helpers and the other callers, whose frames
// the lists point into, are gone. So the child forgets them and stands where a process stands that has never
// used the team; background calls that it has inherited tell by `process`. The mutex is the child's own (its one
// thread took it).
void before_fork() { the_team.mutex.lock(); }

void after_fork_in_parent() { the_team.mutex.unlock(); }

void after_fork_in_child() {
  the_team.calls = the_team.invited = {};
  the_team.helpers = nullptr;
  the_team.created = the_team.busy = the_team.elsewhere = the_team.creating = 0;
  the_team.to_come = the_team.starting = the_team.parked = the_team.spinning = the_team.callers = 0;
  the_team.stopping = false;
  ++the_team.process;
  the_team.mutex.unlock();
}

// Set when the program or library is loaded, and not at the first call: there a fork in another thread could
// slip between taking the mutex and registering. False (not loaded fully yet, or no memory) means: no threads
// at all.
const bool fork_aware = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;

// The end of the process (or dlclose of the library that holds this code). Invitations that were accepted are
// kept: those helpers begin first. Threads that are idle are released and joined: from then on they run nothing
// while static objects are destroyed. This is registered when the first thread starts, so it comes before the
// destructors of all that was constructed earlier. A thread that is inside a body is left alone: it may be the
// one that called exit, or be waiting for a lock whose owner did; the kernel ends it with the process. Later
// calls of run_on_team, from destructors, do their work on the calling thread.
void stop_at_exit() {
  for (;;) {
    pthread_t ending;
    {
      const lock held;
      the_team.stopping = true;
      while (the_team.starting != 0 || the_team.to_come != 0) sleep_on(the_team.ended);
      helper** link = &the_team.helpers;
      while (*link != nullptr && (*link)->busy) link = &(*link)->next;
      if (*link == nullptr) {
        for (helper* each = the_team.helpers; each != nullptr; each = each->next) {
          each->released = true;
          ::pthread_detach(each->thread);
        }
        return;
      }
      helper* const idle = *link;
      *link = idle->next;
      idle->released = true;
      ending = idle->thread;
      --the_team.created;
      the_team.posted.fetch_add(1, std::memory_order_relaxed);
      futex_wake(the_team.posted, k_all);
    }
    ::pthread_join(ending, nullptr);
  }
}

// Helpers that will look for work next. A thread that is still being created does not count: it may be refused.
int idle_helpers() { return the_team.created - the_team.busy; }

// Counts threads that are about to be started, at most `count`, as far as there may be more.
unsigned claim_starts(int count) {
  if (!fork_aware || the_team.stopping) return 0;
  const int room = static_cast<int>(k_most_helpers) - the_team.created - the_team.creating;
  count = std::clamp(count, 0, std::max(room, 0));
  the_team.creating += count;
  the_team.starting += static_cast<unsigned>(count);
  return static_cast<unsigned>(count);
}

// Counts the threads that whoever begins to work for a call of run_on_team is to start: two, until there are as many
// as it wants. As those do the same when they join, many start in little time, nobody is kept long from its own
// work, and a call that is done sooner stops it. Calls that are not nested share the team, less those that work for
// others: these two may have been asked for more than there are processors, and get it.
unsigned claim_starts_for(const team_call& call) {
  int lacking = static_cast<int>(call.workers) - 1;
  const int all = the_team.created + the_team.creating;
  if (call.background) return 0;  // an invitation each
  if (call.nested) {
    lacking = static_cast<int>(the_team.to_come) - (all - the_team.busy);
    for (const team_call* each = the_team.calls.first; each != nullptr; each = each->next) {
      if (each->nested) lacking += static_cast<int>(each->open);
    }
  } else {
    lacking -= all - the_team.elsewhere;
  }
  return claim_starts(std::min(lacking, 2));
}

void* helper_main(void*);

// Starts threads that have been claimed; gives back those that the system refuses, and returns whether there were
// none of these. Called without the mutex.
bool start_helpers(unsigned count) {
  if (count == 0) return true;
  static std::atomic<bool> registered = false;
  if (!registered.exchange(true)) std::atexit(stop_at_exit);
  const unsigned processors = cpus_for_core_work();
  unsigned left = count;
  // Signals that are meant for the process are for threads of the program's; those that a thread brings upon itself are its own.
  sigset_t blocked;
  sigset_t before;
  ::sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
    ::sigdelset(&blocked, own);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  for (; left != 0; --left) {
    pthread_t thread;
    if (::pthread_create(&thread, nullptr, helper_main, nullptr) != 0) break;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const lock held;
  the_team.processors = processors;
  the_team.creating -= static_cast<int>(count);
  the_team.created += static_cast<int>(count - left);
  the_team.starting -= left;
  if (left != 0) say_ended();
  return left == 0;
}

// Whether a thread that waits may keep its processor: where it takes none from a thread that works. `others` are
// those that work outside of bodies: callers, and between calls the thread that makes them.
bool may_spin(unsigned others) {
  return static_cast<unsigned>(the_team.busy) + the_team.spinning + others + 1 <= the_team.processors;
}

// There is something new for `open` helpers. Returns how many of those that are parked have to be woken, with the mutex
// held, for wake() to do so without: who spins will come by itself, unless something else takes it.
unsigned post(unsigned open) {
  the_team.posted.fetch_add(1, std::memory_order_relaxed);
  if (the_team.parked == 0) return 0;
  unsigned wanted = the_team.to_come;
  for (const team_call* each = the_team.calls.first; each != nullptr; each = each->next) wanted += each->open;
  if (wanted <= the_team.spinning) return 0;
  return std::min({open, wanted - the_team.spinning, the_team.parked});
}

void wake(unsigned helpers) {
  if (helpers != 0) futex_wake(the_team.posted, helpers);
}

// The call that an idle helper joins: one that was promised a thread, else the oldest that wants one. At the end of
// the process only promises are kept.
team_call* open_call() {
  if (the_team.to_come != 0) return the_team.invited.first;
  if (the_team.stopping) return nullptr;
  team_call* each = the_team.calls.first;
  while (each != nullptr && each->open == 0) each = each->next;
  return each;
}

void run_body(const team_call& call, unsigned worker) noexcept {
  const body_frame frame{&call, innermost};
  innermost = &frame;
  const unsigned before = std::exchange(allowance, 1U);
  call.body(worker);
  allowance = before;
  innermost = frame.outer;
}

unsigned take_number(team_call& call) {
  unsigned word = 0;
  while (call.numbers[word] == ~std::uint64_t{0}) ++word;
  const auto bit = static_cast<unsigned>(std::countr_one(call.numbers[word]));
  call.numbers[word] |= std::uint64_t{1} << bit;
  return 64 * word + bit;
}

// Joins `to`, runs its body and leaves it. Enters and returns with the mutex held; in between it is not.
// Returns false in a child that was forked inside the body and came back out of it, where neither call nor
// team exist.
bool join(helper& self, team_call& to) {
  if (to.background) {
    if (--to.open == 0) the_team.invited.remove(to);
    if (--the_team.to_come == 0 && the_team.stopping) say_ended();
  } else {
    --to.open;
  }
  const unsigned worker = take_number(to);
  const unsigned process = to.process;
  const bool apart = to.background || to.nested;
  to.running.fetch_add(1, std::memory_order_relaxed);
  self.busy = true;
  ++the_team.busy;
  the_team.elsewhere += apart ? 1 : 0;
  unsigned to_start = claim_starts_for(to);
  for (;;) {
    the_team.mutex.unlock();
    start_helpers(to_start);
    run_body(to, worker);
    the_team.mutex.lock();
    if (process != the_team.process) return false;
    if (to.again == 0) break;
    --to.again;
    to_start = 0;
  }
  self.busy = false;
  --the_team.busy;
  the_team.elsewhere -= apart ? 1 : 0;
  // no more work was found, so nobody has to join and look: not this thread again either
  if (!to.background) to.open = 0;
  to.numbers[worker / 64] &= ~(std::uint64_t{1} << worker % 64);
  const bool waited = to.waited;
  to.running.fetch_sub(1,
                       std::memory_order_release);  // for who looks without the mutex: `to` may be gone now
  if (waited) say_ended();
  return true;
}

void* helper_main(void*) {
  ::pthread_setname_np(::pthread_self(), "larder");
  helper self{.thread = ::pthread_self()};
  const lock held;
  self.next = the_team.helpers;
  the_team.helpers = &self;
  if (--the_team.starting == 0) say_ended();
  for (bool rested = false;;) {
    if (team_call* const found = open_call()) {
      if (!join(self, *found)) return nullptr;
      rested = false;
    } else if (self.released) {
      return nullptr;
    } else if (!rested && !the_team.stopping && may_spin(std::max(the_team.callers, 1U))) {
      // What is posted before the mutex is taken again is found at the next turn, seen here or not. Where it has been
      // done by then, there is more to come, as calls follow each other closely.
      ++the_team.spinning;
      const std::uint32_t seen = the_team.posted.load(std::memory_order_relaxed);
      {
        const unlocked meanwhile;
        const auto is_posted = [&] { return the_team.posted.load(std::memory_order_relaxed) != seen; };
        rested = !spin_until(is_posted, k_spin);
      }
      --the_team.spinning;
    } else {
      ++the_team.parked;
      sleep_on(the_team.posted);
      --the_team.parked;
    }
  }
}

// Returns when at most `left` helpers are in the call, which is closed. Enters with the mutex held, and returns
// without. The load that finds them gone is ordered after all that they did by the release with which each left:
// these are read-modify-writes of one number, so the last one's value carries them all.
void wait_until_left(team_call& call, unsigned left) {
  const auto gone = [&] { return call.running.load(std::memory_order_acquire) <= left; };
  const bool may = may_spin(the_team.callers);
  the_team.mutex.unlock();
  if (gone() || (may && spin_until(gone, k_spin))) return;
  const lock held;
  call.waited = true;
  while (!gone()) sleep_on(the_team.ended);
}

}  // namespace

bool inside_team_body() noexcept { return innermost != nullptr; }

unsigned nested_allowance() noexcept { return allowance; }

nested_threads::nested_threads(unsigned threads) noexcept
    : before_(std::exchange(allowance, std::max(threads, 1U))) {}

nested_threads::~nested_threads() { allowance = before_; }

team_threads count_team_threads() noexcept {
  const lock held;
  while (the_team.starting != 0) sleep_on(the_team.ended);
  const int idle = std::max(idle_helpers() - static_cast<int>(the_team.to_come), 0);
  return {.all = static_cast<unsigned>(the_team.created), .idle = static_cast<unsigned>(idle)};
}

void become_worker(unsigned threads) noexcept {
  static constexpr body_frame no_call{nullptr, nullptr};
  innermost = &no_call;
  allowance = std::max(threads, 1U);
}

void run_on_team(unsigned workers, team_body body) {
  workers = std::min({workers, allowance, k_most_helpers + 1});
  if (workers <= 1) {
    body(0);
    return;
  }
  team_call own{.body = body, .workers = workers, .background = false};
  own.nested = innermost != nullptr;
  own.open = workers - 1;
  own.numbers[0] = 1;  // the caller's
  unsigned to_start = 0;
  unsigned to_wake = 0;
  {
    const lock held;
    own.process = the_team.process;
    the_team.calls.add(own);
    the_team.callers += own.nested ? 0 : 1;
    to_start = claim_starts_for(own);
    to_wake = post(own.open);
  }
  wake(to_wake);
  start_helpers(to_start);

  run_body(own, 0);

  the_team.mutex.lock();
  if (own.process != the_team.process) {
    the_team.mutex.unlock();
    return;
  }
  own.open = 0;
  the_team.calls.remove(own);
  the_team.callers -= own.nested ? 0 : 1;
  wait_until_left(own, 0);
}

background_call::background_call(team_body body, unsigned workers)
    : call_{.body = body, .workers = std::clamp(workers, 1U, k_most_helpers), .background = true} {
  const lock held;
  call_.process = the_team.process;
}

bool background_call::invite() noexcept {
  // What makes sure that a body begins afterwards: a promise, which a thread keeps that is idle or was created for it;
  // else one that is in, or on its way, and is told to look again. Promises never exceed the helpers that are idle, and
  // these keep them before anything else, so each promise has a thread of its own. A thread counts when its creation
  // has succeeded: nobody relies on one that may be refused.
  the_team.mutex.lock();
  const auto answer = [&](bool comes, bool posted = false) {
    const unsigned to_wake = posted ? post(1) : 0;
    the_team.mutex.unlock();
    wake(to_wake);
    return comes;
  };
  if (call_.process != the_team.process) return answer(false);
  for (bool may_start = true;;) {
    const unsigned in = call_.running.load(std::memory_order_relaxed);
    const bool room = !call_.closed && in + call_.open < call_.workers;
    const bool can = room && !the_team.stopping;
    if (can && idle_helpers() > static_cast<int>(the_team.to_come)) {
      if (call_.open++ == 0) the_team.invited.add(call_);
      ++the_team.to_come;
      return answer(true, true);
    }
    const unsigned claimed = can && may_start ? claim_starts(1) : 0;
    if (claimed == 0) {
      const bool others = in + call_.open != 0;
      if (others && !call_.closed && call_.again < call_.workers) ++call_.again;
      return answer(others);
    }
    const unlocked meanwhile;
    may_start = start_helpers(claimed);  // another call may take the thread: then one more
  }
}

background_call::~background_call() {
  the_team.mutex.lock();
  if (call_.process != the_team.process) {
    the_team.mutex.unlock();
    return;
  }
  call_.closed = true;
  call_.again = 0;
  if (call_.open != 0) {
    the_team.invited.remove(call_);
    the_team.to_come -= call_.open;
    call_.open = 0;
    if (the_team.to_come == 0 && the_team.stopping) say_ended();
  }
  // A body that calls exit does not return, and may be what static objects are destroyed in.
  unsigned own = 0;
  for (const body_frame* each = innermost; each != nullptr && the_team.stopping; each = each->outer) {
    own += each->call == &call_ ? 1 : 0;
  }
  wait_until_left(call_, own);
}

}  // namespace larder::detail
