// larder cache stats DIR: a cache in numbers, without opening its entries.

#include <CLI/App.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/labelled_lines.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

/// The moments of entries, of which there is at least one.
struct span_of_time {
  detail::file_time first;
  detail::file_time last;
};

span_of_time span_of(const detail::catalog& of, detail::file_time detail::catalog_entry::*moment) {
  const auto [first, last] = std::ranges::minmax_element(of.entries, {}, moment);
  return {std::invoke(moment, *first), std::invoke(moment, *last)};
}

nlohmann::json span_json(const span_of_time& of) {
  return {{"first", time_text(of.first)}, {"last", time_text(of.last)}};
}

std::string span_text(const span_of_time& of) { return time_text(of.first) + " to " + time_text(of.last); }

finding look_at(const cache_arguments& asked) {
  const detail::catalog all = read_cache(asked.directory);
  std::set<std::string_view> functions;
  std::set<std::uint32_t> codes;
  const entry_totals totals = all.totals();
  std::uint64_t largest = 0;
  for (const detail::catalog_entry& entry : all.entries) {
    functions.insert(all.codes[entry.code].function);
    codes.insert(entry.code);
    largest = std::max(largest, entry.bytes);
  }

  finding found{.json = totals_json(totals)};
  found.json.update({{"functions", functions.size()},
                     {"versions", codes.size()},
                     {"largest", largest},
                     {"left_behind", all.left_behind.size()}});
  labelled_lines lines(2);
  lines.add("functions", std::to_string(functions.size()));
  lines.add("versions", std::to_string(codes.size()));
  lines.add("entries", std::to_string(totals.entries));
  lines.add("size", bytes_text(totals.bytes));
  if (!all.entries.empty()) {
    const span_of_time created = span_of(all, &detail::catalog_entry::created);
    const span_of_time last_used = span_of(all, &detail::catalog_entry::last_used);
    found.json.update({{"created", span_json(created)}, {"last_used", span_json(last_used)}});
    lines.add("largest", bytes_text(largest));
    lines.add("created", span_text(created));
    lines.add("last used", span_text(last_used));
  }
  if (!all.left_behind.empty()) {
    lines.add("left", "temporary files of processes that were killed: " +
                          std::to_string(all.left_behind.size()) + "; prune and clear remove them");
  }
  found.text = printable(asked.directory) + '\n' + lines.text();
  return found;
}

}  // namespace

void add_cache_stats(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<cache_arguments>();
  CLI::App& subcommand = add_cache_subcommand(
      cache, "stats", "Counts functions, versions, entries and bytes; opens no entry", *asked);
  subcommand.callback([asked, &chosen] {
    chosen = [asked] { return run_on_cache(*asked, [&] { return look_at(*asked); }); };
  });
}

}  // namespace larder::command
