#pragma once
// What the system refused, as a user sees it.

#include <larder/error.hpp>

#include <filesystem>
#include <functional>

#include "tests/catch.hpp"

/// The errno of the io_error that `action` throws; its text names `path`. 0 where it throws none.
inline int refused(const std::filesystem::path& path, const std::function<void()>& action) {
  try {
    action();
  } catch (const larder::io_error& e) {
    CHECK(e.path() == path.string());
    CHECK_THAT(e.what(), Catch::Matchers::ContainsSubstring(path.string()));
    return e.errno_value();
  }
  return 0;
}
