// expect: larder: this type cannot be stored
#include <filesystem>
#include <string>
#include <thread>

#include <larder/dump.hpp>

#ifdef CONTROL
using value = std::string;
#else
using value = std::thread;
#endif

void store(const value& v, const std::filesystem::path& path) { larder::dump(v, path); }
