// larder store get NAMESPACE NAME FILE: an object becomes a file.

#include <larder/error.hpp>
#include <larder/load.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <string>

#include "src/file_inspection.hpp"
#include "src/sealed_file.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/nameless_file.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/written_file.hpp"

namespace larder::command {
namespace {

struct get_arguments : store_arguments {
  std::string name{};
  std::string file{};
};

/// Writes the object to the file, every byte verified, and marks it as used. Returns its path.
std::string read_object(const get_arguments& asked, const detail::atomic_file& to) {
  const detail::store_state state = open_store(asked.space);
  std::string path = state.path_of(asked.name);
  const auto write = [&](const detail::value_file& object) {
    detail::convert(object.file(), to, {.bare_npy = !object.structure().is_object()});
  };
  if (!detail::with_sealed_file(path, detail::object_demand::check, verification::full, {},
                                detail::use_mark::always, write)) {
    refuse_absent(asked.space, asked.name);
  }
  return path;
}

finding get_to_file(const get_arguments& asked) {
  detail::atomic_file written(asked.file, 0666);
  const std::string path = read_object(asked, written);
  written.commit(false);
  finding found = describe_written(asked.file);
  found.json["name"] = asked.name;
  found.json["path"] = path;
  found.json["to"] = asked.file;
  return found;
}

finding get_to_output(const get_arguments& asked) {
  const detail::atomic_file copy = nameless_file();
  read_object(asked, copy);
  print_file(copy.file());
  return {};
}

exit_status run(const get_arguments& asked) {
  const bool to_output = asked.file == "-";
  if (to_output && asked.form == report_form::json) {
    throw value_error("--json and '-' exclude each other: standard output holds the object");
  }
  return run_on_store(asked, [&] { return to_output ? get_to_output(asked) : get_to_file(asked); });
}

}  // namespace

void add_store_get(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<get_arguments>();
  CLI::App& subcommand = add_store_subcommand(
      store, "get", "Writes an object to a file: an array as a plain .npy, another as a container", *asked);
  add_object_name(subcommand, asked->name);
  subcommand.add_option("FILE", asked->file, "The file to write; '-' is standard output")
      ->required()
      ->option_text(" ");
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
