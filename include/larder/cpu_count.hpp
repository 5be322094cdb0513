#pragma once
// How many processors this process may use.

namespace larder {

enum class cpu_kind {
  logical,   ///< what the system calls a processor: hardware threads
  physical,  ///< cores: hardware threads of one core count once
};

/// The processors in the calling thread's affinity mask; at most what the cgroup quotas (v1 and v2, the process's own group
/// and those above it) come to, rounded up, and at most LARDER_MAX_CPUS; at least 1. Quotas are those of about a second ago at the oldest. value_error if LARDER_MAX_CPUS is set,
/// not empty, and not a whole number of at least 1. Thread-safe.
int cpu_count(cpu_kind kind = cpu_kind::logical);

}  // namespace larder
