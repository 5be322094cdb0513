#pragma once
// What one call of a cached function does about its entry.

#include <exception>
#include <optional>
#include <string>

#include <larder/detail/cached_core.hpp>

#include "cache/cached_state.hpp"
#include "cache/single_flight.hpp"

namespace larder::detail {

class cached_call {
 public:
  /// All of them live as long.
  cached_call(const cached_state& state, const digest& key, pending_call& call);

  /// Whether the result is there, sound and valid. With `load`, the call keeps it then. What the callback of the user
  /// throws passes through.
  bool look_up(bool load);

  /// After look_up failed. Where somebody else computes the result it is waited for; how the result came if it is there
  /// then. Otherwise nobody else computes it as long as this lives.
  std::optional<outcome> wait_for_others(bool load);

  /// What the function throws passes through.
  void compute();

  /// Whether the result is in the cache now. A failure, of whatever kind, is a warning: the result is there all the
  /// same. With `load`, a result that comes mapped later is mapped now.
  bool store(existing at_path, bool load);
  /// What to do with what is at the path when a result that was looked up is stored.
  existing at_path() const noexcept { return invalid_ ? existing::replace : existing::keep; }

 private:
  enum class validity { ask, given };
  bool try_entry(bool load, validity check, function_ref<void(value_file&)> use);
  void note_miss(bool damaged, const std::string& cause, const char* what);
  void report(const std::string& arguments, const char* what, double seconds) const;

  const cached_state& state_;
  const memory_state& memory_;
  const digest& key_;
  pending_call& call_;
  std::string path_;
  std::optional<single_flight> flight_;
  bool in_the_way_ = false;             // what lies at the path is damaged, or no entry
  bool invalid_ = false;                // what lies there was refused by the callback
  std::optional<std::string> refused_;  // its metadata
  bool stored_ = false;                 // by this call
  std::string arguments_;
  double seconds_ = 0;
};

}  // namespace larder::detail
