// larder store SUBCOMMAND: the objects that processes of this machine share, for people, shells and Python.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {

void add_store(CLI::App& program, action& chosen) {
  CLI::App* store =
      program.add_subcommand("store", "Shows the objects that processes share, puts, gets and removes them");
  store->require_subcommand(1);
  add_store_ls(*store, chosen);
  add_store_info(*store, chosen);
  add_store_put(*store, chosen);
  add_store_get(*store, chosen);
  add_store_rm(*store, chosen);
  add_store_watch(*store, chosen);
  store->footer(
      "Examples:\n"
      "  larder store ls                                       the namespaces\n"
      "  larder store ls run42                                 the objects of one\n"
      "  larder store put run42 weights w.npy --if-absent\n"
      "  larder store get run42 weights - | python3 sum.py     an array is a .npy there\n"
      "  larder store rm ./shared --all                        of store::at(\"shared\"): with a '/', a "
      "directory");
}

}  // namespace larder::command
