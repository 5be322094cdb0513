// larder cache SUBCOMMAND DIR: what is in a cache directory, and less of it.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {

void add_cache(CLI::App& program, action& chosen) {
  CLI::App* cache =
      program.add_subcommand("cache", "Shows what is in a cache directory, checks it, and makes it smaller");
  cache->require_subcommand(1);
  add_cache_ls(*cache, chosen);
  add_cache_show(*cache, chosen);
  add_cache_stats(*cache, chosen);
  add_cache_prune(*cache, chosen);
  add_cache_clear(*cache, chosen);
  add_cache_verify(*cache, chosen);
  cache->footer(
      "Examples:\n"
      "  larder cache ls cache-dir                             results by function and version\n"
      "  larder cache show cache-dir 3f2a                      one of them, by the first digits of its key\n"
      "  larder cache prune cache-dir --max-bytes 10G --max-age 30d --dry-run\n"
      "  larder cache prune cache-dir --other-versions         "
      "of each function only the version used last stays\n"
      "  larder cache verify cache-dir --delete-damaged");
}

}  // namespace larder::command
