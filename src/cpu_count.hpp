#pragma once
// How many processors are worth using for work of the library's own; <larder/cpu_count.hpp> is what users count with.

#include <optional>

namespace larder::detail {

/// As cpu_count(), for hashing, reading and writing, which are no place to complain of an environment variable: nonsense in
/// it means 1.
///
/// Under 1 us: it is asked for each large array. A changed affinity mask or variable counts at once. Quotas take tens of
/// microseconds to look up: both functions remember them for about a second.
unsigned cpus_for_core_work() noexcept;

/// The quotas as of at most about a second ago. Thread-safe without a lock, also in children of fork.
std::optional<unsigned> recent_cgroup_quota() noexcept;

}  // namespace larder::detail
