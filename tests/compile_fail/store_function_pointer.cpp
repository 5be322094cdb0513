// expect: larder: pointers mean nothing in a file
#include <filesystem>

#include <larder/dump.hpp>
#include <larder/fields.hpp>

struct task {
#ifdef CONTROL
  double weight = 0;
#else
  double (*weight)(double) = nullptr;
#endif
  LARDER_FIELDS(weight)
};

void store(const task& v, const std::filesystem::path& path) { larder::dump(v, path); }
