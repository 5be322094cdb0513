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
  unknown,  ///< the system gives no leases: on file systems of other machines, and on files of others
};

file_use use_of(const std::string& path);

/// Unlinks a file that nobody has open; returns what it was found to be: `unused` is gone then, and `unknown` if it is to be removed, too
/// (those who have it keep it). Who opens it at the same time waits for a moment, and has it. io_error.
enum class where_unknown { remove, keep };
file_use remove_unused(const std::string& path, where_unknown what_to_do);

}  // namespace larder::detail
