#pragma once
// A child that is a snapshot of this process, runs a function and leaves.
//
//   watched_child child = fork_child(line, [&] { ... });   // in the child: runs it and ends there, with _exit

#include <larder/detail/function_ref.hpp>

#include "parallel/lifeline.hpp"
#include "parallel/watched_child.hpp"

namespace larder::detail {

/// The child ignores SIGINT, which the terminal sends to parent and children alike, and dies with its parent. Exit handlers and destructors of static objects do not run in it, also when the
/// function calls exit; of the streams it flushes stdout and std::cout, which were flushed before the fork. `body` must not throw. io_error
/// where the system gives no process. The lifeline lives as long.
watched_child fork_child(const lifeline& line, function_ref<void() noexcept> body);

}  // namespace larder::detail
