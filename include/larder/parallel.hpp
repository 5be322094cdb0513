#pragma once
// Parallel calls: one function over many elements, on threads or processes.
//
//   larder::parallel pool({.n_jobs = 4});
//   std::vector<double> areas = pool.map(shapes, [](const shape& s) { return s.area(); });
//   for (auto&& text : pool.imap(paths, read_text)) print(text);

#include <larder/backend.hpp>
#include <larder/delayed.hpp>
#include <larder/detail/call_batch.hpp>
#include <larder/detail/map_tasks.hpp>
#include <larder/detail/parallel_call.hpp>
#include <larder/detail/parallel_pool.hpp>
#include <larder/detail/reduce_tasks.hpp>
#include <larder/detail/shipment.hpp>
#include <larder/detail/stream_feed.hpp>
#include <larder/detail/submitted_call.hpp>
#include <larder/detail/task_invoke.hpp>
#include <larder/future.hpp>
#include <larder/parallel_config.hpp>
#include <larder/parallel_options.hpp>
#include <larder/parallel_stats.hpp>
#include <larder/result_range.hpp>
#include <larder/stop_requested.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace larder {

/// A way to run many calls of a function. Making one starts nothing: threads start with the first call that needs them, belong
/// to the process and are shared by all pools; children of fork live for one call; worker processes start with the first call that needs them, too, are
/// shared by pools with the same initializer, max_nbytes and threads for each task, and leave after their idle_timeout. So pools are cheap.
/// Thread-safe: one pool may be used from several threads at once.
///
/// For all calls:
///
/// - A range is anything with begin() and end(); it is read once. One with a size and random access (a vector, an array, a span,
///   std::views::iota, a transform of these) is read by the workers, several elements at once; any other one, each on processes, each where
///   `pre_dispatch` or, but for fork, `timeout` is set, and that of map_reduce on fork, by the calling thread, as far ahead as the options say.
/// - The function is called as f(element, shared...) by all workers at once: it has to be callable when const, and what it refers to
///   has to bear that. Each element is passed to exactly one call: elements that lie somewhere by reference, so that f may write
///   to them (but not to those of a vector<bool>, which share bytes; and on processes they are copies); those that the range makes as they are read by rvalue. Shared arguments are passed as const references.
/// - What an f throws ends the call: tasks in progress see stop_requested(), none begins any more, and when none runs the first
///   exception is thrown here: the same object from threads; from other processes one of the same type, if it is one of larder's or most of the
///   standard library's, else a task_error. What the range throws does the same. The pool stays usable.
/// - A task that takes longer than `timeout` is a timeout_error. On threads the call returns when running tasks have; processes
///   are killed.
/// - A call inside a task runs in that task's thread, one task after the other, unless `inner_threads` allows it more.
/// - On fork, what tasks write to memory is lost with the child: results alone come back, so their type has to be storable, a number, or an
///   enumeration, else not_shippable. A child that dies is worker_died. Programs with threads of their own are refused, unless
///   `allow_threads` is set.
/// - On processes, main has to begin with larder::init, else a call is a value_error. The function has to be shippable (ship.hpp), elements, arguments and results
///   storable, else not_shippable. Arrays over `max_nbytes` are mapped and not copied: those of the heap are moved to shared memory with the
///   first call (io_error where there is none), while nobody may write to them. A worker that ends within a task is worker_died; other tasks go on in others.
/// - On fork, imap and submit go on only while somebody waits for a result, hands in a call, or cancels one: there is no thread that would look
///   after children. Each of their batches is a child, with an initializer of its own.
/// - An object_ref as an element or an argument arrives as its object, mapped, an array as array<const T>; f is given the references where it
///   can be called with these alone, and those inside of other values. Shared ones are loaded once, by the call, elements by their tasks; what
///   object_ref::get throws comes from there.
/// - A process that a task forks has to end in exec or _exit, not to return from the task.
class parallel {
 public:
  /// value_error, naming the option, its value and what is allowed, for one that is out of its range, and for a backend that this
  /// version does not have; the same for LARDER_N_JOBS, LARDER_BACKEND and LARDER_MAX_CPUS where they count.
  explicit parallel(const parallel_options& options = {})
      : pool_(std::make_shared<detail::parallel_pool>(options)) {}

  // Move-only; one that was moved from cannot be used.
  parallel(parallel&&) noexcept = default;
  parallel& operator=(parallel&&) noexcept = default;
  parallel(const parallel&) = delete;
  parallel& operator=(const parallel&) = delete;
  ~parallel() = default;

  /// The number of workers that the options came to: at least 1, and 1 on the sequential backend.
  int n_jobs() const noexcept { return static_cast<int>(pool_->settings().workers); }

  /// A std::vector of the results in the order of the range, or void where f returns void. A reference that f returns is copied from.
  /// The range, f and `shared` are borrowed until the call returns.
  template <class Range, class F, class... Shared>
  auto map(Range&& range, const F& f, const Shared&... shared) const {
    return map_to(nullptr, range, f, shared...);
  }

  /// The same, with what was done: a std::pair of the results and the statistics; the statistics alone where f returns void.
  template <class Range, class F, class... Shared>
  auto map_with_stats(Range&& range, const F& f, const Shared&... shared) const {
    parallel_stats stats;
    if constexpr (std::is_void_v<decltype(map_to(&stats, range, f, shared...))>) {
      map_to(&stats, range, f, shared...);
      return stats;
    } else {
      auto results = map_to(&stats, range, f, shared...);
      return std::pair(std::move(results), std::move(stats));
    }
  }

  /// The results as they come, in the order of the range: a result_range. Work begins at once and goes on while the caller is at other
  /// things, but not far ahead: elements are read by the calling thread, in its calls of the result_range, and not before their turn: at
  /// most `pre_dispatch` of them (by default some for each worker) are read and their results not taken. With one worker each task runs when its
  /// result is asked for. After a failure the next step throws; results that were there before may be lost. It owns the range, f and `shared`: copies, or what they were moved to.
  template <class Range, class F, class... Shared>
  [[nodiscard]] auto imap(Range&& range, F f, Shared... shared) const {
    return feed(detail::stream_order::sequence, std::forward<Range>(range), std::move(f),
                std::move(shared)...);
  }

  /// The same in the order in which tasks finish.
  template <class Range, class F, class... Shared>
  [[nodiscard]] auto imap_unordered(Range&& range, F f, Shared... shared) const {
    return feed(detail::stream_order::finished, std::forward<Range>(range), std::move(f),
                std::move(shared)...);
  }

  /// Calls each task of a range of delayed(f)(args...), or of anything else that is called without arguments; results as of map.
  /// Tasks of a container that is given away may give their arguments away.
  template <class Tasks>
  auto operator()(Tasks&& tasks) const {
    if constexpr (std::is_lvalue_reference_v<Tasks> || std::ranges::view<std::remove_cvref_t<Tasks>>) {
      return map(tasks, [](auto&& task) -> decltype(auto) { return std::forward<decltype(task)>(task)(); });
    } else {
      return map(tasks, [](auto&& task) -> decltype(auto) { return std::move(task)(); });
    }
  }

  /// One call f(args...), of copies, or of what was moved here; the objects of object_refs are loaded here. It begins when a worker is
  /// free, of which this pool's submitted calls have n_jobs; with one worker, and inside tasks, it runs at once, here. What is submitted must not own this pool or a
  /// future of it: a pool cannot wait for the task that is the last to let it go.
  template <class F, class... Args>
  [[nodiscard]] auto submit(F&& f, Args&&... args) const {
    using function = std::decay_t<F>;
    if constexpr (detail::takes_objects<function&&, std::decay_t<Args>&&...>) {
      return submit(std::forward<F>(f), detail::arrive(std::forward<Args>(args))...);
    } else {
      constexpr bool k_fits = std::invocable<function&&, std::decay_t<Args>&&...>;
      constexpr bool k_has_object_ref = detail::has_object_ref<Args...>;
      static_assert(
          k_fits || !k_has_object_ref,
          "larder: the function of parallel::submit can be called neither with the objects that each "
          "object_ref stands for, of which an array is an array<const T>, nor with each object_ref itself.");
      static_assert(
          k_fits || k_has_object_ref,
          "larder: the function of parallel::submit cannot be called with these arguments, which it "
          "is given as rvalues of their own types.");
      using result = std::remove_cvref_t<std::invoke_result_t<function&&, std::decay_t<Args>&&...>>;
      return future<result>(detail::task_handle(
          pool_, std::make_shared<detail::submitted_call<result, function, std::decay_t<Args>...>>(
                     std::forward<F>(f), std::forward<Args>(args)...)));
    }
  }

  /// op(...op(op(init, f(first)), f(second))...), where neighbouring results are combined first, in whatever groups the workers
  /// come to: op has to be associative, takes two T (the type of init), and returns one; f's results are converted to T. In the order of the
  /// range; with `reduce_order` any in any order. Sums of floating-point numbers may therefore differ in their last digits from one call to the next.
  /// op is called by several threads at once.
  template <class Range, class F, class T, class Op, class... Shared>
  T map_reduce(Range&& range, const F& f, T init, const Op& op, const Shared&... shared) const {
    return reduce_to(nullptr, range, f, std::move(init), op, shared...);
  }

  /// The same, with what was done.
  template <class Range, class F, class T, class Op, class... Shared>
  std::pair<T, parallel_stats> map_reduce_with_stats(Range&& range, const F& f, T init, const Op& op,
                                                     const Shared&... shared) const {
    parallel_stats stats;
    T result = reduce_to(&stats, range, f, std::move(init), op, shared...);
    return {std::move(result), std::move(stats)};
  }

 private:
  // What is shared as a reference to an object, and taken as the object, is loaded at the head of a call.
  template <class Range, class F, class T, class Op, class... Shared>
    requires(detail::shares_objects<Range, F, Shared...>)
  auto reduce_to(parallel_stats* stats, Range& range, const F& f, T init, const Op& op,
                 const Shared&... shared) const {
    return reduce_to(stats, range, f, std::move(init), op, detail::arrive(shared)...);
  }
  template <class Range, class F, class... Shared>
    requires(detail::shares_objects<Range, F, Shared...>)
  auto map_to(parallel_stats* stats, Range& range, const F& f, const Shared&... shared) const {
    return map_to(stats, range, f, detail::arrive(shared)...);
  }
  template <class Range, class F, class... Shared>
    requires(detail::shares_objects<detail::owned_range<Range>, F, Shared...>)
  auto feed(detail::stream_order order, Range&& range, F&& f, Shared&&... shared) const {
    return feed(order, std::forward<Range>(range), std::move(f), detail::arrive(std::move(shared))...);
  }

  template <class Range, class F, class T, class Op, class... Shared>
  T reduce_to(parallel_stats* stats, Range& range, const F& f, T init, const Op& op,
              const Shared&... shared) const {
    using range_type = Range;
    static_assert(detail::require_task<range_type, F, Shared...>());
    static_assert(std::is_constructible_v<T, detail::task_result<range_type, F, Shared...>>,
                  "larder: map_reduce combines values of the type of its initial one, and f returns another "
                  "that does not convert to it.");
    static_assert(std::movable<T>,
                  "larder: map_reduce moves and assigns values of the type of its initial one.");
    static_assert(std::is_invocable_r_v<T, const Op&, T&&, T&&>,
                  "larder: the operation of map_reduce has to take two values of the type of the initial "
                  "one, and to return one; "
                  "it has to be callable when const.");
    using call_type = detail::parallel_call<F, Shared...>;
    const auto& settings = pool_->settings();
    const call_type call(f, shared...);
    if constexpr (detail::indexed_range<range_type>) {
      if (detail::runs_here(settings) && !detail::reads_in_caller(settings)) {
        const auto count = static_cast<std::size_t>(std::ranges::size(range));
        detail::reduce_tasks<range_type, call_type, T, Op> tasks(
            range, call, op, settings.reduce_order, std::min<std::size_t>(settings.workers, count));
        detail::run_indexed_here(settings, count, tasks, stats);
        return tasks.result(std::move(init));
      }
    }
    using batch = detail::reduce_batch<range_type, call_type, T, Op>;
    const detail::reduce_shipment<detail::travelled_passed<range_type, F, Shared...>, T, Op, F, Shared...>
        shipment(call, op);
    detail::range_source<range_type, batch, call_type, Op, detail::shipment> source(range, call, op,
                                                                                    shipment);
    detail::task_stream stream(settings, source, detail::stream_order::finished);
    std::vector<detail::partial_result<T>> parts;
    while (const auto task = stream.next()) {
      auto part = static_cast<batch&>(task->batch).take();
      if (settings.reduce_order == reduce_order::any && !parts.empty()) {
        parts.front().value = op(std::move(parts.front().value), std::move(part.value));
      } else {
        parts.push_back(std::move(part));
      }
    }
    if (stats != nullptr) *stats = stream.stats();
    return detail::combine(std::move(init), std::move(parts), op);
  }

  template <class Range, class F, class... Shared>
  auto map_to(parallel_stats* stats, Range& range, const F& f, const Shared&... shared) const {
    if constexpr (detail::require_task<Range, F, Shared...>()) {
      using result = detail::task_result<Range, F, Shared...>;
      using call_type = detail::parallel_call<F, Shared...>;
      const auto& settings = pool_->settings();
      const call_type call(f, shared...);
      const detail::map_shipment<detail::travelled_passed<Range, F, Shared...>, F, Shared...> shipment(call);
      if constexpr (detail::indexed_range<Range>) {
        if (!detail::reads_in_caller(settings)) {
          const auto count = static_cast<std::size_t>(std::ranges::size(range));
          detail::result_vector<result> results(count);
          detail::map_tasks<Range, call_type, result> tasks(range, call, shipment, results);
          detail::run_indexed(settings, count, tasks, stats);
          return results.take();
        }
      }
      using batch = detail::call_batch<Range, call_type, result>;
      detail::range_source<Range, batch, call_type, detail::shipment> source(range, call, shipment);
      detail::result_vector<result> results(source.total());
      detail::task_stream stream(settings, source, detail::stream_order::finished);
      std::size_t count = 0;
      while (const auto task = stream.next()) {
        count = std::max(count, task->index() + 1);
        results.grow(count);
        if constexpr (!std::is_void_v<result>)
          results.put(task->index(), static_cast<batch&>(task->batch).take(task->i));
      }
      if (stats != nullptr) *stats = stream.stats();
      return results.take();
    }
  }

  template <class Range, class F, class... Shared>
  auto feed(detail::stream_order order, Range&& range, F&& f, Shared&&... shared) const {
    using owned = detail::owned_range<Range>;
    if constexpr (detail::require_task<owned, F, Shared...>()) {
      using result = detail::task_result<owned, F, Shared...>;
      return result_range<detail::fed_result<result>>(
          std::make_unique<detail::stream_feed<owned, result, F, Shared...>>(
              pool_, detail::own_range(std::forward<Range>(range)), std::move(f),
              std::tuple<Shared...>(std::move(shared)...), order));
    }
  }

  std::shared_ptr<detail::parallel_pool> pool_;
};

}  // namespace larder
