#include "cache/store_root.hpp"

#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

bool is_directory(const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// Null where nobody chose another place of stores than the usual one.
const char* chosen_root() noexcept {
  const char* const set = ::getenv("LARDER_STORE_DIR");
  return set != nullptr && *set != '\0' ? set : nullptr;
}

/// False where there is none. `look` is stat or lstat.
bool check(const std::string& path, int (*look)(const char*, struct ::stat*)) {
  struct ::stat status {};
  if (look(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    throw io_error(path, "cannot look at", errno);
  }
  if (!S_ISDIR(status.st_mode)) throw io_error(path, "cannot hold a store", ENOTDIR);
  if (status.st_uid != ::geteuid()) {
    throw value_error(path + ": this directory belongs to another user (" + std::to_string(status.st_uid) +
                      "), and a store is its user's alone; use a directory of your own");
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw value_error(path +
                      ": others may write to this directory, and what a store holds would be trusted; " +
                      "chmod go-w '" + path + "'");
  }
  return true;
}

}  // namespace

std::string store_root() {
  if (const char* const chosen = chosen_root()) {
    std::string root = chosen;
    if (root.front() != '/')
      throw value_error("LARDER_STORE_DIR = \"" + root + "\"; an absolute path is needed");
    while (root.size() > 1 && root.back() == '/') root.pop_back();
    return root;
  }
  return (is_directory("/dev/shm") ? "/dev/shm/larder-" : "/tmp/larder-") + std::to_string(::geteuid());
}

bool check_store_root() {
  // Others may make links in /dev/shm that lead anywhere.
  return check(store_root(), chosen_root() != nullptr ? ::stat : ::lstat);
}

void make_root_of(const std::string& location) {
  const std::string root = store_root();
  if (!location.starts_with(root + "/")) return;
  make_private_directory(root);
  check_store_root();
}

bool check_private(const std::string& location) { return check(location, ::stat); }

void make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    throw io_error(path, "cannot make the directory", errno);
}

}  // namespace larder::detail
