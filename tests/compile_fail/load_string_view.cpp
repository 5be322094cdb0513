// expect: larder: a view does not own what it shows
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <larder/load.hpp>

#ifdef CONTROL
using text = std::string;
#else
using text = std::string_view;
#endif

std::map<int, text> read(const std::filesystem::path& path) {
  return larder::load<std::map<int, text>>(path);
}
