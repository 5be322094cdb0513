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

  /// How the result came, if it is there, sound and valid: it is looked for, and where somebody else computes it, waited for. Otherwise
  /// nobody else computes it as long as this lives. With `load`, the call keeps it then. What the callback of the user
  /// throws passes through.
  std::optional<outcome> find(bool load);

  /// What the function throws passes through.
  void compute();

  /// Whether the result is in the cache now. A failure, of whatever kind, is a warning: the result is there all the
  /// same. With `load`, a result that comes mapped later is mapped now.
  bool store(existing at_path, bool load);
  /// What to do with what is at the path when a result that was looked up is stored.
  existing at_path() const noexcept { return invalid_ ? existing::replace : existing::keep; }

 private:
  enum class validity { ask, given };
  bool look_up(bool load);
  bool can_wait() const noexcept;
  void begin_flight();
  bool misses_at_once();
  std::optional<outcome> wait_for_others(bool load);
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
