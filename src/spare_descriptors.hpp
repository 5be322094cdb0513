#pragma once
// Descriptors that stay open only to save time. Where a process, or the system, has none left, they are closed.

namespace larder::detail {

/// Names what closes them, and says whether there were any; it may take fork_safe_mutex. There is one for all.
void set_spare_descriptors(bool (*close_all)() noexcept) noexcept;

/// After a call that failed with this errno: whether it failed for want of descriptors, and some were closed.
bool close_spare_descriptors(int fault) noexcept;

}  // namespace larder::detail
