#pragma once
// What went wrong with one file.

#include <string>

#include "tools/larder/exit_status.hpp"

namespace larder::command {

struct fault {
  exit_status status;
  std::string code;  ///< of the format ("E_TRAILER"), or of the system ("ENOENT"); "EINVAL" for a bad option
  std::string text;  ///< names the file
};

/// The exception that is being handled. Rethrows what is no fault of a file.
fault current_fault(const std::string& path);

}  // namespace larder::command
