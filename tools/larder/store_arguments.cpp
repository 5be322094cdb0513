#include "tools/larder/store_arguments.hpp"

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cerrno>

#include "cache/store_root.hpp"
#include "src/object_name.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/quantity.hpp"

namespace larder::command {

CLI::App& add_store_subcommand(CLI::App& store, const std::string& name, const std::string& description,
                               store_arguments& asked) {
  CLI::App& subcommand = *store.add_subcommand(name, description);
  subcommand
      .add_option("NAMESPACE", asked.space,
                  "As given to larder::store; where it has a '/', a directory, as given to store::at")
      ->required()
      ->transform(as_given)
      ->option_text(" ");
  add_json_flag(subcommand, asked.form);
  return subcommand;
}

void add_object_name(CLI::App& subcommand, std::string& name) {
  subcommand.add_option("NAME", name, "Of the object")->required()->transform(as_given)->option_text(" ");
}

std::string location_of(const std::string& space) {
  return space.find('/') == std::string::npos ? location_of_name(space) : space;
}

std::string location_of_name(const std::string& name) {
  return detail::store_root() + "/" + detail::object_file_name(name, "NAMESPACE");
}

detail::store_state open_store(const std::string& space) { return open_store(space, location_of(space)); }

detail::store_state open_store(const std::string& space, const std::string& location) {
  try {
    return {std::string(), location, store_options{}, detail::store_user::absent::leave};
  } catch (const io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    refuse_no_store(space);
  }
}

void refuse_no_store(const std::string& space) {
  throw io_error("there is no store " + space,
                 "larder store ls has those that there are, larder store put makes one", ENOENT);
}

void refuse_absent(const std::string& space, std::string_view name) {
  throw io_error(space,
                 "there is no object \"" + std::string(name) + "\" (larder store ls " + space +
                     " has those that there are)",
                 ENOENT);
}

report report_on_store(const store_arguments& asked) {
  return report(asked.form, fault_text::complaint, "namespace");
}

std::string objects_text(std::uint64_t number, std::uint64_t bytes) {
  return std::to_string(number) + (number == 1 ? " object, " : " objects, ") + bytes_text(bytes);
}

}  // namespace larder::command
