#pragma once
// Whether it is safe to fork: in the child only the forking thread exists, and what other threads have locked stays locked.

namespace larder::detail {

/// value_error, saying what to do, where this process has threads that are neither the caller nor idle in larder's own team. Those that have
/// done their tasks are waited for, a second where they have no processor; those that are at tasks are not.
void refuse_foreign_threads();

/// Made by a thread of the team that is at tasks while the caller does something else.
class at_tasks {
 public:
  at_tasks() noexcept;
  ~at_tasks();
  at_tasks(const at_tasks&) = delete;
  at_tasks& operator=(const at_tasks&) = delete;
};

}  // namespace larder::detail
