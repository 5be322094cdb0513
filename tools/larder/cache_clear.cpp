// larder cache clear DIR [FUNCTION]: removes all results, or those of one function.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <optional>
#include <string>

#include "cache/byte_ledger.hpp"
#include "cache/entry_directory.hpp"
#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct clear_arguments : cache_arguments {
  std::optional<std::string> function{};
};

detail::catalog entries_of(const clear_arguments& asked) {
  detail::catalog all = read_cache(asked.directory);
  if (!asked.function) return all;
  detail::catalog found = detail::read_catalog(asked.directory, *asked.function);
  if (found.codes.empty()) {
    throw value_error(asked.directory + ": holds nothing of a function \"" + *asked.function +
                      "\"; larder cache ls names those that it holds");
  }
  return found;
}

finding clear(const clear_arguments& asked) {
  const detail::catalog entries = entries_of(asked);
  const entry_totals removed =
      detail::remove_counted({.location = asked.directory}, [&] { return detail::remove_all(entries); });
  return {.text = printable(asked.directory) + ": removed " + totals_text(removed) + '\n',
          .json = {{"removed", totals_json(removed)}}};
}

}  // namespace

void add_cache_clear(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<clear_arguments>();
  CLI::App& subcommand = add_cache_subcommand(
      cache, "clear", "Removes all results, or all those of one function, and nothing else in the directory",
      *asked);
  subcommand.add_option("FUNCTION", asked->function, "As larder cache ls names it")
      ->transform(as_given)
      ->option_text(" ");
  subcommand.callback(
      [asked, &chosen] { chosen = [asked] { return run_on_cache(*asked, [&] { return clear(*asked); }); }; });
}

}  // namespace larder::command
