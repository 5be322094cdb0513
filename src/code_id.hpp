#pragma once
// The identity of compiled code: what stands in a cache key when a function has no version of its own.

#include <string>

namespace larder::detail {

/// 32 hex digits that stand for the function at `address`: for its place in its module (program or shared library), and
/// for the build of that module and of each library that it loads, directly or not, from outside the system's
/// directories. Builds are told apart by their linker build ids; a module without one by its content.
/// value_error where no module holds the address, io_error where a file cannot be read.
std::string code_id(const void* address);

}  // namespace larder::detail
