#pragma once
// What the subcommands of `larder store` share: NAMESPACE, --json, and how a namespace is opened.

#include <larder/store.hpp>

#include <string>
#include <string_view>

#include "cache/store_state.hpp"
#include "tools/larder/exit_status.hpp"
#include "tools/larder/report.hpp"

namespace CLI {
class App;
}

namespace larder::command {

struct store_arguments {
  std::string space{};  // NAMESPACE as it was given; where it has a '/', a directory
  report_form form = report_form::text;
};

/// Adds a subcommand NAME NAMESPACE [--json].
CLI::App& add_store_subcommand(CLI::App& store, const std::string& name, const std::string& description,
                               store_arguments& asked);

/// Adds NAME, which has to be there.
void add_object_name(CLI::App& subcommand, std::string& name);

/// The directory of a namespace. value_error for what is no name.
std::string location_of(const std::string& space);
/// Of one that has this name, be it with a '/' in it.
std::string location_of_name(const std::string& name);

/// Opens a namespace that is there, and makes none. io_error (ENOENT) where there is none; value_error.
detail::store_state open_store(const std::string& space);
detail::store_state open_store(const std::string& space, const std::string& location);

// Of what is not there.
[[noreturn]] void refuse_no_store(const std::string& space);
[[noreturn]] void refuse_absent(const std::string& space, std::string_view name);

/// For what is said of a namespace: under "namespace" in JSON.
report report_on_store(const store_arguments& asked);

/// Reports what `look` finds out about it, or the fault that it throws.
template <class Look>
exit_status run_on_store(const store_arguments& asked, Look look) {
  report said = report_on_store(asked);
  said.add(asked.space, look);
  return said.finish();
}

/// "3 objects, 1.95 MiB (2,048,576 bytes)"
std::string objects_text(std::uint64_t number, std::uint64_t bytes);

}  // namespace larder::command
