// larder store info NAMESPACE NAME: one object.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>
#include <string>

#include "cache/entry_inspection.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/file_text.hpp"
#include "tools/larder/labelled_lines.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_object.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct info_arguments : store_arguments {
  std::string name{};
};

finding describe(const info_arguments& asked) {
  const detail::store_state state = open_store(asked.space);
  const store_object object = find_object(state, asked.space, asked.name);
  const file_info info = detail::inspect_entry(object.path);

  labelled_lines lines(2);
  lines.add("path", printable(object.path));
  lines.add("created", time_text(object.found.created));
  lines.add("last used", time_text(object.found.last_used));
  if (const std::string marks = marks_of(object); !marks.empty()) lines.add("marks", marks);
  finding found{.text = printable(asked.name) + '\n' + lines.text() + content_text(info),
                .json = file_json(info)};
  found.json.update(object_json(object));
  found.json["shape"] = shape_json(info);
  return found;
}

}  // namespace

void add_store_info(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<info_arguments>();
  CLI::App& subcommand = add_store_subcommand(
      store, "info", "Shows one object: type, shape, segments, times, and where it lies", *asked);
  add_object_name(subcommand, asked->name);
  subcommand.callback([asked, &chosen] {
    chosen = [asked] { return run_on_store(*asked, [&] { return describe(*asked); }); };
  });
}

}  // namespace larder::command
