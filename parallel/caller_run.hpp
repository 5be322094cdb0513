#pragma once
// Tasks that run in the thread that calls, one after the other.

#include <cstddef>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/task_batch.hpp>
#include <larder/parallel_stats.hpp>

namespace larder::detail {

/// Settles the batch. A task that has taken longer than the timeout is a fault of its.
void run_in_caller(const parallel_settings& settings, task_batch& batch);

}  // namespace larder::detail
