#pragma once
// How a pool works.
//
//   larder::parallel pool({.n_jobs = 4, .backend = larder::backend::fork, .max_nbytes = "10M"});

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <larder/backend.hpp>
#include <larder/initializer.hpp>
#include <larder/mmap_mode.hpp>
#include <larder/number_or_text.hpp>

namespace larder {

/// How the progress of a call is shown: not at all, by the library, or by a function of the program's.
class progress_option {
 public:
  /// `done` tasks of `total` (0 where the range does not say how many it has), and the seconds that the rest will
  /// take (negative while that cannot be said). Called some times per second at most, by the caller or a worker, one
  /// at a time, and by the caller once when all is done: its last call, unless that of the pool fails. What it throws comes
  /// out of that.
  using callback = std::function<void(std::size_t done, std::size_t total, double eta)>;

  /// As the enclosing parallel_config says; else not shown.
  progress_option() = default;
  /// true: a bar on a terminal, lines at thinning intervals elsewhere, on standard error.
  progress_option(std::same_as<bool> auto shown)  // NOLINT(google-explicit-constructor): reads as a value
      : how_(shown ? how::shown : how::hidden) {}
  /// As true, with words in front of the bar or line.
  progress_option(std::string label)  // NOLINT(google-explicit-constructor)
      : how_(how::shown), label_(std::move(label)) {}
  progress_option(const char* label)  // NOLINT(google-explicit-constructor)
      : progress_option(std::string(label)) {}
  template <std::invocable<std::size_t, std::size_t, double> F>
  progress_option(F call)  // NOLINT(google-explicit-constructor)
      : how_(how::told), call_(std::move(call)) {}

  bool is_given() const noexcept { return how_ != how::open; }
  /// By the library.
  bool is_shown() const noexcept { return how_ == how::shown; }
  /// To a function of the program's.
  bool is_told() const noexcept { return how_ == how::told; }

  const std::string& label() const noexcept { return label_; }
  const callback& call() const noexcept { return call_; }

 private:
  enum class how { open, hidden, shown, told };

  how how_ = how::open;
  std::string label_;
  callback call_;
};

/// In which order map_reduce combines.
enum class reduce_order {
  sequence,  ///< that of the range: the operation has to be associative
  any,       ///< as results come: it has to be commutative, too
};

/// Every member may be left out: it is then what the enclosing parallel_config says, what the environment says
/// (LARDER_N_JOBS, LARDER_BACKEND), or the default. A pool refuses what is out of its range with a value_error that names
/// the option or the variable, its value, and what is allowed.
struct parallel_options {
  /// Workers: a number, or counted from the usable processors (see cpu_count): -1 all of them (the default), -2 all
  /// but one, and so on, at least 1. Calls on threads use at most 255 of them. With 1 everything runs in the calling thread, a task at a time.
  std::optional<int> n_jobs{};
  std::optional<larder::backend> backend{};  ///< threads by default
  /// Tasks that a worker takes at a time: at least 1, or "auto" (the default): as the time that they take suggests.
  std::optional<number_or_text> batch_size{};
  /// How many tasks may be read from the range and not be finished (of imap: whose results were not taken): at least 1, or "n_jobs", "2*n_jobs", "1.5*n_jobs"
  /// (rounded down, at least 1), or "all". Ranges are then read in the calling thread, element by element. By default those
  /// with a size and random access are read by the workers, and others as far ahead as keeps the workers busy.
  std::optional<number_or_text> pre_dispatch{};
  /// The longest that a task may take from its start: over 0 and up to 1e9 seconds, or infinite: any time (the default).
  std::optional<std::chrono::duration<double>> timeout{};
  /// 0: silent, the default; 1 and more: log lines at thinning intervals that say how far a call is, the more of them the
  /// larger the number.
  std::optional<int> verbose{};
  /// For large arrays on their way to and from workers, where they do not go into shared memory: a directory that can be
  /// written to. Empty by default: none. Without effect in this version, which has no workers that outlive a call.
  std::optional<std::string> temp_folder{};
  /// Arrays of more bytes than this travel as mappings: a number, "500K", "1M" (the default), or "none": no array does. On
  /// fork these are arrays in results: array<const T> is read-only, array<T> copy-on-write.
  std::optional<number_or_text> max_nbytes{};
  /// How workers see such arrays. `read` by default. `read_write` does not go with a max_nbytes of "none": what workers
  /// write to a copy would be lost. Without effect in this version.
  std::optional<larder::mmap_mode> mmap_mode{};
  /// Threads that a task may use itself, in OpenMP, BLAS, and in parallel calls of this library: at least 1. By default a
  /// worker's share of the processors for OpenMP and BLAS, and 1 for calls of this library. The numbers of OpenMP are those of a
  /// thread; BLAS libraries have one for a whole process, which is set in processes that are workers only. With allow_threads
  /// the default is 1 in children, where GNU OpenMP would wait for ever for threads that the parent had.
  std::optional<int> inner_threads{};
  /// Called by each worker before its first task for the pool: by several at once. What it throws ends the call as if the task had.
  /// That of an enclosing parallel_config cannot be left out. For processes it has to be a function that is shippable (ship.hpp).
  worker_initializer initializer{};
  /// How often a task is run again whose worker died: at least 0, the default. On processes a task that has killed three
  /// workers is given up.
  std::optional<int> max_retries{};
  /// processes: how long workers wait for the next call, of any pool, before they leave: at least 0 seconds, 300 by default, or infinite.
  std::optional<std::chrono::duration<double>> idle_timeout{};
  progress_option progress{};
  /// fork: start children although the program runs threads of its own, whose locks nobody will release in them.
  std::optional<bool> allow_threads{};
  std::optional<larder::reduce_order> reduce_order{};  ///< `sequence` by default
};

}  // namespace larder
