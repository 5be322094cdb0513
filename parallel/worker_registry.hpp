#pragma once
// The workers of this process that are in no call. They stay for the calls to come, of any pool, until they were idle for long.

#include <memory>

#include "parallel/worker_process.hpp"

namespace larder::detail {

/// One of that kind, new if there is none that is idle. value_error, io_error. Thread-safe.
std::unique_ptr<worker_process> take_worker(const process_kind& kind);

/// That has done all that it was sent. Thread-safe.
void give_back_worker(std::unique_ptr<worker_process> worker) noexcept;

}  // namespace larder::detail
