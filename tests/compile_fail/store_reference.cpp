// expect: larder: references cannot be stored
#include <filesystem>
#include <tuple>

#include <larder/dump.hpp>

#ifdef CONTROL
using member = int;
#else
using member = int&;
#endif

void store(const std::tuple<member, double>& v, const std::filesystem::path& path) { larder::dump(v, path); }
