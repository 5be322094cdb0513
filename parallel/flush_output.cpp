#include "parallel/flush_output.hpp"

#include <cstdio>
#include <iostream>
#include <typeinfo>

#include <stdio_ext.h>
#include <ext/stdio_sync_filebuf.h>

namespace larder::detail {

// Mostly there is nothing to flush. To find that out touches fewer pages, each of which costs a child some microseconds.
void flush_output() noexcept {
  if (::__fpending(stdout) != 0) std::fflush(stdout);
  try {
    const auto* const buffer = std::cout.rdbuf();
    // Synchronised with stdio, as it is by default, it hands everything to stdout at once.
    const bool has_none = buffer == nullptr || typeid(*buffer) == typeid(__gnu_cxx::stdio_sync_filebuf<char>);
    if (!has_none) std::cout.flush();
  } catch (...) {  // a stream that is set to throw; nobody is there to be told
  }
}

}  // namespace larder::detail
