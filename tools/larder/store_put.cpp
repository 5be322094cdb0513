// larder store put NAMESPACE NAME FILE: a file becomes an object.

#include <larder/inspect.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include "src/file_inspection.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/nameless_file.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_object.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct put_arguments : store_arguments {
  std::string name{};
  std::string file{};
  std::string capacity{};
  put_options options{};
};

detail::descriptor open_source(const std::string& file) {
  return file == "-" ? nameless_file_of_input() : detail::descriptor::open(file, O_RDONLY);
}

/// As an object, uncompressed.
std::uint64_t bytes_of(const file_info& content) {
  std::uint64_t bytes = 0;
  for (const segment_info& each : content.segments) bytes += each.raw_bytes;
  return bytes;
}

struct put_object {
  std::string path;
  std::uint64_t bytes = 0;
  bool written = false;  // not where there was one, and it was to stay
};

put_object put_content(const put_arguments& asked, const detail::descriptor& from, const file_info& content) {
  const detail::store_state state({}, location_of(asked.space), {.capacity = asked.capacity},
                                  detail::store_user::absent::make);
  put_object put{.path = state.path_of(asked.name)};
  struct ::stat ours {};
  state.put(put.path, asked.options, bytes_of(content), [&](detail::atomic_file& to) {
    put.bytes = detail::convert(from, to, {});
    ours = to.file().stat();
    return put.bytes;
  });
  struct ::stat there {};
  put.written = put.bytes != 0 &&
                (!asked.options.if_absent || (::lstat(put.path.c_str(), &there) == 0 &&
                                              there.st_dev == ours.st_dev && there.st_ino == ours.st_ino));
  return put;
}

finding put(const put_arguments& asked) {
  const detail::descriptor from = open_source(asked.file);
  const file_info content =
      detail::inspect(from, detail::trailer_demand::as_found);  // first: a bad file makes no namespace
  const put_object put = put_content(asked, from, content);
  finding found{.json = {{"name", asked.name}, {"path", put.path}, {"written", put.written}}};
  if (put.written) {
    found.text = printable(asked.name) + ": " + printable(content.type) + ", " + bytes_text(put.bytes) + '\n';
    found.json.update({{"type", content.type}, {"shape", shape_json(content)}, {"bytes", put.bytes}});
  } else {
    found.text = printable(asked.name) + ": is there already, and stays\n";
  }
  return found;
}

}  // namespace

void add_store_put(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<put_arguments>();
  CLI::App& subcommand =
      add_store_subcommand(store, "put", "Puts the content of a file as an object, verified", *asked);
  subcommand.footer(
      "The namespace is made where there is none. What had the name is replaced at once; who has it mapped "
      "keeps it.");
  add_object_name(subcommand, asked->name);
  subcommand.add_option("FILE", asked->file, "An .npy file, or a larder container; '-' is standard input")
      ->required()
      ->option_text(" ");
  subcommand.add_flag("--if-absent", asked->options.if_absent,
                      "Where the name has an object, that one stays");
  subcommand.add_flag("--pin", asked->options.pinned, "It is never evicted");
  subcommand
      .add_option("--capacity", asked->capacity,
                  "The most bytes of all objects of the namespace, from now on: 8G, 500M")
      ->type_name("SIZE");
  subcommand.callback(
      [asked, &chosen] { chosen = [asked] { return run_on_store(*asked, [&] { return put(*asked); }); }; });
}

}  // namespace larder::command
