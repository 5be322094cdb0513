#pragma once
// How much processor time the control groups of this process allow it: what containers and batch systems limit.

#include <optional>
#include <string>

namespace larder::detail {

/// The processors that the quotas come to, of the process's own group and of those above it that can be seen: the smallest,
/// rounded up, at least 1. None where no group has one. Version 1 (cpu.cfs_quota_us and cpu.cfs_period_us) and version 2 (cpu.max),
/// also mixed; group namespaces and mounts of a part of the hierarchy, as in containers. What cannot be read or
/// understood is not there. Reads some files, which takes tens of microseconds.
///
/// `root` comes before each path, /proc/self/cgroup, /proc/self/mountinfo and the mounts that are named there: the root of another
/// tree of files, for tests.
std::optional<unsigned> cgroup_quota(const std::string& root = {});

}  // namespace larder::detail
