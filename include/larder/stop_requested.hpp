#pragma once
// For long tasks: whether there is any use in going on.

namespace larder {

/// Inside a task of a parallel call: whether the call has failed, its consumer is gone, or this task has been cancelled or is over
/// its time. Its result will not be used, so it may return whatever it likes or throw. false outside of tasks. In children of fork, which are killed instead, it says nothing of their
/// own call; in worker processes it does, but they are killed if they do not stop within milliseconds, and at once when over their time. Cheap: some
/// nanoseconds; with a timeout also a look at the clock.
bool stop_requested() noexcept;

}  // namespace larder
