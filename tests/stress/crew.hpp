#pragma once
// Processes that are killed in the middle of their work, and replaced by others that go on with it.

#include <sys/mman.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <set>
#include <string>

#include <sys/types.h>

/// One object that this process and its children share.
template <class T>
T& made_shared() {
  constexpr int k_protection = PROT_READ | PROT_WRITE;
  void* const place = ::mmap(nullptr, sizeof(T), k_protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) throw std::bad_alloc();
  return *new (place) T;
}

/// Says what must not be, and ends this process; that ends the crew.
[[noreturn]] void fail(const std::string& what);

/// Has the kernel kill this process (SIGKILL) when the time is over, wherever it is by then.
void die_in(std::chrono::nanoseconds time);

/// What a crew does.
struct crew_task {
  std::size_t places = 1;  // processes at the same time
  /// Run in a process of its own for each place; `life` counts those of one place. It returns when nothing is left to do.
  std::function<void(std::size_t place, std::uint64_t life)> body;
  /// Called here for each process that was killed, before another one takes its place.
  std::function<void(pid_t pid)> killed;
  /// A number that grows as long as the crew gets anywhere.
  std::function<std::uint64_t()> progress;
  /// What a process is at, for the message when they get nowhere any more.
  std::function<std::string(std::size_t place)> state;
};

/// Returns when the body has returned in all places. Ends the program, with a message and status 1, where a process
/// fails, or none gets anywhere for a minute.
void run_crew(const crew_task& task);
