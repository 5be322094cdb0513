// expect: larder: a const member cannot be loaded
#include <filesystem>

#include <larder/fields.hpp>
#include <larder/load.hpp>

struct account {
#ifdef CONTROL
  int balance = 0;
#else
  const int balance = 0;
#endif
  LARDER_FIELDS(balance)
};

account read(const std::filesystem::path& path) { return larder::load<account>(path); }
