#pragma once
// What the subcommands of `larder cache` share: DIR, --json, and the directory's catalog.

#include <larder/reduce_options.hpp>

#include <string>

#include <nlohmann/json.hpp>

#include "cache/catalog.hpp"
#include "tools/larder/exit_status.hpp"
#include "tools/larder/report.hpp"

namespace CLI {
class App;
}

namespace larder::command {

struct cache_arguments {
  std::string directory{};
  report_form form = report_form::text;
};

/// Adds a subcommand NAME DIR [--json].
CLI::App& add_cache_subcommand(CLI::App& cache, const std::string& name, const std::string& description,
                               cache_arguments& asked);

/// For what is said of a cache directory: under "directory" in JSON.
report report_on_cache(const cache_arguments& asked);

/// Reports what `look` finds out about it, or the fault that it throws.
template <class Look>
exit_status run_on_cache(const cache_arguments& asked, Look look) {
  report said = report_on_cache(asked);
  said.add(asked.directory, look);
  return said.finish();
}

/// What is in a cache directory. io_error; value_error where a directory is no cache.
detail::catalog read_cache(const std::string& directory);

/// {"entries": ..., "bytes": ...}
nlohmann::json totals_json(const entry_totals& totals);
/// "3 entries, 1.95 MiB (2,048,576 bytes)"
std::string totals_text(const entry_totals& totals);

}  // namespace larder::command
