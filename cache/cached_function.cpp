#include <larder/cached_function.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <larder/error.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/cached_call.hpp"
#include "cache/cached_state.hpp"
#include "cache/entry.hpp"
#include "cache/entry_directory.hpp"
#include "cache/memory_state.hpp"

namespace larder::detail {

cached_core::cached_core(const std::shared_ptr<const memory_state>& memory, description function)
    : state_(std::make_shared<const cached_state>(memory, std::move(function))) {}

bool cached_core::ignores(std::size_t position) const noexcept {
  return std::ranges::binary_search(state_->ignored(), position);
}

void cached_core::start_key(hash_stream& stream) const {
  stream.array(state_->identity());
  const std::size_t state = state_->function().has_state ? 1 : 0;
  stream.sequence(state + state_->function().arity - state_->ignored().size());
}

outcome cached_core::evaluate(const digest& key, pending_call& call) const {
  return obtain(key, call, true).how;
}

bool cached_core::shelve(const digest& key, pending_call& call) const {
  return obtain(key, call, false).stored;
}

cached_core::obtained cached_core::obtain(const digest& key, pending_call& call, bool load) const {
  cached_call here(*state_, key, call);
  const bool usable = state_->memory().usable();
  if (usable) {
    if (const auto how = here.find(load)) return {*how, true};
  }
  here.compute();
  if (!usable || state_->memory().options().read_only) return {outcome::bypassed, false};
  return {outcome::computed, here.store(here.at_path(), load)};
}

void cached_core::compute(const digest& key, pending_call& call) const {
  const memory_state& memory = state_->memory();
  cached_call here(*state_, key, call);
  here.compute();
  if (memory.usable() && !memory.options().read_only) here.store(existing::replace, true);
}

void cached_core::store(const digest& key, const std::string& arguments,
                        function_ref<void(value_sink&)> write) const {
  const memory_state& memory = state_->memory();
  memory.require_writable("store");
  if (!memory.usable()) {
    throw value_error("store: a result of \"" + state_->function().name +
                      "\" cannot be stored: the memory has " +
                      (memory.location().empty() ? "no location" : "a location that is not trusted"));
  }
  const std::string path = state_->path_of(key);
  state_->store(path, arguments, 0, existing::replace, nullptr, write);
}

bool cached_core::contains(const digest& key) const {
  return state_->memory().usable() && state_->holds(key);
}

void cached_core::forget(const digest& key) const {
  state_->memory().require_writable("forget");
  if (!state_->directory().empty()) remove_one_counted(state_->memory().directory(), path_of(key));
}

void cached_core::clear() const {
  state_->memory().require_writable("clear");
  if (state_->directory().empty()) return;
  remove_counted(state_->memory().directory(),
                 [this] { return remove_entries_of_code(state_->directory()); });
}

std::string cached_core::path_of(const digest& key) const { return state_->path_of(key); }

verification cached_core::verification() const noexcept { return state_->memory().options().verification; }

void load_entry(const std::string& path, bool is_object, verification verify,
                function_ref<void(value_source&)> read) {
  const auto object = is_object ? object_demand::keep : object_demand::check;
  if (path.empty()) throw value_error("a shelved result that refers to nothing cannot be loaded");
  if (!with_entry(path, object, verify, entry_use::read, [&](value_file& entry) { read(entry); })) {
    throw io_error(path, "the shelved result is not in the cache any more", ENOENT);
  }
}

void remove_shelved(const std::string& path) {
  remove_one_counted({.location = location_of_entry(path)}, path);
}

void refuse_taken() {
  throw value_error("a shelved result that could not be stored and cannot be copied was taken already");
}

}  // namespace larder::detail
