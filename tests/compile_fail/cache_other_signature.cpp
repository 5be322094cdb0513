// expect: larder: this function cannot be called with the signature
#include <string>
#include <vector>

#include <larder/memory.hpp>

std::vector<double> parsed(const std::string& text);

auto cached(const larder::memory& mem) {
#ifdef CONTROL
  return mem.cache<std::vector<double>(std::string)>("parsed", parsed);
#else
  return mem.cache<std::vector<double>(double)>("parsed", parsed);
#endif
}
