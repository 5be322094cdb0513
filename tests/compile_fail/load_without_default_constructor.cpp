// expect: larder: a stored type needs a default constructor
#include <filesystem>
#include <optional>

#include <larder/fields.hpp>
#include <larder/load.hpp>

class account {
 public:
#ifdef CONTROL
  account() = default;
#endif
  explicit account(int balance) : balance_(balance) {}

 private:
  int balance_ = 0;
  LARDER_FIELDS(balance_)
};

auto read(const std::filesystem::path& path) { return larder::load<std::optional<account>>(path); }
