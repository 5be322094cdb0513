#pragma once
// Standard input and output for what needs a file. Such a file lies in the directory for temporary files (TMPDIR), and is gone with its
// last user.

#include "src/atomic_file.hpp"
#include "src/descriptor.hpp"

namespace larder::command {

/// To be written to, and never published. io_error.
detail::atomic_file nameless_file();

/// All that comes from standard input. io_error.
detail::descriptor nameless_file_of_input();

/// All bytes of a file to standard output. io_error, output_lost.
void print_file(const detail::descriptor& file);

}  // namespace larder::command
