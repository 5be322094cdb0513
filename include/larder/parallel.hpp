#pragma once
// The parallel map: one function over many elements, results in order.
//
//   larder::parallel pool({.n_jobs = 4});
//   std::vector<double> areas = pool.map(shapes, [](const shape& s) { return s.area(); });

#include <larder/detail/function_ref.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {

/// Where the tasks run.
enum class backend {
  sequential,  ///< in the calling thread, one after the other
  threads,     ///< on the process's team of threads; the calling thread takes part
  fork,        ///< fork, processes and mpi are not in this version: a pool refuses them
  processes,
  mpi,
};

/// How a pool works. Every member has a default, so that name = value pairs in braces set what differs.
struct parallel_options {
  /// Workers: a number, or counted from the usable processors: -1 all of them, -2 all but one, and so on, at
  /// least 1. With 1 a map is a plain loop. Usable are the processors of the affinity mask, at most
  /// LARDER_MAX_CPUS. A map starts no more threads than it has tasks, and no process has more than 256.
  int n_jobs = -1;
  larder::backend backend = larder::backend::threads;
  /// Tasks that a worker takes at a time, at least 1. Not set: chosen during the map from the time they take.
  std::optional<long> batch_size = {};
};

namespace detail {

/// How a map runs, with nothing left to look up. A batch_size of 0 is automatic.
struct map_plan {
  unsigned workers;
  std::size_t batch_size;
};

/// Calls batch(begin, end) so that the ranges cover [0, count) without overlap, from up to plan.workers
/// threads at once; returns when all have returned. After the first exception no further batch begins, and it
/// is rethrown here.
void run_map(const map_plan& plan, std::size_t count,
             function_ref<void(std::size_t begin, std::size_t end)> batch);

template <class Range>
concept indexed_range = requires(Range& range) {
  { std::ranges::begin(range) } -> std::random_access_iterator;
  std::ranges::size(range);
};

template <class Range>
using iterator_of = decltype(std::ranges::begin(std::declval<std::remove_reference_t<Range>&>()));

template <class F, class Range, class... Shared>
concept task_of = requires(F& f, std::iter_reference_t<iterator_of<Range>> (*element)(),
                           const Shared&... shared) {
  f(element(), shared...);
};

// Never specialised: makes a static_assert depend on the template's arguments.
template <class...>
inline constexpr bool unsupported = false;

template <class Result, class Call>
std::vector<Result> collect(const map_plan& plan, std::size_t count, Call call);

}  // namespace detail

/// A way to run many calls of a function. Making one starts nothing: threads start with the first map that
/// needs them, belong to the process and are shared by all pools, so pools are cheap and leave nothing
/// behind. Thread-safe: one pool may be used from several threads at once.
class parallel {
 public:
  /// Throws value_error, naming the option, its value and what is allowed, for n_jobs = 0, a batch_size under
  /// 1, and a backend that this version does not have; also for nonsense in LARDER_MAX_CPUS where that
  /// counts.
  explicit parallel(const parallel_options& options = {});

  // Move-only: backends to come own workers.
  parallel(parallel&&) noexcept = default;
  parallel& operator=(parallel&&) noexcept = default;
  parallel(const parallel&) = delete;
  parallel& operator=(const parallel&) = delete;
  ~parallel() = default;

  /// The number of workers that the options came to: at least 1, and 1 on the sequential backend.
  int n_jobs() const noexcept { return static_cast<int>(plan_.workers); }

  /// f(element, shared...) for each element: a std::vector of the results in the order of the range, or void
  /// where f returns void. A reference that f returns is copied from.
  ///
  /// - `range` has a size and random access (a vector, an array, a span, std::views::iota, a transform of
  ///   these). Its elements are read in the workers, several at once. It is borrowed until the call returns,
  ///   as are f and `shared`.
  /// - `f` is one object that all workers call at once: it has to be callable when const, and what it refers
  ///   to has to bear that. Each element is passed to exactly one call, so f may write to it.
  /// - What an f throws ends the map: calls in progress finish, no batch of tasks begins any more, results
  ///   are destroyed, and the first exception is thrown here, the same object that f threw. The pool stays
  ///   usable.
  /// - A map inside a task of a map on threads runs in that task's thread.
  /// - A process that a task forks has to end in exec or _exit, not to return from the task.
  template <class Range, class F, class... Shared>
  auto map(Range&& range, const F& f, const Shared&... shared) const {
    using range_type = std::remove_reference_t<Range>;
    if constexpr (!detail::indexed_range<range_type>) {
      static_assert(detail::unsupported<Range>,
                    "larder: parallel::map takes a range with a size and random access in this version. "
                    "Copy the elements of others into a std::vector first.");
    } else if constexpr (!detail::task_of<const F, Range, Shared...>) {
      static_assert(!detail::task_of<F, Range, Shared...>,
                    "larder: the function of parallel::map is called by several threads at once, "
                    "so it has to be callable when const: "
                    "a lambda must not be `mutable`, an operator() has to be const.");
      static_assert(detail::task_of<F, Range, Shared...>,
                    "larder: the function of parallel::map cannot be called as f(element, shared...), "
                    "with an element of the range and each shared argument as a const reference.");
    } else {
      using position = std::iter_difference_t<detail::iterator_of<Range>>;
      const auto first = std::ranges::begin(range);
      const auto count = static_cast<std::size_t>(std::ranges::size(range));
      const auto call = [&](std::size_t i) -> decltype(auto) {
        return f(first[static_cast<position>(i)], shared...);
      };
      using result = std::remove_cvref_t<decltype(call(count))>;
      if constexpr (std::is_void_v<result>) {
        detail::run_map(plan_, count, [&](std::size_t i, std::size_t end) {
          for (; i != end; ++i) call(i);
        });
      } else {
        return detail::collect<result>(plan_, count, call);
      }
    }
  }

 private:
  detail::map_plan plan_;
};

// Implementation
// ---------------------------------------------------------------------------------------------------

namespace detail {

// Where workers put results: elements of the vector itself where making them first costs nothing that could
// be noticed; else an optional each, moved into the vector at the end. Neighbouring elements are written by
// different threads, which is why vector<bool> is filled from bytes. Each result has one owner at any time,
// so it is destroyed once, whoever throws.
template <class Result, class Call>
std::vector<Result> collect(const map_plan& plan, std::size_t count, Call call) {
  using returned = decltype(call(count));
  static_assert(std::is_move_constructible_v<Result> && std::is_constructible_v<Result, returned>,
                "larder: the function of parallel::map returns something that a std::vector cannot hold: "
                "its type has to be movable, and copyable where the function returns a reference.");
  const auto run = [&](auto&& store) {
    run_map(plan, count, [&](std::size_t i, std::size_t end) {
      for (; i != end; ++i) store(i);
    });
  };
  if constexpr (std::is_same_v<Result, bool>) {
    std::vector<unsigned char> bytes(count);
    run([&](std::size_t i) { bytes[i] = call(i) ? 1 : 0; });
    return std::vector<bool>(bytes.begin(), bytes.end());
  } else if constexpr (std::is_nothrow_default_constructible_v<Result> &&
                       std::is_nothrow_move_assignable_v<Result> && std::is_assignable_v<Result&, returned>) {
    std::vector<Result> results(count);
    run([&](std::size_t i) { results[i] = call(i); });
    return results;
  } else {
    std::vector<std::optional<Result>> made(count);
    run([&](std::size_t i) { made[i].emplace(call(i)); });
    std::vector<Result> results;
    results.reserve(count);
    for (auto& each : made) results.push_back(std::move(*each));
    return results;
  }
}

}  // namespace detail
}  // namespace larder
