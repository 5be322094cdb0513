// larder verify FILE...: whether files are whole.

#include <larder/inspect.hpp>

#include <string>

#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/file_text.hpp"
#include "tools/larder/report.hpp"
#include "tools/larder/streams.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {
namespace {

/// For whoever keeps only standard error.
void complain_of(const report& said) {
  if (said.damaged() == 0 && said.unusable() == 0) return;
  const int files = said.found() + said.damaged() + said.unusable();
  complain("verify: of " + std::to_string(files) + (files == 1 ? " file " : " files ") +
           std::to_string(said.damaged()) + " damaged, " + std::to_string(said.unusable()) +
           " could not be read");
}

exit_status run(const file_arguments& asked) {
  report said(asked.form, fault_text::result);
  for (const std::string& path : asked.files) {
    said.add(path, [&] {
      const file_info info = verify(path);
      return finding{.text = printable(path) + ": " + state_text(info) + '\n', .json = summary_json(info)};
    });
    flush_output();  // the next file may be large
  }
  const exit_status status = said.finish();
  complain_of(said);
  return status;
}

}  // namespace

void add_verify(CLI::App& program, action& chosen) {
  add_file_subcommand(program, "verify", "Reads every byte of files and says of each whether it is whole",
                      chosen, run);
}

}  // namespace larder::command
