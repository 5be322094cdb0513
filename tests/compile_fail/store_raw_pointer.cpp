// expect: larder: pointers mean nothing in a file
#include <filesystem>
#include <memory>
#include <vector>

#include <larder/dump.hpp>

#ifdef CONTROL
using pointer = std::unique_ptr<int>;
#else
using pointer = int*;
#endif

void store(const std::vector<pointer>& v, const std::filesystem::path& path) { larder::dump(v, path); }
