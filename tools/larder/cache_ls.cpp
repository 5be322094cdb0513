// larder cache ls DIR: results by function and version.

#include <larder/error.hpp>

#include <CLI/App.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "cache/entry.hpp"
#include "cache/entry_inspection.hpp"
#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/progress_bar.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"
#include "tools/larder/text_table.hpp"

namespace larder::command {
namespace {

struct listed {
  const detail::catalog_code* code = nullptr;
  entry_totals totals{};
  double seconds = 0;  // that computing took, of those that say so
  detail::file_time last_used{};
  std::uint64_t damaged = 0;
};

void count(listed& row, const detail::catalog& of, const detail::catalog_entry& entry) {
  try {
    row.seconds += detail::seconds_in(detail::read_metadata(of.path_of(entry)));
  } catch (const format_error&) {
    ++row.damaged;
  } catch (const io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    return;  // gone meanwhile
  }
  ++row.totals.entries;
  row.totals.bytes += entry.bytes;
  row.last_used = std::max(row.last_used, entry.last_used);
}

std::vector<listed> rows_of(const detail::catalog& of) {
  std::vector<listed> rows(of.codes.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].code = &of.codes[i];
  progress_bar bar("reading", of.entries.size());
  for (const detail::catalog_entry& entry : of.entries) {
    count(rows[entry.code], of, entry);
    bar.advance(1);
  }
  std::erase_if(rows, [](const listed& row) { return row.totals.entries == 0; });
  std::ranges::sort(rows, [](const listed& a, const listed& b) {
    return std::tie(a.code->function, a.code->code) < std::tie(b.code->function, b.code->code);
  });
  return rows;
}

nlohmann::json json_of(const std::vector<listed>& rows) {
  nlohmann::json json = {{"functions", nlohmann::json::array()}};
  for (const listed& row : rows) {
    json["functions"].push_back({{"function", row.code->function},
                                 {"code", row.code->code},
                                 {"entries", row.totals.entries},
                                 {"bytes", row.totals.bytes},
                                 {"seconds", row.seconds},
                                 {"last_used", time_text(row.last_used)},
                                 {"damaged", row.damaged}});
  }
  return json;
}

std::string text_of(const std::vector<listed>& rows) {
  if (rows.empty()) return "no entries\n";
  text_table table(2, {"function", "version", "entries", "size", "computing", "last used"});
  for (const listed& row : rows) {
    table.add({printable(row.code->function), printable(row.code->code), std::to_string(row.totals.entries),
               size_text(row.totals.bytes), duration_text(row.seconds), time_text(row.last_used)});
  }
  return table.text();
}

exit_status run(const cache_arguments& asked) {
  report said = report_on_cache(asked);
  std::uint64_t damaged = 0;
  said.add(asked.directory, [&] {
    const detail::catalog found = read_cache(asked.directory);
    const std::vector<listed> rows = rows_of(found);
    for (const listed& row : rows) damaged += row.damaged;
    return finding{.text = text_of(rows), .json = json_of(rows)};
  });
  const exit_status status = said.finish();
  if (damaged == 0) return status;
  complain("cache ls: " + entries_text(damaged) + " damaged: see larder cache verify " + asked.directory);
  return std::max(status, exit_status::damaged);
}

}  // namespace

void add_cache_ls(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<cache_arguments>();
  CLI::App& subcommand = add_cache_subcommand(
      cache, "ls", "Lists results by function and version: entries, sizes, the time that computing them took",
      *asked);
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
