#pragma once
// What this process and those that it has started have in memory together.

#include <sys/types.h>

#include <vector>

namespace larder_bench {

using process_ids = std::vector<pid_t>;

/// This process and its children. (Workers begin with the first call that needs them.)
process_ids this_and_children();

/// PSS: pages that several processes have mapped count in parts, which add up to one. All in bytes, of all together.
double proportional_bytes(const process_ids& ids);

/// RSS: such pages count once for each process.
double resident_bytes(const process_ids& ids);

/// Lets peaks begin at what is resident now.
void reset_peaks(const process_ids& ids);

/// The sum of the processes' own peaks, each since it was reset.
double peak_resident_bytes(const process_ids& ids);

}  // namespace larder_bench
