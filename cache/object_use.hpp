#pragma once
// Whether anybody has a file open, or mapped. The kernel knows: it gives a write lease on a file only when nobody else has it. So whoever
// maps an object says nothing to anybody, be it a worker that got it by a descriptor, or a program that is not larder's; and
// what was killed holds nothing.

#include <string>

namespace larder::detail {

enum class file_use {
  absent,
  unused,
  used,
  unknown,  ///< leases say nothing: on file systems of other machines and overlays, on what is no file, and where it may not be read
};

file_use use_of(const std::string& path);

enum class removable {
  object,       ///< also where its use is unknown (who has it keeps it), but not where it is pinned
  left_behind,  ///< a file that somebody may be at work on: not where its use is unknown
};
/// Unlinks a file that nobody has open; returns what it was found to be: `used` stays, and `unknown` as `which` says. Who opens it at the
/// same time waits for a moment, and has it. io_error.
file_use remove_unused(const std::string& path, removable which);

}  // namespace larder::detail
