#pragma once
// The subcommands of `larder cache`, each in a file of its own, cache_NAME.cpp.

#include "tools/larder/subcommands.hpp"

namespace larder::command {

void add_cache_clear(CLI::App& cache, action& chosen);
void add_cache_ls(CLI::App& cache, action& chosen);
void add_cache_prune(CLI::App& cache, action& chosen);
void add_cache_show(CLI::App& cache, action& chosen);
void add_cache_stats(CLI::App& cache, action& chosen);
void add_cache_verify(CLI::App& cache, action& chosen);

}  // namespace larder::command
