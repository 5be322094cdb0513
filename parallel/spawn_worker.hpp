#pragma once
// How a worker process begins: as the running program once more, from which larder::init makes a worker.

#include <sys/types.h>

#include "parallel/process_kind.hpp"

namespace larder::detail {

/// Whether this program begins with init, where its workers begin.
bool is_initialized() noexcept;

/// Starts one, which has the socket as its k_worker_socket, the standard streams but for input, and nothing else open. It works also where the
/// program's file is gone from its place. value_error where main did not call init; io_error.
pid_t spawn_worker(const process_kind& kind, int socket);

}  // namespace larder::detail
