#pragma once
// Whether it is safe to fork: in the child only the forking thread exists, and what other threads have locked stays locked.

namespace larder::detail {

/// value_error, saying what to do, where this process has threads that are neither the caller nor idle in larder's own team.
void refuse_foreign_threads();

}  // namespace larder::detail
