#pragma once
// What a program does first that uses workers which are processes of their own.
//
//   int main(int argc, char** argv) {
//     larder::init(argc, argv);
//     ...
//   }

namespace larder {

/// The first line of main, needed by the backends processes and mpi alone, whose workers are further processes of the same program: in
/// one of these it runs tasks, and never returns. In all others it returns at once, and changes nothing.
///
/// Constructors of static objects run before it, in workers too.
void init(int argc, char** argv);

}  // namespace larder
