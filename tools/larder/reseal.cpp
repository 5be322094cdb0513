// larder reseal FILE...: gives files digests of what they hold now.

#include <larder/inspect.hpp>

#include <algorithm>
#include <string>

#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/report.hpp"
#include "tools/larder/streams.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {
namespace {

/// What larder::reseal does something to.
bool needs_sealing(const file_info& info) {
  return info.state != file_state::sealed ||
         std::ranges::any_of(info.segments, [](const segment_info& each) { return !each.digest; });
}

finding reseal_one(const std::string& path) {
  const file_info before = inspect(path);
  reseal(path);
  const file_info after = inspect(path);
  const bool written = needs_sealing(before);
  finding found{.json = summary_json(after)};
  found.json["before"] = name(before.state);
  found.json["written"] = written;
  found.text = printable(path) + ": sealed, " +
               (written ? "was " + std::string(name(before.state)) : "as it was") + '\n';
  return found;
}

exit_status run(const file_arguments& asked) {
  report said(asked.form);
  for (const std::string& path : asked.files) said.add(path, [&] { return reseal_one(path); });
  return said.finish();
}

}  // namespace

void add_reseal(CLI::App& program, action& chosen) {
  add_file_subcommand(program, "reseal", "Gives dirty and plain files digests of what they hold now", chosen,
                      run);
}

}  // namespace larder::command
