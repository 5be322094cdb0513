#include "cache/cached_state.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <larder/error.hpp>

#include "cache/argument_text.hpp"
#include "cache/catalog.hpp"
#include "cache/claimed_name.hpp"
#include "cache/entry_directory.hpp"
#include "cache/entry_name.hpp"
#include "cache/eviction.hpp"
#include "src/code_id.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_longest_arguments = 1000;

std::string code_directory(const cached_core::description& function) {
  const std::string& version = function.options.version;
  return version.empty() ? "b-" + code_id(function.function.code)
                         : "v-" + escaped(version, "cache: the version of " + function.name);
}

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

}  // namespace

cached_state::cached_state(std::shared_ptr<const memory_state> memory, cached_core::description function)
    : memory_(std::move(memory)), function_(std::move(function)), ignored_(ignored_positions(function_)) {
  const std::string name = escaped(function_.name, "cache: the name of the function");
  code_ = code_directory(function_);
  const std::string location = memory_->location().string();
  if (!location.empty()) {
    directory_ = location + "/" + name + "/" + code_;
    claim_name(location, function_.name, function_.options.version, function_.function);
  }

  // docs/format.md, "Keys of cached calls".
  hash_stream stream;
  stream.sequence(5);
  stream.text("larder key 1");
  stream.text(function_.name);
  stream.text(code_);
  stream.text(function_.result.text);
  stream.sequence(ignored_.size());
  for (const std::size_t position : ignored_) stream.unsigned_integer(position, 8);
  identity_ = stream.finish();
}

std::string cached_state::path_of(const digest& key) const { return entry_path(directory_, key); }

bool cached_state::is_valid(const std::string& metadata, const digest& key) const {
  const auto& callback = function_.options.cache_validation_callback;
  return !callback || callback(parse_entry_info(metadata, key));
}

bool cached_state::holds(const digest& key) const {
  std::string metadata;
  try {
    const auto look = [&metadata](value_file& entry) { metadata = entry.structure().metadata; };
    if (!with_entry(path_of(key), object_demand::skip, verification::structure, entry_use::look, look))
      return false;
  } catch (const error&) {
    return false;  // what cannot be used is computed again: it counts as absent
  }
  return is_valid(metadata, key);
}

std::uint64_t cached_state::store(const std::string& path, const std::string& arguments, double seconds,
                                  existing at_path, const lock_file* open,
                                  function_ref<void(value_sink&)> write) const {
  entry_writer entry(memory_->directory(), path, at_path, memory_->options().compress,
                     {.function = function_.name,
                      .code = code_,
                      .arguments = cut_text(arguments, k_longest_arguments),
                      .host = {},
                      .seconds = seconds,
                      .time = std::chrono::system_clock::now(),
                      .key = {}},
                     memory_->bytes_limit());
  write(entry);
  entry.sync();
  publish(entry, path, open);
  entry.sync_name();
  memory_->counts().bytes.fetch_add(entry.bytes(), std::memory_order_relaxed);
  return entry.largest_array();
}

/// Gives an entry its name.
void cached_state::publish(entry_writer& entry, const std::string& path, const lock_file* open) const {
  const auto limit = memory_->bytes_limit();
  if (!limit && open != nullptr && !byte_ledger::is_kept_in(*open)) return entry.commit();
  byte_ledger ledger(memory_->directory(), limit ? byte_ledger::start::anew : byte_ledger::start::if_kept);
  if (limit && !ledger.is_kept()) {
    throw io_error(memory_->location().string() + "/" + k_lock_file,
                   "bytes_limit cannot be kept, since this file cannot be opened", ledger.fault());
  }
  if (!ledger.is_kept()) return entry.commit();
  if (limit) make_room(ledger, entry.bytes(), *limit);
  ledger.add(entry.bytes());
  const std::uint64_t replaced = entry_bytes(path);
  entry.commit();
  ledger.subtract(replaced);
}

/// Removes what was least recently used, and a little more than needed, so that not every store has to.
void cached_state::make_room(byte_ledger& ledger, std::uint64_t bytes, std::uint64_t limit) const {
  const std::uint64_t room = limit - bytes;  // what is larger was refused
  if (ledger.bytes() && *ledger.bytes() <= room) return;
  catalog entries = read_catalog(memory_->location().string());
  const std::uint64_t there = entries.totals().bytes;
  if (there <= room) return ledger.set(there);
  const std::uint64_t spare = limit / 10;
  const eviction done = evict(entries, {.bytes = room - std::min(spare, room)});
  ledger.set(done.kept.bytes);
}

}  // namespace larder::detail
