#pragma once
// The subcommands, each in a file of its own, NAME.cpp. Each adds itself to the program and, where the command line asks
// for it, puts what it does into `chosen`; main calls that when the whole line is known to be right.

#include <functional>

#include "tools/larder/exit_status.hpp"

namespace CLI {
class App;
}

namespace larder::command {

/// Throws output_lost; what is wrong with files it reports.
using action = std::function<exit_status()>;

void add_info(CLI::App& program, action& chosen);
void add_verify(CLI::App& program, action& chosen);
void add_reseal(CLI::App& program, action& chosen);
void add_convert(CLI::App& program, action& chosen);
void add_cache(CLI::App& program, action& chosen);
void add_store(CLI::App& program, action& chosen);

}  // namespace larder::command
