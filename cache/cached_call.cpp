#include "cache/cached_call.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include <larder/error.hpp>

#include "cache/argument_text.hpp"
#include "cache/entry_directory.hpp"
#include "src/log.hpp"

namespace larder::detail {
namespace {

/// What the system refuses is one cause, whatever was tried.
std::string system_cause(const io_error& e) { return "system " + std::to_string(e.errno_value()); }

class stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

cached_call::cached_call(const cached_state& state, const digest& key, pending_call& call)
    : state_(state), memory_(state.memory()), key_(key), call_(call), path_(state.path_of(key)) {}

bool cached_call::look_up(bool load) {
  // A hit takes so little that looking at the clock shows.
  std::optional<stopwatch> watch;
  if (memory_.options().verbose >= 2) watch.emplace();
  double seconds = 0;
  const bool found = try_entry(load, validity::ask, [&](value_file& entry) {
    if (load) call_.read(entry);
    seconds = seconds_in(entry.structure().metadata);
  });
  if (!found) return false;
  memory_.counts().hits.fetch_add(1, std::memory_order_relaxed);
  memory_.counts().seconds_saved.fetch_add(seconds, std::memory_order_relaxed);
  if (watch) report(call_.describe(), ": from the cache in", watch->seconds());
  return true;
}

std::optional<outcome> cached_call::find(bool load) {
  // Asked once, since other calls change it at any time.
  const bool waits = can_wait();
  // Misses come in rows, and so do hits.
  if (waits && state_.missed_last() && misses_at_once()) return std::nullopt;
  if (look_up(load)) {
    state_.note_last(false);
    return outcome::hit;
  }
  const auto how = waits ? wait_for_others(load) : std::nullopt;
  state_.note_last(!how);
  return how;
}

/// Where nothing can be stored, nothing comes of waiting.
bool cached_call::can_wait() const noexcept {
  const on_busy busy = state_.function().options.on_busy.value_or(memory_.options().on_busy);
  return busy == on_busy::wait && !memory_.options().read_only && !memory_.stores_fail();
}

void cached_call::begin_flight() {
  flight_.emplace(memory_.directory(), memory_.lock_files(), key_, memory_.options().wait_limit);
}

/// Begins with the lock, which spares the first of two looks. Where anything lies at the path, or somebody else is at it, it was in vain: what
/// is there is looked at without the lock, since callbacks and `serialize` of the user may take their time, and locks of their own.
bool cached_call::misses_at_once() {
  begin_flight();
  if (flight_->try_begin() && !is_there(path_)) return true;
  flight_.reset();
  return false;
}

std::optional<outcome> cached_call::wait_for_others(bool load) {
  begin_flight();
  outcome how = outcome::hit;
  for (;;) {
    const turn now = flight_->next();
    if (now == turn::look_again && how != outcome::waited) {
      how = outcome::waited;
      memory_.counts().waits.fetch_add(1, std::memory_order_relaxed);
    }
    if (is_there(path_) && look_up(load)) return how;
    if (now == turn::compute || memory_.stores_fail()) return std::nullopt;
  }
}

void cached_call::compute() {
  // Before the call, which may move from its arguments.
  arguments_ = call_.describe();
  const stopwatch watch;
  call_.compute();
  seconds_ = watch.seconds();
  memory_.counts().misses.fetch_add(1, std::memory_order_relaxed);
  if (memory_.options().verbose >= 1) report(arguments_, ": computed in", seconds_);
}

bool cached_call::store(existing at_path, bool load) {
  const auto failed = [&](const std::string& cause, const char* what) {
    memory_.warn_once(cause,
                      "cannot store a result of \"" + state_.function().name + "\" in the cache: " + what);
    return false;
  };
  std::uint64_t largest_array = 0;
  try {
    if (in_the_way_) remove_one_counted(memory_.directory(), path_);
    largest_array = state_.store(path_, arguments_, seconds_, at_path, flight_ ? flight_->lock() : nullptr,
                                 [this](value_sink& to) { call_.write(to); });
  } catch (const io_error& e) {
    memory_.set_stores_fail(true);
    return failed(system_cause(e), e.what());
  } catch (const std::exception& e) {  // this result cannot be stored: it is too large, say
    return failed("store " + state_.function().name, e.what());
  } catch (...) {
    return failed("store " + state_.function().name, "its type threw something that is no std::exception");
  }
  memory_.set_stores_fail(false);
  stored_ = true;
  const bool comes_mapped = state_.function().result.holds_arrays && memory_.options().compress == 0 &&
                            largest_array >= k_mapped_bytes;
  if (load && comes_mapped)
    try_entry(true, validity::given, [this](value_file& entry) { call_.read(entry); });
  return true;
}

/// Hands the entry to `use`, if it is there, sound and valid; without `load`, what it holds is not read. Whatever else is
/// found is a miss, with a warning where it is damaged.
bool cached_call::try_entry(bool load, validity check, function_ref<void(value_file&)> use) {
  const memory_options& options = memory_.options();
  const bool is_object = state_.function().result.is_object;
  const auto object = !load ? object_demand::skip : is_object ? object_demand::keep : object_demand::check;
  const auto how = options.read_only ? entry_use::peek : entry_use::read;
  std::exception_ptr of_callback;
  bool used = false;
  try {
    with_entry(path_, object, options.verification, how, [&](value_file& entry) {
      const std::string& metadata = entry.structure().metadata;
      try {
        // Of each entry it is asked once.
        invalid_ = check == validity::ask && (metadata == refused_ || !state_.is_valid(metadata, key_));
        if (invalid_) refused_ = metadata;
      } catch (...) {
        of_callback = std::current_exception();
        return;
      }
      if (invalid_) return;
      use(entry);
      used = true;
    });
  } catch (const io_error& e) {
    // What the system refuses for want of descriptors or memory says nothing of the entry.
    const int fault = e.errno_value();
    const bool says_something =
        fault == EACCES || fault == EISDIR || fault == ELOOP || fault == EIO || fault == ENOTSUP;
    note_miss(says_something, system_cause(e), e.what());
  } catch (const error& e) {
    note_miss(true, path_, e.what());
  } catch (const std::exception& e) {  // no memory; or a `serialize` of the user throws
    note_miss(false, "load", e.what());
  } catch (...) {
    note_miss(false, "load", "its type threw something that is no std::exception");
  }
  if (of_callback) std::rethrow_exception(of_callback);
  return used;
}

void cached_call::note_miss(bool damaged, const std::string& cause, const char* what) {
  // It is looked at once more, before it is computed.
  if (damaged && !in_the_way_) memory_.counts().corrupt.fetch_add(1, std::memory_order_relaxed);
  in_the_way_ = damaged;
  memory_.warn_once(
      cause, std::string(what) + " (a result of \"" + state_.function().name +
                 "\" in the cache: " + (stored_ ? "the computed one is used" : "it is computed again") + ")");
}

void cached_call::report(const std::string& arguments, const char* what, double seconds) const {
  constexpr std::size_t k_longest = 120;
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), " %.3f s", seconds);
  log(log_level::info,
      state_.function().name + "(" + cut_text(arguments, k_longest) + ")" + what + time.data());
}

}  // namespace larder::detail
