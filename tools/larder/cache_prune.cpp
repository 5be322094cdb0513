// larder cache prune DIR: fewer entries, by age, least recent use, or version.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cache/byte_ledger.hpp"
#include "cache/eviction.hpp"
#include "src/byte_size.hpp"
#include "tools/larder/age.hpp"
#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct prune_arguments : cache_arguments {
  // Text until CLI11 is done: it takes more for a number than the help says.
  std::optional<std::string> max_bytes{};
  std::optional<std::string> max_items{};
  std::optional<std::string> max_age{};
  bool other_versions = false;
  bool dry_run = false;
};

std::uint64_t items_from(const std::string& text) {
  std::uint64_t items = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, items);
  if (error != std::errc() || stop != end)
    throw value_error("--max-items = \"" + text + "\"; a whole number from 0 is allowed");
  return items;
}

detail::eviction_limits limits_from(const prune_arguments& asked) {
  detail::eviction_limits limits{.other_codes = asked.other_versions};
  if (asked.max_bytes) limits.bytes = detail::byte_size(*asked.max_bytes, "--max-bytes");
  if (asked.max_items) limits.items = items_from(*asked.max_items);
  if (asked.max_age) limits.age = age_from(*asked.max_age, "--max-age");
  if (limits.none()) {
    throw value_error(
        "cache prune: nothing says what is to go; give --max-bytes, --max-items, --max-age or "
        "--other-versions");
  }
  return limits;
}

finding prune(const prune_arguments& asked) {
  const detail::eviction_limits limits = limits_from(asked);
  detail::catalog all = read_cache(asked.directory);
  detail::eviction done;
  if (asked.dry_run) {
    done = detail::evict(all, limits, detail::eviction_mode::dry_run);
  } else {
    detail::remove_counted({.location = asked.directory}, [&] {
      done = detail::evict(all, limits);
      return done.removed;
    });
  }
  return {.text = printable(asked.directory) + ": " + (asked.dry_run ? "would remove " : "removed ") +
                  totals_text(done.removed) + "; " + totals_text(done.kept) +
                  (asked.dry_run ? " would stay\n" : " stay\n"),
          .json = {{"dry_run", asked.dry_run},
                   {"removed", totals_json(done.removed)},
                   {"kept", totals_json(done.kept)}}};
}

}  // namespace

void add_cache_prune(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<prune_arguments>();
  CLI::App& subcommand =
      add_cache_subcommand(cache, "prune", "Removes results by age, least recent use, or version", *asked);
  subcommand.footer(
      "First what is of other versions and what is too old goes, then what was used least recently. "
      "Programs may go on\n"
      "using the cache meanwhile; what they have mapped stays valid.");
  subcommand.add_option("--max-bytes", asked->max_bytes, "What all entries may take: 10G, 1.5M, 500K")
      ->type_name("SIZE");
  subcommand.add_option("--max-items", asked->max_items, "How many entries may stay")->type_name("NUMBER");
  subcommand.add_option("--max-age", asked->max_age, "How long an entry may go unused: 30d, 12h, 90min")
      ->type_name("TIME");
  subcommand.add_flag("--other-versions", asked->other_versions,
                      "Of each function keeps only the version (or build) that was stored or used last");
  subcommand.add_flag("--dry-run", asked->dry_run, "Only says what would go");
  subcommand.callback(
      [asked, &chosen] { chosen = [asked] { return run_on_cache(*asked, [&] { return prune(*asked); }); }; });
}

}  // namespace larder::command
