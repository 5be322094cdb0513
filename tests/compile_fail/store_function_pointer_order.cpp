// expect: larder: this container's order, hash or equality has state
#include <filesystem>
#include <functional>
#include <set>

#include <larder/dump.hpp>

#ifdef CONTROL
using order = std::greater<int>;
#else
using order = bool (*)(int, int);
#endif

void store(const std::set<int, order>& v, const std::filesystem::path& path) { larder::dump(v, path); }
