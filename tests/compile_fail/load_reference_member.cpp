// expect: larder: a stored type needs a default constructor
#include <filesystem>

#include <larder/fields.hpp>
#include <larder/load.hpp>

struct holder {
#ifdef CONTROL
  int held;
#else
  int& held;
#endif
  LARDER_FIELDS(held)
};

holder read(const std::filesystem::path& path) { return larder::load<holder>(path); }
