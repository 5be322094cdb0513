#pragma once
// How many processors this process may use: what n_jobs = -1 and the readers and hashers count with.

namespace larder::detail {

/// The processors in the calling thread's affinity mask, capped by the environment variable LARDER_MAX_CPUS;
/// at least 1. Asks the system anew at each call (under 1 us), so that a changed mask counts at once.
/// Container quotas are not looked at yet. Throws value_error if LARDER_MAX_CPUS is set, not empty, and not a
/// whole number of at least 1.
unsigned usable_cpus();

/// The same for hashing, reading and writing, which are no place to complain of an environment variable: nonsense in
/// it means 1.
unsigned cpus_for_core_work() noexcept;

}  // namespace larder::detail
