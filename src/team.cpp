#include "src/team.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace larder::detail {
namespace {

using team_body = function_ref<void(unsigned) noexcept>;

// One call of run_on_team. It lives in the caller's frame: helpers use it between joining and leaving, both
// under the mutex, and the caller takes it off the list and waits until all that joined have left before its
// frame goes.
struct call {
  team_body body;
  unsigned wanted;       // helpers that may still join
  unsigned joined = 0;   // helpers that have joined: the last one's worker number
  unsigned running = 0;  // helpers that have joined and not left
  unsigned process = 0;  // team_state::process at the start: differs in a child forked inside a body
  call* next = nullptr;
};

// One thread of the team, in its own frame, from when it has arrived in helper_main until it ends.
struct helper {
  pthread_t thread;
  bool busy = false;      // inside a body
  bool released = false;  // the process is ending, and this thread has been provided for: it may end
  helper* next = nullptr;
};

// Everything here is guarded by `mutex`. It is constant-initialised and trivially destructible: valid before
// the first constructor of the program and after the last destructor, so it does not matter which other
// static objects call run_on_team from theirs.
struct team_state {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t work = PTHREAD_COND_INITIALIZER;  // a call was added, or the team stops: helpers wait
  pthread_cond_t ended =
      PTHREAD_COND_INITIALIZER;  // a call's last helper left, or a starting one arrived: callers wait
  call* calls = nullptr;
  helper* helpers = nullptr;
  unsigned started = 0;   // helpers that exist or are being started
  unsigned starting = 0;  // those that have not yet arrived in helper_main
  unsigned parked = 0;    // those waiting on `work`
  unsigned process = 0;   // one more in each child of fork
  bool stopping = false;  // the process is ending
};

constinit team_state the_team;

thread_local bool in_body = false;

class lock {
 public:
  lock() { ::pthread_mutex_lock(&the_team.mutex); }
  ~lock() { ::pthread_mutex_unlock(&the_team.mutex); }
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;
};

// Fork. The forking thread takes the mutex first, so that no other thread is in the middle of a change when
// memory is copied; no user code and no allocation runs under the mutex, so it is soon free. The parent just
// lets go again. In the child only the forking thread exists: the helpers and the other callers, whose frames
// the lists point into, are gone. So the child forgets them and stands where a process stands that has never
// used the team. The mutex is the child's own (its one thread took it). The condition variables still count
// waiters that no longer exist, and a glibc condition variable can block on those; nobody uses them now, so
// they are made anew.
void before_fork() { ::pthread_mutex_lock(&the_team.mutex); }

void after_fork_in_parent() { ::pthread_mutex_unlock(&the_team.mutex); }

void after_fork_in_child() {
  the_team.work = PTHREAD_COND_INITIALIZER;
  the_team.ended = PTHREAD_COND_INITIALIZER;
  the_team.calls = nullptr;
  the_team.helpers = nullptr;
  the_team.started = the_team.starting = the_team.parked = 0;
  the_team.stopping = false;
  ++the_team.process;
  ::pthread_mutex_unlock(&the_team.mutex);
}

// Set when the program or library is loaded, and not at the first call: there a fork in another thread could
// slip between taking the mutex and registering. False (not loaded fully yet, or no memory) means: no threads
// at all.
const bool fork_aware = ::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;

template <class T>
void unlink(T** list, T* item) {
  while (*list != item) list = &(*list)->next;
  *list = item->next;
}

// The end of the process (or dlclose of the library that holds this code). Threads that are idle are released
// and joined: from then on they run nothing while static objects are destroyed. This is registered when the
// first thread starts, so it comes before the destructors of all that was constructed earlier. A thread that
// is inside a body is left alone: it may be the one that called exit, or be waiting for a lock whose owner
// did; the kernel ends it with the process. Later calls of run_on_team, from destructors, do their work on
// the calling thread.
void stop_at_exit() {
  for (;;) {
    pthread_t ending;
    {
      const lock held;
      the_team.stopping = true;
      while (the_team.starting != 0) ::pthread_cond_wait(&the_team.ended, &the_team.mutex);
      helper* idle = the_team.helpers;
      while (idle != nullptr && idle->busy) idle = idle->next;
      if (idle == nullptr) {
        for (helper* each = the_team.helpers; each != nullptr; each = each->next) {
          each->released = true;
          ::pthread_detach(each->thread);
        }
        return;
      }
      unlink(&the_team.helpers, idle);
      idle->released = true;
      ending = idle->thread;
      ::pthread_cond_broadcast(&the_team.work);
    }
    ::pthread_join(ending, nullptr);
  }
}

// The oldest call that still wants helpers.
call* open_call() {
  call* each = the_team.calls;
  while (each != nullptr && each->joined == each->wanted) each = each->next;
  return each;
}

// Counts the threads that whoever begins to work for `wants` is to start: two, until there are as many as it
// wants. As those do the same when they join, many start in little time, nobody is kept long from its own
// work, and a call that is done sooner stops it.
unsigned claim_starts(const call& wants) {
  if (!fork_aware || the_team.stopping || wants.wanted <= the_team.started) return 0;
  const unsigned count = std::min(2U, wants.wanted - the_team.started);
  the_team.started += count;
  the_team.starting += count;
  return count;
}

void* helper_main(void*);

// Starts threads that have been counted; gives back those that the system refuses. Called without the mutex.
void start_helpers(unsigned count) {
  if (count == 0) return;
  static std::atomic<bool> registered = false;
  if (!registered.exchange(true)) std::atexit(stop_at_exit);
  for (; count != 0; --count) {
    pthread_t thread;
    if (::pthread_create(&thread, nullptr, helper_main, nullptr) != 0) break;
  }
  if (count == 0) return;
  const lock held;
  the_team.started -= count;
  the_team.starting -= count;
  ::pthread_cond_broadcast(&the_team.ended);
}

// Joins `to`, runs its body and leaves it. Enters and returns with the mutex held; in between it is not.
// Returns false in a child that was forked inside the body and came back out of it, where neither call nor
// team exist.
bool run_body(helper& self, call& to) {
  const unsigned worker = ++to.joined;
  const unsigned process = to.process;
  ++to.running;
  self.busy = true;
  const unsigned to_start = claim_starts(to);
  ::pthread_mutex_unlock(&the_team.mutex);
  start_helpers(to_start);
  in_body = true;
  to.body(worker);
  in_body = false;
  ::pthread_mutex_lock(&the_team.mutex);
  if (process != the_team.process) return false;
  self.busy = false;
  to.wanted =
      to.joined;  // no more work was found, so nobody has to join and look: not this thread again either
  if (--to.running == 0) ::pthread_cond_broadcast(&the_team.ended);
  return true;
}

void* helper_main(void*) {
  ::pthread_setname_np(::pthread_self(), "larder");
  helper self{.thread = ::pthread_self()};
  const lock held;
  self.next = the_team.helpers;
  the_team.helpers = &self;
  if (--the_team.starting == 0) ::pthread_cond_broadcast(&the_team.ended);
  for (;;) {
    if (the_team.stopping) {
      if (self.released) return nullptr;
    } else if (call* const found = open_call()) {
      if (!run_body(self, *found)) return nullptr;
      continue;
    }
    ++the_team.parked;
    ::pthread_cond_wait(&the_team.work, &the_team.mutex);
    --the_team.parked;
  }
}

}  // namespace

bool inside_team_body() noexcept { return in_body; }

void run_on_team(unsigned workers, team_body body) {
  if (workers <= 1 || in_body) {
    body(0);
    return;
  }
  call own{.body = body, .wanted = std::min(workers - 1, k_most_helpers)};
  unsigned to_start = 0;
  unsigned to_wake = 0;
  {
    const lock held;
    own.process = the_team.process;
    call** end = &the_team.calls;
    while (*end != nullptr) end = &(*end)->next;
    *end = &own;
    to_start = claim_starts(own);
    to_wake = std::min(own.wanted, the_team.parked);
  }
  for (; to_wake != 0; --to_wake) ::pthread_cond_signal(&the_team.work);
  start_helpers(to_start);

  in_body = true;
  body(0);
  in_body = false;

  const lock held;
  if (own.process != the_team.process) return;
  unlink(&the_team.calls, &own);
  while (own.running != 0) ::pthread_cond_wait(&the_team.ended, &the_team.mutex);
}

}  // namespace larder::detail
