#pragma once
// What is said to a worker process: messages in the order of their log, each beginning with its kind.

#include <cstddef>
#include <cstdint>

namespace larder::detail {

enum class worker_message : std::uint8_t {
  /// Once, first of all: u64 max_nbytes of results; u32 threads of calls within tasks; the modules of the parent (write_modules); the rest is
  /// the initializer, as of a call, if there is one.
  setup = 1,
  /// u64 number; the rest is the call: a task descriptor (write_descriptor) and what its shipment writes.
  call = 2,
  /// u64 number: no batches of it come any more.
  forget_call = 3,
  /// batch_head, and the inputs of the tasks.
  batch = 4,
  /// u32 how many, the u64 numbers of files whose arrays do not come any more.
  forget_files = 5,
};

/// Tasks of a call, which have the indices first, first + 1, ... in it.
struct batch_head {
  std::uint64_t serial;  // of the batch: over 0, and no other of its parent has it
  std::uint64_t call;
  std::uint64_t first;
  std::uint64_t count;
  std::uint64_t begin;   // the first task of the batch that is to be run
  std::int64_t timeout;  // nanoseconds; 0: none
  std::uint64_t whole;   // 1: the tasks make one result together
  std::uint64_t wakes;   // 1: the parent wants each result as soon as it is there; 0: when all are
};

/// How descriptors come with the first message of the socket, which is one byte.
enum class worker_descriptor : std::size_t { link, inbox, outbox, results, event, lifeline, count };

/// The environment variable of a worker: the parent's number; the socket has a descriptor of its own.
inline constexpr const char* k_worker_variable = "LARDER_WORKER_OF";
inline constexpr int k_worker_socket = 3;
/// What it is called. (It may have lost its environment.)
inline constexpr const char* k_worker_name = "larder-worker";

}  // namespace larder::detail
