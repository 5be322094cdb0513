// larder store ls [NAMESPACE]: the namespaces, or the objects of one.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cache/entry_inspection.hpp"
#include "cache/store_root.hpp"
#include "src/shape_text.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/progress_bar.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_object.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/streams.hpp"
#include "tools/larder/text_table.hpp"

namespace larder::command {
namespace {

struct ls_arguments : store_arguments {
  std::string prefix{};
};

/// What a list has: rows of it, and what is wrong with some.
struct listing {
  text_table table;
  nlohmann::json rows = nlohmann::json::array();
  std::vector<fault> faults{};
};

// Of namespaces -----------------------------------------------------------------------------------

void add_namespace(listing& to, const std::string& name) try {
  const detail::store_state state = open_store(name, location_of_name(name));
  const auto objects = detail::read_objects(state.location().string());
  const std::uint64_t bytes = detail::total_bytes(objects);
  const std::uint64_t capacity = state.capacity();
  to.table.add({printable(name), std::to_string(objects.size()), size_text(bytes),
                capacity == 0 ? "-" : size_text(capacity)});
  to.rows.push_back({{"namespace", name},
                     {"path", state.location().string()},
                     {"objects", objects.size()},
                     {"bytes", bytes},
                     {"capacity", capacity == 0 ? nlohmann::json() : nlohmann::json(capacity)}});
} catch (const io_error& e) {
  if (e.errno_value() != ENOENT) to.faults.push_back(current_fault(name));  // else it is gone meanwhile
} catch (const error&) {
  to.faults.push_back(current_fault(name));
}

/// Complains of all of them, and returns the gravest status.
exit_status complain_of(const std::vector<fault>& faults) {
  exit_status status = exit_status::fine;
  for (const fault& each : faults) {
    complain(each.text);
    status = std::max(status, each.status);
  }
  return status;
}

exit_status list_namespaces(const ls_arguments& asked) {
  if (!asked.prefix.empty()) {
    throw value_error("--prefix: begins the names of objects; name the NAMESPACE that they are in");
  }
  const std::string root = detail::store_root();
  listing found{.table = text_table(1, {"namespace", "objects", "size", "capacity"})};
  report said(asked.form, fault_text::complaint, "directory");
  said.add(root, [&] {
    for (const std::string& name : store::list()) add_namespace(found, name);
    return finding{.text = found.rows.empty() ? "no namespaces\n" : found.table.text(),
                   .json = {{"namespaces", std::move(found.rows)}}};
  });
  return std::max(said.finish(), complain_of(found.faults));
}

// Of objects --------------------------------------------------------------------------------------

std::string shape_text(const file_info& info) {
  return is_array(info) ? detail::shape_text(info.segments.front().array->shape) : "";
}

void add_object(listing& to, const store_object& object, std::chrono::system_clock::time_point now) {
  nlohmann::json row = object_json(object);
  std::string type;
  std::string shape;
  try {
    const file_info info = detail::inspect_entry(object.path);
    type = printable(info.type);
    shape = shape_text(info);
    row["type"] = info.type;
    row["shape"] = shape_json(info);
  } catch (const io_error& e) {
    if (e.errno_value() == ENOENT) return;  // gone meanwhile
    throw;
  } catch (const format_error&) {
    const fault wrong = current_fault(object.path);
    type = "damaged: " + wrong.code;
    row["error"] = {{"code", wrong.code}, {"text", wrong.text}};
    to.faults.push_back(wrong);
  }
  const std::chrono::duration<double> age = now - object.found.created;
  to.table.add({label_of(object.name, object.found.file), type, shape, marks_of(object),
                size_text(object.found.bytes), duration_text(std::max(age.count(), 0.0))});
  to.rows.push_back(std::move(row));
}

exit_status list_objects(const ls_arguments& asked) {
  listing found{.table = text_table(4, {"name", "type", "shape", "marks", "size", "age"})};
  report said = report_on_store(asked);
  said.add(asked.space, [&] {
    const detail::store_state state = open_store(asked.space);
    auto objects = read_store(state);
    std::erase_if(objects, [&](const store_object& each) { return !each.name.starts_with(asked.prefix); });
    const auto now = std::chrono::system_clock::now();
    progress_bar bar("reading", objects.size());
    for (const store_object& each : objects) {
      add_object(found, each, now);
      bar.advance(1);
    }
    return finding{.text = found.rows.empty() ? "no objects\n" : found.table.text(),
                   .json = {{"path", state.location().string()}, {"objects", std::move(found.rows)}}};
  });
  return std::max(said.finish(), complain_of(found.faults));
}

exit_status run(const ls_arguments& asked) {
  return asked.space.empty() ? list_namespaces(asked) : list_objects(asked);
}

}  // namespace

void add_store_ls(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<ls_arguments>();
  CLI::App& subcommand =
      add_store_subcommand(store, "ls", "Lists the namespaces, or the objects of one", *asked);
  subcommand.get_option("NAMESPACE")->required(false);
  subcommand.add_option("--prefix", asked->prefix, "Only objects whose names begin with this")
      ->transform(as_given)
      ->type_name("TEXT");
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
