#pragma once
// The subcommands of `larder store`, each in a file of its own, store_NAME.cpp.

#include "tools/larder/subcommands.hpp"

namespace larder::command {

void add_store_get(CLI::App& store, action& chosen);
void add_store_info(CLI::App& store, action& chosen);
void add_store_ls(CLI::App& store, action& chosen);
void add_store_put(CLI::App& store, action& chosen);
void add_store_rm(CLI::App& store, action& chosen);
void add_store_watch(CLI::App& store, action& chosen);

}  // namespace larder::command
