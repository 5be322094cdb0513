// expect: larder: this type cannot be stored
#include <filesystem>
#include <string>
#include <thread>

#include <larder/load.hpp>

#ifdef CONTROL
using value = std::string;
#else
using value = std::thread;
#endif

value read(const std::filesystem::path& path) { return larder::load<value>(path); }
