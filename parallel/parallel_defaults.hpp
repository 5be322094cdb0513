#pragma once
// Where options come from that a pool's own leave open.

#include <larder/parallel_options.hpp>

namespace larder::detail {

/// The options, and from `others` what they leave open.
parallel_options completed(parallel_options options, const parallel_options& others);

/// value_error for what is out of its range, among those that are given.
void check_options(const parallel_options& options);

/// What the innermost configuration of this thread says, completed from those around it; null where there is none.
const parallel_options* current_config() noexcept;

/// While it lives, this thread has no configuration: tasks do not see those of the thread that called, which may run them or not.
class no_config {
 public:
  no_config() noexcept;
  ~no_config();
  no_config(const no_config&) = delete;
  no_config& operator=(const no_config&) = delete;

 private:
  const parallel_options* const outer_;
};

}  // namespace larder::detail
