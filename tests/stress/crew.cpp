#include "tests/stress/crew.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr auto k_longest_silence = std::chrono::minutes(1);

class crew {
 public:
  explicit crew(const crew_task& task) : task_(task), lives_(task.places) {
    // Children that end are asked for, not handled in between.
    ::sigemptyset(&child_ended_);
    ::sigaddset(&child_ended_, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended_, nullptr);
  }

  void run() {
    for (std::size_t place = 0; place < task_.places; ++place) start(place);
    while (!places_.empty()) {
      await_child();
      reap();
    }
  }

 private:
  void start(std::size_t place) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) give_up("no process could be made");
    if (child > 0) {
      places_[child] = place;
      ++lives_[place];
      return;
    }
    // They do not outlive the program, however it ends.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    try {
      task_.body(place, lives_[place]);
    } catch (const std::exception& e) {
      fail(std::string("an exception: ") + e.what());
    }
    ::_exit(0);
  }

  /// Until a child has ended.
  void await_child() const {
    constexpr ::timespec k_second = {.tv_sec = 1, .tv_nsec = 0};
    auto last_change = std::chrono::steady_clock::now();
    std::uint64_t before = task_.progress();
    while (::sigtimedwait(&child_ended_, nullptr, &k_second) != SIGCHLD) {
      const auto now = std::chrono::steady_clock::now();
      if (const std::uint64_t progress = task_.progress(); progress != before) {
        before = progress;
        last_change = now;
      } else if (now - last_change > k_longest_silence) {
        give_up("no process gets anywhere any more:" + states());
      }
    }
  }

  /// All that have ended: one signal may stand for several.
  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = places_.find(pid);
      if (found == places_.end()) continue;
      const std::size_t place = found->second;
      places_.erase(found);
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        task_.killed(pid);
        start(place);
      } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        give_up("process " + std::to_string(pid) + " failed, status " + std::to_string(status));
      }
    }
  }

  std::string states() const {
    std::string text;
    for (const auto& [pid, place] : places_)
      text += "\n  process " + std::to_string(pid) + ": " + task_.state(place);
    return text;
  }

  [[noreturn]] void give_up(const std::string& why) const {
    for (const auto& [pid, place] : places_) ::kill(pid, SIGKILL);
    fail(why);
  }

  const crew_task& task_;
  ::sigset_t child_ended_{};
  std::map<pid_t, std::size_t> places_;
  std::vector<std::uint64_t> lives_;  // of each place, how many began
};

}  // namespace

void fail(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, what.c_str());
  std::_Exit(1);
}

void die_in(std::chrono::nanoseconds time) {
  ::sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  ::timer_t timer{};
  ::itimerspec when{};
  when.it_value.tv_sec = time.count() / 1'000'000'000;
  when.it_value.tv_nsec = time.count() % 1'000'000'000 + 1;  // 0 would be never
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || ::timer_settime(timer, 0, &when, nullptr) != 0)
    fail("no timer");
}

void run_crew(const crew_task& task) { crew(task).run(); }
