#pragma once
// What the worker processes of a pool have in common, and how functions and arguments go to them.

#include <cstdint>

#include <larder/detail/parallel_settings.hpp>
#include <larder/detail/shipment.hpp>

#include "parallel/argument_writer.hpp"

namespace larder::detail {

/// What makes one worker as good as another. The threads are those of parallel_settings.
struct process_kind {
  unsigned inner_threads = 0;
  unsigned thread_limit = 0;
  std::uint64_t max_nbytes = 0;  // of results
  outgoing_message initializer;  // empty: none

  friend bool operator==(const process_kind& a, const process_kind& b) {
    return a.inner_threads == b.inner_threads && a.thread_limit == b.thread_limit &&
           a.max_nbytes == b.max_nbytes && a.initializer.bytes == b.initializer.bytes;
  }
};

/// How arguments go to the workers of a pool.
passing_rules rules_of(const parallel_settings& settings);

/// A function on its way to them: its descriptor, and what it writes. Where its why_not() has nothing against it. not_shippable, io_error.
outgoing_message encode(const parallel_settings& settings, const shipment& shipped);

/// not_shippable for an initializer that cannot go to a worker.
process_kind kind_of(const parallel_settings& settings);

}  // namespace larder::detail
