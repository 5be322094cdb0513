#include "tools/larder/file_arguments.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <utility>

namespace larder::command {

void add_json_flag(CLI::App& subcommand, report_form& form) {
  subcommand.add_flag_callback(
      "--json", [&form] { form = report_form::json; }, "Prints one JSON document instead of text");
}

void add_file_subcommand(CLI::App& program, const std::string& name, const std::string& description,
                         action& chosen, std::function<exit_status(const file_arguments&)> run) {
  CLI::App* subcommand = program.add_subcommand(name, description);
  const auto asked = std::make_shared<file_arguments>();
  subcommand->add_option("FILE", asked->files, "An .npy file, or a larder container")
      ->required()
      ->option_text("...");
  add_json_flag(*subcommand, asked->form);
  subcommand->callback(
      [asked, &chosen, run = std::move(run)] { chosen = [asked, run] { return run(*asked); }; });
}

std::string as_given(const std::string& name) {
  return name.starts_with("./[") || name.starts_with("./{") || name.starts_with("./-") ? name.substr(2)
                                                                                       : name;
}

}  // namespace larder::command
