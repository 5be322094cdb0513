#include "tools/larder/cache_arguments.hpp"

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cache/entry_directory.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/quantity.hpp"

namespace larder::command {

CLI::App& add_cache_subcommand(CLI::App& cache, const std::string& name, const std::string& description,
                               cache_arguments& asked) {
  CLI::App& subcommand = *cache.add_subcommand(name, description);
  subcommand.add_option("DIR", asked.directory, "A cache directory, as given to larder::memory")
      ->required()
      ->option_text(" ");
  add_json_flag(subcommand, asked.form);
  return subcommand;
}

report report_on_cache(const cache_arguments& asked) {
  return report(asked.form, fault_text::complaint, "directory");
}

detail::catalog read_cache(const std::string& directory) {
  const bool marked =
      detail::has_cache_marks(directory);  // first: a walk finds nothing where there is nothing
  detail::catalog found = detail::read_catalog(directory);
  if (!marked && found.codes.empty()) {
    throw value_error(
        directory +
        ": is no larder cache: expected larder's CACHEDIR.TAG, or FUNCTION/v-VERSION directories; name the "
        "directory that was given to larder::memory");
  }
  return found;
}

nlohmann::json totals_json(const entry_totals& totals) {
  return {{"entries", totals.entries}, {"bytes", totals.bytes}};
}

std::string totals_text(const entry_totals& totals) {
  return entries_text(totals.entries) + ", " + bytes_text(totals.bytes);
}

}  // namespace larder::command
