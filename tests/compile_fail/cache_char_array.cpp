// expect: larder: a parameter of a cached function is an array of char
#include <string_view>

#include <larder/memory.hpp>

#ifdef CONTROL
int length(std::string_view text) { return static_cast<int>(text.size()); }
#else
int length(const char (&text)[4]) { return text[0]; }
#endif

auto wrap(const larder::memory& mem) { return mem.cache("length", length); }
