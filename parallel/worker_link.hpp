#pragma once
// The memory that a worker process and its parent share, beside the logs in which their messages lie.

#include <atomic>
#include <cstdint>

#include <larder/detail/stop_state.hpp>

#include "parallel/batch_results.hpp"
#include "parallel/worker_slot.hpp"

namespace larder::detail {

/// Who has a worker. It leaves by itself when it was idle for long: so its parent takes it, and it takes itself, by one exchange
/// of this word.
enum class worker_state : std::uint32_t {
  idle,
  taken,  ///< by a call, or about to be
  gone,   ///< it is leaving
};

struct worker_link {
  // The parent writes. What lies in the log of messages to the worker before `sent` is visible to who sees the number.
  alignas(64) std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> packets = 0;  // of descriptors that were sent: see file_table
  std::atomic<std::uint32_t> posts = 0;    // changes after each change of `sent`: what the worker sleeps on
  std::atomic<std::int64_t> idle_timeout = 0;    // nanoseconds in no call, after which the worker leaves
  std::atomic<std::int64_t> idle_since = 0;      // by the steady clock, of an idle one
  stop_state stop;                               // nothing that was sent is wanted
  std::atomic<std::uint32_t> parent_sleeps = 0;  // or is about to, and has to be woken

  // The worker writes.
  alignas(64) std::atomic<std::uint32_t> sleeps = 0;  // or is about to, and has to be woken
  std::atomic<std::uint32_t> is_ready = 0;            // it has begun

  std::atomic<std::uint64_t> serial = 0;  // of the batch that it is at; 0: none
  std::atomic<std::uint32_t> news = 0;  // changes after what it has published, where the parent wants to know

  alignas(64) std::atomic<worker_state> state = worker_state::taken;

  worker_slot slot;  // what it tells all the time
  result_stage stage;
};
static_assert(std::atomic<worker_state>::is_always_lock_free);

}  // namespace larder::detail
