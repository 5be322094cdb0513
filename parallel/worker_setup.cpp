#include "parallel/worker_setup.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>

#include "src/fork_safety.hpp"

namespace larder::detail {
namespace {

// Entry points of libraries that the program may or may not have. Written whenever a pool is made, always to what is
// found at that time, so it does not matter whose write a reader sees.
template <class Function>
class entry_point {
 public:
  void find(const char* name) noexcept {
    // POSIX has an object pointer mean the function here.
    at_.store(reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name)), std::memory_order_relaxed);
  }
  /// Null where the program does not have it.
  Function* get() const noexcept { return at_.load(std::memory_order_relaxed); }

 private:
  std::atomic<Function*> at_ = nullptr;
};

constinit entry_point<int()> openmp_threads;
constinit entry_point<void(int)> set_openmp_threads;
constinit entry_point<void(int)> set_openblas_threads;
constinit entry_point<void(int)> set_mkl_threads;
constinit entry_point<void(std::int64_t)> set_blis_threads;

// Unlike the system's numbers of threads these are not used again, so a thread is never taken for one that has ended. A child of
// fork goes on with a copy: the thread that forked is the same one there.
constinit std::atomic<std::uint64_t> threads_numbered = 0;
thread_local constinit std::uint64_t number_of_this_thread = 0;

std::uint64_t this_thread_number() noexcept {
  if (number_of_this_thread == 0)
    number_of_this_thread = 1 + threads_numbered.fetch_add(1, std::memory_order_relaxed);
  return number_of_this_thread;
}

void run_initializer(const parallel_settings& settings, worker_kind kind) {
  // A process of its own has what the thread had that it was forked from; it is another worker nevertheless.
  const bool is_new = settings.initialized->add_this() || kind == worker_kind::own_process;
  if (!is_new) return;
  try {
    settings.initializer();  // entered before: a call of the pool within it does not run it again
  } catch (...) {
    settings.initialized->remove_this();
    throw;
  }
}

void limit_blas(int limit) noexcept {
  if (auto* const set = set_openblas_threads.get()) set(limit);
  if (auto* const set = set_mkl_threads.get()) set(limit);
  if (auto* const set = set_blis_threads.get()) set(limit);
}

}  // namespace

bool initialized_threads::add_this() {
  const std::uint64_t self = this_thread_number();
  const std::lock_guard lock(fork_safe_mutex());
  if (std::ranges::find(threads_, self) != threads_.end()) return false;
  threads_.push_back(self);
  return true;
}

void initialized_threads::remove_this() noexcept {
  const std::lock_guard lock(fork_safe_mutex());
  std::erase(threads_, this_thread_number());
}

void find_thread_libraries() noexcept {
  openmp_threads.find("omp_get_max_threads");
  set_openmp_threads.find("omp_set_num_threads");
  set_openblas_threads.find("openblas_set_num_threads");
  set_mkl_threads.find("MKL_Set_Num_Threads");
  set_blis_threads.find("bli_thread_set_num_threads");
}

worker_scope::worker_scope(const parallel_settings& settings, worker_kind kind) {
  if (settings.initializer) run_initializer(settings, kind);
  if (settings.inner_threads != 0 || settings.workers > 1)
    nested_.emplace(settings.inner_threads != 0 ? settings.inner_threads : 1);
  if (settings.thread_limit == 0) return;
  // GNU OpenMP waits for ever in a child for threads that the parent had: those that allow_threads is about.
  const bool may_wait =
      kind == worker_kind::own_process && settings.allow_threads && settings.inner_threads == 0;
  constexpr auto k_most = static_cast<unsigned>(std::numeric_limits<int>::max());
  const int limit = may_wait ? 1 : static_cast<int>(std::min(settings.thread_limit, k_most));
  auto* const get = openmp_threads.get();
  auto* const set = set_openmp_threads.get();
  if (get != nullptr && set != nullptr) {
    openmp_before_ = get();
    const bool is_right = settings.inner_threads == 0 ? openmp_before_ <= limit : openmp_before_ == limit;
    if (!is_right) (set_openmp_ = set)(limit);
  }
  if (kind == worker_kind::own_process) limit_blas(limit);
}

worker_scope::~worker_scope() {
  if (set_openmp_ != nullptr) set_openmp_(openmp_before_);
}

}  // namespace larder::detail
