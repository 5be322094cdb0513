#pragma once
// Defaults for the pools that are made in a scope.
//
//   const larder::parallel_config config({.n_jobs = 2, .backend = larder::backend::fork});
//   larder::parallel pool;   // two jobs, on fork, also where a library of others makes it

#include <larder/parallel_options.hpp>

namespace larder {

/// While it lives, pools that are made in this thread take from it what their own options leave open. Configurations
/// nest: an inner one takes what it leaves open from the outer one. It has to be destroyed in the thread that made it, the
/// last one first, as local variables are. Tasks do not see the configurations of the thread that made the call, whichever
/// thread runs them.
class parallel_config {
 public:
  /// value_error for an option that is out of its range.
  explicit parallel_config(parallel_options options);
  ~parallel_config();
  parallel_config(const parallel_config&) = delete;
  parallel_config& operator=(const parallel_config&) = delete;

 private:
  const parallel_options options_;
  const parallel_options* const outer_;
};

}  // namespace larder
