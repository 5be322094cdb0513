// larder convert FROM TO: the same content in another form.

#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <memory>
#include <string>
#include <system_error>

#include "tools/larder/file_arguments.hpp"
#include "tools/larder/report.hpp"
#include "tools/larder/subcommands.hpp"
#include "tools/larder/written_file.hpp"

namespace larder::command {
namespace {

struct convert_arguments {
  std::string from{};
  std::string to{};
  std::string level{};  // text until CLI11 is done: it takes more for a number than the help says
  bool npy = false;
  bool durable = false;
  report_form form = report_form::text;
};

int level_from(const std::string& text) {
  int level = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, level);
  if (error != std::errc() || stop != end) {
    throw value_error("--compress: expected a level from 1 to 19, or 0 for none, found '" + text + "'");
  }
  return level;
}

convert_options options_from(const convert_arguments& asked) {
  const int level = asked.level.empty() ? 0 : level_from(asked.level);
  if (asked.npy && level != 0) {
    throw value_error("--npy and --compress exclude each other: nothing in a .npy is compressed");
  }
  return {.compress = level, .bare_npy = asked.npy, .durable = asked.durable};
}

finding convert_one(const convert_arguments& asked) {
  convert(asked.from, asked.to, options_from(asked));
  finding found = describe_written(asked.to);
  found.json["from"] = asked.from;
  return found;
}

exit_status run(const convert_arguments& asked) {
  report said(asked.form);
  said.add(asked.to, [&] { return convert_one(asked); });
  return said.finish();
}

}  // namespace

void add_convert(CLI::App& program, action& chosen) {
  CLI::App* subcommand = program.add_subcommand(
      "convert", "Writes a file's content in another form: container, compressed, or .npy");
  subcommand->footer(
      "What is written is a container, with digests; of one uncompressed array it begins as a .npy and is\n"
      "one for NumPy. FROM is verified on the way. TO may be FROM; it is replaced at once and whole.");
  const auto asked = std::make_shared<convert_arguments>();
  subcommand->add_option("FROM", asked->from, "An .npy file, or a larder container")
      ->required()
      ->option_text(" ");
  subcommand->add_option("TO", asked->to, "The file to write")->required()->option_text(" ");
  subcommand->add_option("--compress", asked->level, "zstd level, 1 to 19. Default: 0, uncompressed")
      ->type_name("LEVEL");
  subcommand->add_flag("--npy", asked->npy, "A plain .npy without digests, of a file that holds one array");
  subcommand->add_flag("--durable", asked->durable, "Returns when TO is on the medium");
  add_json_flag(*subcommand, asked->form);
  subcommand->callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
