#pragma once
// How many workers a call has where it is made.

#include <larder/detail/parallel_settings.hpp>

namespace larder::detail {

/// Those of its pool; inside a task as many as the task may use threads, which is 1 unless its pool says otherwise. With 1 a call runs
/// in its own thread, whatever the backend.
unsigned worker_count(const parallel_settings& settings) noexcept;

}  // namespace larder::detail
