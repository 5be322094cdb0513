#pragma once
// The identity of compiled code: what stands in a cache key when a function has no version of its own.

#include <string>

namespace larder::detail {

/// 32 hex digits that change when the module (program or shared library) that holds `address` is rebuilt with a
/// change, or any library that it loads, directly or not, from outside the system's directories. Made of their
/// linker build ids; a module without one is identified by the content of its file. io_error where that cannot be
/// read, value_error where no module holds the address.
std::string code_id(const void* address);

}  // namespace larder::detail
