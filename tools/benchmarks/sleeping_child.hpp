#pragma once
// Waking worker processes by hand: the least that a call of such workers comes to.

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <system_error>

#include "src/futex.hpp"

namespace larder_bench {

/// A child that sleeps until it is woken, does its work, and wakes whoever asked.
class sleeping_child {
 public:
  explicit sleeping_child(const std::function<void()>& work = [] {}) : words_(shared_words()) {
    child_ = ::fork();
    if (child_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child_ != 0) return;
    for (std::uint32_t seen = 0;; ++seen) {
      wait(words_->asked, seen);
      work();
      words_->answered.fetch_add(1);
      larder::detail::futex_wake_shared(words_->answered);
    }
  }
  ~sleeping_child() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::munmap(words_, sizeof(words));
  }
  sleeping_child(const sleeping_child&) = delete;
  sleeping_child& operator=(const sleeping_child&) = delete;

  void ask() {
    words_->asked.fetch_add(1);
    larder::detail::futex_wake_shared(words_->asked);
  }
  void wait_for_answer() { wait(words_->answered, answers_++); }

 private:
  struct words {
    alignas(64) std::atomic<std::uint32_t> asked;
    alignas(64) std::atomic<std::uint32_t> answered;
  };
  static words* shared_words() {
    void* const mapped =
        ::mmap(nullptr, sizeof(words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return static_cast<words*>(mapped);
  }
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen) {
    while (word.load() == seen) larder::detail::futex_wait_shared(word, seen, std::chrono::hours(1));
  }

  words* words_;
  pid_t child_ = 0;
  std::uint32_t answers_ = 0;
};

}  // namespace larder_bench
