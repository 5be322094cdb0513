#include "cache/store_directory.hpp"

#include <cerrno>
#include <optional>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "cache/lock_file.hpp"
#include "cache/store_root.hpp"
#include "src/atomic_file.hpp"
#include "src/directory_stream.hpp"
#include "src/object_name.hpp"

namespace larder::detail {
namespace {

// Stores that are being made, and such as are being removed: whoever does that is in the door.
constexpr const char* k_aside = ".larder-aside-";

/// Whether a store may have put a file of this name into its directory.
bool is_own(std::string_view name) {
  return name == k_lock_file || atomic_file::is_temporary(name) || object_name(name);
}

/// Whether there is something in the directory of a store that is none of its.
bool holds_foreign_things(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    struct ::stat status {};
    if (!is_own(name) || (directory.stat(status) && S_ISDIR(status.st_mode))) return true;
  }
  return false;
}

void remove_directory(const std::string& location) {
  // An object that somebody was about to publish may come yet.
  for (int attempts = 10;; --attempts) {
    remove_objects(location);
    ::unlink((location + "/" + k_lock_file).c_str());
    if (::rmdir(location.c_str()) == 0 || errno == ENOENT) return;
    if (errno != ENOTEMPTY || attempts == 0) throw io_error(location, "cannot remove", errno);
  }
}

/// A new one beside a store.
std::string aside_of(const std::string& location) {
  return location.substr(0, location.rfind('/') + 1) + k_aside + nameless_object_file_name().substr(2);
}

/// What somebody left there who was killed on the way, or could not go on.
void remove_left_aside(const std::string& path) {
  const lock_file file({path}, lock_file::absent::leave);
  if (file.is_open() && file.try_lock(k_store_door, lock_file::kind::exclusive) != lock_file::result::locked)
    return;
  try {
    if (file.is_open()) return remove_directory(path);
    // Somebody may be at it all the same, before the door is there or after: a lock file that is made now stays.
    remove_objects(path);
    ::rmdir(path.c_str());
  } catch (const io_error&) {
    // Another time.
  }
}

}  // namespace

void make_store(const std::string& location, const store_settings& settings) {
  struct ::stat status {};
  if (::stat(location.c_str(), &status) == 0) return;
  if (::lstat(location.c_str(), &status) == 0 && S_ISLNK(status.st_mode))
    throw io_error(location, "cannot make a store where a link leads nowhere", ENOENT);
  const std::string aside = aside_of(location);
  if (::mkdir(aside.c_str(), 0700) == 0) {
    bool was_late = false;  // somebody made one, or took this one for left behind: it can be tried again
    try {
      const lock_file lock({aside}, lock_file::absent::make_file);
      was_late = lock.fault() == ENOENT;
      if (lock.is_open() &&
          lock.lock(k_store_door, lock_file::kind::exclusive) == lock_file::result::locked) {
        write_settings(lock, settings, aside);
        if (::rename(aside.c_str(), location.c_str()) == 0) return;
        was_late = errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT;
      }
    } catch (const io_error&) {
      // Who opens it finds the same, and says so of the place itself.
    }
    remove_left_aside(aside);
    if (was_late) return;
  }
  make_private_directory(location);
}

bool holds_more_than_a_lock_file(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    if (std::string_view(name) != k_lock_file && !atomic_file::is_temporary(name)) return true;
  }
  return false;
}

void remove_objects(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    if (!is_own(name) || std::string_view(name) == k_lock_file) continue;
    const std::string path = location + "/" + name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != EISDIR)
      throw io_error(path, "cannot remove", errno);
  }
}

void remove_all_of(const std::string& location) {
  remove_objects(location);
  if (holds_foreign_things(location)) {
    ::unlink((location + "/" + k_lock_file).c_str());
    return;
  }
  const std::string aside = aside_of(location);
  if (::rename(location.c_str(), aside.c_str()) == 0) {
    remove_directory(aside);
  } else {
    remove_directory(location);  // or says why it cannot go
  }
}

bool remove_store(const std::string& location) {
  if (!check_private(location)) return false;
  const lock_file file({location}, lock_file::absent::leave);
  if (!file.is_open()) {
    if (file.fault() == ENOENT || file.fault() == ENOTDIR) return false;
    throw io_error(location, "cannot open the store", file.fault());
  }
  (void)file.lock(k_store_door, lock_file::kind::exclusive);  // where there are no locks, there were no users
  if (!file.lies_in(location)) return false;
  if (!read_settings(file, location)) throw value_error(location + ": this is no store");
  remove_all_of(location);
  return true;
}

std::vector<std::string> list_stores() {
  std::vector<std::string> names;
  // What others may write to could lead to files that are no stores.
  if (!check_store_root()) return names;
  const std::string root = store_root();
  directory_stream directory(root);
  while (const char* const found = directory.next()) {
    const std::string path = root + "/" + found;
    if (std::string_view(found).starts_with(k_aside)) {
      remove_left_aside(path);
      continue;
    }
    auto name = object_name(found);
    if (!name || name->empty()) continue;
    const lock_file file({path}, lock_file::absent::leave);
    const auto settings = read_settings(file, path);
    if (!settings) continue;
    // Whoever is in the door begins to use it, or removes it.
    const bool in_door = settings->until_last_user &&
                         file.try_lock(k_store_door, lock_file::kind::exclusive) == lock_file::result::locked;
    if (in_door && file.lies_in(path) && is_abandoned(file, path)) {
      remove_all_of(path);
    } else {
      names.push_back(*std::move(name));
    }
  }
  return names;
}

}  // namespace larder::detail
