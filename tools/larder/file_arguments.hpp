#pragma once
// The command line that most subcommands share: FILE... and --json.

#include <functional>
#include <string>
#include <vector>

#include "tools/larder/report.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {

struct file_arguments {
  std::vector<std::string> files{};  ///< one or more
  report_form form = report_form::text;
};

/// Adds a subcommand NAME FILE... [--json], which does `run`.
void add_file_subcommand(CLI::App& program, const std::string& name, const std::string& description,
                         action& chosen, std::function<exit_status(const file_arguments&)> run);

/// Adds --json to a subcommand.
void add_json_flag(CLI::App& subcommand, report_form& form);

/// A name that is no file's, as it stood on the command line, where "./" may have been put before it.
std::string as_given(const std::string& name);

}  // namespace larder::command
