#pragma once
// Where the tasks of a parallel call run.

namespace larder {

enum class backend {
  sequential,  ///< in the calling thread, one after the other
  threads,     ///< on the process's team of threads
  fork,  ///< in children of this process, made for the call: any closure; what is not returned is lost with the child
  processes,  ///< in processes of the same program that outlive the call; its main has to begin with larder::init
  mpi,        ///< not in this version: a pool refuses it
};

}  // namespace larder
