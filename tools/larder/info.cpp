// larder info FILE...: what is in files.

#include <larder/inspect.hpp>

#include <string>

#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/file_text.hpp"
#include "tools/larder/report.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {
namespace {

exit_status run(const file_arguments& asked) {
  report said(asked.form);
  for (const std::string& path : asked.files) {
    said.add(path, [&] {
      const file_info info = inspect(path);
      if (said.is_json()) return finding{.json = file_json(info)};
      return finding{.text = (said.found() == 0 ? "" : "\n") + file_text(path, info)};
    });
  }
  return said.finish();
}

}  // namespace

void add_info(CLI::App& program, action& chosen) {
  add_file_subcommand(program, "info",
                      "Shows what is in files: type, state, shapes, sizes, digests, metadata", chosen, run);
}

}  // namespace larder::command
