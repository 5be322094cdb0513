// larder store rm NAMESPACE NAME...: fewer objects.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cache/entry_directory.hpp"
#include "cache/store_directory.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_object.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct rm_arguments : store_arguments {
  std::vector<std::string> names{};
  bool all = false;
  bool whole = false;  // the namespace itself
};

struct removal {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> absent{};
};

removal remove_named(const detail::store_state& state, const std::vector<std::string>& names) {
  removal done;
  for (const std::string& name : names) {
    const std::string path = state.path_of(name);
    const std::uint64_t bytes = detail::entry_bytes(path);
    if (state.forget(path)) {
      ++done.objects;
      done.bytes += bytes;
    } else {
      done.absent.push_back(name);
    }
  }
  return done;
}

removal remove_all(const detail::store_state& state) {
  const entry_totals removed = state.clear();
  return {.objects = removed.entries, .bytes = removed.bytes};
}

removal remove_whole(const detail::store_state& state, const std::string& space) {
  const auto objects = detail::read_objects(state.location().string());
  if (!detail::remove_store(state.location().string())) refuse_no_store(space);
  return {.objects = objects.size(), .bytes = detail::total_bytes(objects)};
}

void check(const rm_arguments& asked) {
  if (int{asked.all} + int{asked.whole} + int{!asked.names.empty()} == 1) return;
  throw value_error("store rm: one of these is needed: names of objects, --all, or --namespace");
}

removal remove(const rm_arguments& asked) {
  const detail::store_state state = open_store(asked.space);
  if (asked.whole) return remove_whole(state, asked.space);
  return asked.all ? remove_all(state) : remove_named(state, asked.names);
}

exit_status run(const rm_arguments& asked) {
  check(asked);
  report said = report_on_store(asked);
  removal done;
  said.add(asked.space, [&] {
    done = remove(asked);
    return finding{
        .text = printable(asked.space) + ": removed " + (asked.whole ? "the namespace, " : "") +
                objects_text(done.objects, done.bytes) + '\n',
        .json = {{"removed", {{"objects", done.objects}, {"bytes", done.bytes}}}, {"absent", done.absent}}};
  });
  const exit_status status = said.finish();
  for (const std::string& name : done.absent) complain(asked.space + ": there is no object \"" + name + "\"");
  return done.absent.empty() ? status : exit_status::unusable;
}

}  // namespace

void add_store_rm(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<rm_arguments>();
  CLI::App& subcommand = add_store_subcommand(
      store, "rm", "Removes objects, or a namespace with all that it holds; who has them mapped keeps them",
      *asked);
  subcommand.add_option("NAME", asked->names, "Of objects")->transform(as_given)->option_text("...");
  subcommand.add_flag("--all", asked->all, "All objects, also those without a name");
  subcommand.add_flag("--namespace", asked->whole, "The namespace itself");
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
