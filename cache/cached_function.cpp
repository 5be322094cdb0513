#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>

#include <larder/error.hpp>
#include <larder/memory.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/entry.hpp"
#include "cache/entry_directory.hpp"
#include "cache/eviction.hpp"
#include "cache/function_names.hpp"
#include "cache/memory_state.hpp"
#include "cache/single_flight.hpp"
#include "src/code_id.hpp"
#include "src/log.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_longest_arguments = 1000;

/// What the system refuses is one cause, whatever was tried.
std::string system_cause(const io_error& e) { return "system " + std::to_string(e.errno_value()); }

std::string code_directory(const cached_core::description& function) {
  const std::string& version = function.options.version;
  return version.empty() ? "b-" + code_id(function.function.code)
                         : "v-" + escaped(version, "cache: the version of " + function.name);
}

/// The positions, in order and each once.
std::vector<std::size_t> ignored_positions(const cached_core::description& function) {
  std::vector<std::size_t> ignore = function.options.ignore;
  std::ranges::sort(ignore);
  ignore.erase(std::unique(ignore.begin(), ignore.end()), ignore.end());
  if (!ignore.empty() && ignore.back() >= function.arity) {
    throw value_error("cache: " + function.name + " has " + std::to_string(function.arity) +
                      " arguments, so there is no argument " + std::to_string(ignore.back()) +
                      " to ignore (the first is 0)");
  }
  return ignore;
}

/// Removes an entry, or whatever lies at its path.
void remove(const cache_directory& directory, const std::string& path) {
  remove_counted(directory, [&path] { return remove_one_entry(path); });
}

class stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

/// Immutable once made, so that any number of threads may use it.
class cached_state {
 public:
  cached_state(std::shared_ptr<const memory_state> m, cached_core::description f)
      : memory(std::move(m)), function(std::move(f)), ignored(ignored_positions(function)) {
    const std::string escaped_name = escaped(function.name, "cache: the name of the function");
    code = code_directory(function);
    if (!memory->location().empty()) {
      directory = memory->location().string() + "/" + escaped_name + "/" + code;
      name.emplace(memory->location().string(), function.name, function.options.version, function.function);
    }

    // docs/format.md, "Keys".
    hash_stream stream;
    stream.sequence(5);
    stream.text("larder key 1");
    stream.text(function.name);
    stream.text(code);
    stream.text(function.result.text);
    stream.sequence(ignored.size());
    for (const std::size_t position : ignored) stream.unsigned_integer(position, 8);
    identity = stream.finish();
  }

  std::shared_ptr<const memory_state> memory;
  cached_core::description function;
  std::vector<std::size_t> ignored;
  std::string code;
  std::string directory;  // empty in a memory that caches nothing
  std::optional<claimed_name> name;
  digest identity;

  std::string path_of(const digest& key) const { return entry_path(directory, key); }

  /// Gives an entry its name, within the limit of bytes if there is one.
  void publish(entry_writer& entry, const std::string& path) const {
    const auto limit = memory->bytes_limit();
    byte_ledger ledger(memory->directory(), limit ? byte_ledger::start::anew : byte_ledger::start::if_kept);
    if (!ledger.is_kept()) return entry.commit();
    if (limit) make_room(ledger, entry.bytes(), *limit);
    ledger.add(entry.bytes());
    const std::uint64_t replaced = entry_bytes(path);
    entry.commit();
    ledger.subtract(replaced);
  }

  /// Removes what was least recently used, and a little more than needed, so that not every store has to.
  void make_room(byte_ledger& ledger, std::uint64_t bytes, std::uint64_t limit) const {
    if (bytes > limit) {
      throw value_error("it has " + std::to_string(bytes) + " bytes, and bytes_limit is " +
                        std::to_string(limit));
    }
    if (ledger.bytes() && *ledger.bytes() <= limit - bytes) return;
    catalog entries = read_catalog(memory->location().string());
    const std::uint64_t there = entries.totals().bytes;
    const std::uint64_t room = limit - bytes;
    if (there <= room) return ledger.set(there);
    const std::uint64_t spare = limit / 10;
    const eviction done = evict(entries, {.bytes = room - std::min(spare, room)});
    ledger.set(done.kept.bytes);
  }

  /// Asks the callback of the user, if there is one.
  bool is_valid(const std::string& metadata, const digest& key) const {
    const auto& callback = function.options.cache_validation_callback;
    return !callback || callback(parse_entry_info(metadata, key));
  }

  /// Whether there is a sound and valid entry; its data are not read.
  bool holds(const digest& key) const {
    std::string metadata;
    try {
      const auto look = [&metadata](value_file& entry) { metadata = entry.structure().metadata; };
      if (!with_entry(path_of(key), object_demand::check, verification::structure, entry_use::look, look))
        return false;
    } catch (const error&) {
      return false;  // what cannot be used is computed again: it counts as absent
    }
    return is_valid(metadata, key);
  }

  /// Stores a result; returns the bytes of the largest array in it. What cannot be stored is an io_error or a value_error.
  std::uint64_t store(const std::string& path, std::string arguments, double seconds, existing at_path,
                      function_ref<void(value_sink&)> write) const {
    if (arguments.size() > k_longest_arguments) arguments = arguments.substr(0, k_longest_arguments) + "…";
    entry_writer entry(memory->directory(), path, at_path, memory->options().compress,
                       {.function = function.name,
                        .code = code,
                        .arguments = std::move(arguments),
                        .host = {},
                        .seconds = seconds,
                        .time = std::chrono::system_clock::now(),
                        .key = {}});
    write(entry);
    publish(entry, path);
    memory->counts().bytes.fetch_add(entry.bytes(), std::memory_order_relaxed);
    return entry.largest_array();
  }
};

namespace {

/// What one call does about its entry.
class cached_call {
 public:
  cached_call(const cached_state& state, const digest& key, pending_call& call)
      : state_(state), memory_(*state.memory), key_(key), call_(call), path_(state.path_of(key)) {}

  /// Whether the result is there, sound and valid. With `load`, the call keeps it then.
  bool look_up(bool load) {
    const stopwatch watch;
    double seconds = 0;
    if (!try_entry([&](value_file& entry) {
          if (load) call_.read(entry);
          seconds = seconds_in(entry.structure().metadata);
        })) {
      return false;
    }
    memory_.counts().hits.fetch_add(1, std::memory_order_relaxed);
    memory_.counts().seconds_saved.fetch_add(seconds, std::memory_order_relaxed);
    if (memory_.options().verbose >= 2) report(": from the cache in", watch.seconds());
    return true;
  }

  /// After look_up failed. Where somebody else computes the result it is waited for; true if it is there then. Otherwise
  /// nobody else computes it as long as `flight` lives.
  bool wait_for_others(std::optional<single_flight>& flight, bool load, outcome& how) {
    // Where nothing can be stored, nothing comes of waiting.
    if (on_busy_option() == on_busy::compute || memory_.stores_fail()) return false;
    flight.emplace(memory_.directory(), key_, memory_.options().wait_limit);
    how = outcome::hit;
    for (;;) {
      const turn now = flight->next();
      if (now == turn::look_again && how != outcome::waited) {
        how = outcome::waited;
        memory_.counts().waits.fetch_add(1, std::memory_order_relaxed);
      }
      if (look_up(load)) return true;
      if (now == turn::compute) return false;
    }
  }

  void compute() {
    // Before the call, which may move from its arguments.
    arguments_ = call_.describe();
    const stopwatch watch;
    call_.compute();
    seconds_ = watch.seconds();
    memory_.counts().misses.fetch_add(1, std::memory_order_relaxed);
    if (memory_.options().verbose >= 1) report(": computed in", seconds_);
  }

  /// Whether the result is in the cache now. A failure, of whatever kind, is a warning: the result is there all the
  /// same. With `load`, a result that comes mapped later is mapped now.
  bool store(existing at_path, bool load) {
    const auto failed = [&](const std::string& cause, const std::exception& e) {
      memory_.set_stores_fail(true);
      memory_.warn_once(
          cause, "cannot store a result of \"" + state_.function.name + "\" in the cache: " + e.what());
      return false;
    };
    std::uint64_t largest_array = 0;
    try {
      if (in_the_way_) remove(memory_.directory(), path_);
      largest_array = state_.store(path_, std::move(arguments_), seconds_, at_path,
                                   [this](value_sink& to) { call_.write(to); });
    } catch (const io_error& e) {
      return failed(system_cause(e), e);
    } catch (const std::exception& e) {
      return failed("store", e);
    }
    memory_.set_stores_fail(false);
    const bool comes_mapped = state_.function.result.holds_arrays && memory_.options().compress == 0 &&
                              largest_array >= k_mapped_bytes;
    if (load && comes_mapped) try_entry([this](value_file& entry) { call_.read(entry); });
    return true;
  }

  /// What to do with an entry that is there and not valid.
  existing at_path() const noexcept { return invalid_ ? existing::replace : existing::keep; }

 private:
  on_busy on_busy_option() const {
    return state_.function.options.on_busy.value_or(memory_.options().on_busy);
  }

  /// Hands the entry to `use`, if it is there, sound and valid. Whatever else is found is a miss, with a warning where it
  /// is damaged. What the callback of the user throws passes through.
  bool try_entry(function_ref<void(value_file&)> use) {
    const memory_options& options = memory_.options();
    const auto object = state_.function.result.is_object ? object_demand::keep : object_demand::check;
    const auto how = options.read_only ? entry_use::peek : entry_use::read;
    std::exception_ptr of_callback;
    bool used = false;
    try {
      with_entry(path_, object, options.verification, how, [&](value_file& entry) {
        try {
          invalid_ = !state_.is_valid(entry.structure().metadata, key_);
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
    }
    if (of_callback) std::rethrow_exception(of_callback);
    return used;
  }

  void note_miss(bool damaged, const std::string& cause, const char* what) {
    // It is looked at once more, before it is computed.
    if (damaged && !in_the_way_) memory_.counts().corrupt.fetch_add(1, std::memory_order_relaxed);
    in_the_way_ = damaged;
    memory_.warn_once(cause, std::string(what) + " (a result of \"" + state_.function.name +
                                 "\" in the cache: it is computed again)");
  }

  void report(const char* what, double seconds) const {
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), " %.3f s", seconds);
    log(log_level::info, state_.function.name + what + time.data());
  }

  const cached_state& state_;
  const memory_state& memory_;
  const digest& key_;
  pending_call& call_;
  std::string path_;
  bool in_the_way_ = false;  // what lies at the path is damaged, or no entry
  bool invalid_ = false;     // what lies there was refused by the callback
  std::string arguments_;
  double seconds_ = 0;
};

}  // namespace

cached_core::cached_core(const std::shared_ptr<const memory_state>& memory, description function)
    : state_(std::make_shared<const cached_state>(memory, std::move(function))) {}

bool cached_core::ignores(std::size_t position) const noexcept {
  return std::ranges::binary_search(state_->ignored, position);
}

void cached_core::start_key(hash_stream& stream) const {
  stream.array(state_->identity);
  const std::size_t state = state_->function.has_state ? 1 : 0;
  stream.sequence(state + state_->function.arity - state_->ignored.size());
}

outcome cached_core::evaluate(const digest& key, pending_call& call) const {
  if (!state_->memory->usable()) {
    call.compute();
    return outcome::bypassed;
  }
  return obtain(key, call, true).how;
}

bool cached_core::shelve(const digest& key, pending_call& call) const {
  if (!state_->memory->usable()) {
    call.compute();
    return false;
  }
  return obtain(key, call, false).stored;
}

cached_core::obtained cached_core::obtain(const digest& key, pending_call& call, bool load) const {
  cached_call here(*state_, key, call);
  if (here.look_up(load)) return {outcome::hit, true};
  if (state_->memory->options().read_only) {
    here.compute();
    return {outcome::bypassed, false};
  }
  std::optional<single_flight> flight;
  outcome how{};
  if (here.wait_for_others(flight, load, how)) return {how, true};
  here.compute();
  return {outcome::computed, here.store(here.at_path(), load)};
}

void cached_core::compute(const digest& key, pending_call& call) const {
  const memory_state& memory = *state_->memory;
  if (!memory.usable()) return call.compute();
  cached_call here(*state_, key, call);
  here.compute();
  if (!memory.options().read_only) here.store(existing::replace, true);
}

void cached_core::store(const digest& key, std::string arguments,
                        function_ref<void(value_sink&)> write) const {
  const memory_state& memory = *state_->memory;
  if (memory.options().read_only || memory.location().empty()) {
    throw value_error("store: a result of \"" + state_->function.name + "\" cannot be stored: the memory " +
                      (memory.options().read_only ? "is read-only" : "has no location"));
  }
  const std::string path = state_->path_of(key);
  state_->store(path, std::move(arguments), 0, existing::replace, write);
}

bool cached_core::contains(const digest& key) const { return state_->memory->usable() && state_->holds(key); }

void cached_core::forget(const digest& key) const {
  if (!state_->directory.empty()) remove(state_->memory->directory(), path_of(key));
}

void cached_core::clear() const {
  if (state_->directory.empty()) return;
  remove_counted(state_->memory->directory(), [this] { return remove_entries_of_code(state_->directory); });
}

std::string cached_core::path_of(const digest& key) const { return state_->path_of(key); }

verification cached_core::verification() const noexcept { return state_->memory->options().verification; }

void load_entry(const std::string& path, bool is_object, verification verify,
                function_ref<void(value_source&)> read) {
  const auto object = is_object ? object_demand::keep : object_demand::check;
  if (path.empty()) throw value_error("a shelved result that refers to nothing cannot be loaded");
  if (!with_entry(path, object, verify, entry_use::read, [&](value_file& entry) { read(entry); })) {
    throw io_error(path, "the shelved result is not in the cache any more", ENOENT);
  }
}

void remove_shelved(const std::string& path) {
  const std::string location = location_of_entry(path);
  remove({.location = location}, path);
}

void refuse_taken() {
  throw value_error("a shelved result that could not be stored and cannot be copied was taken already");
}

}  // namespace larder::detail
