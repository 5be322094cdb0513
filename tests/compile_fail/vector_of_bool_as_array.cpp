// expect: no matching function|constraints not satisfied
#include <filesystem>
#include <vector>

#include <larder/dump.hpp>

#ifdef CONTROL
using element = unsigned char;
#else
using element = bool;  // a std::vector<bool> packs its elements: there is no array of them in memory
#endif

void write(const std::vector<element>& v, const std::filesystem::path& path) { larder::dump(v, path); }
