// expect: larder: this type cannot be stored
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <larder/dump.hpp>

#ifdef CONTROL
using value = std::string;
#else
using value = std::thread;
#endif

// It looks through containers.
void store(const std::map<int, std::optional<std::vector<value>>>& v, const std::filesystem::path& path) {
  larder::dump(v, path);
}
