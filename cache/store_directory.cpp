#include "cache/store_directory.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/directory_stream.hpp"
#include "cache/entry_directory.hpp"
#include "cache/object_eviction.hpp"
#include "src/atomic_file.hpp"
#include "src/descriptor.hpp"
#include "src/little_endian.hpp"
#include "src/object_name.hpp"

namespace larder::detail {
namespace {

constexpr std::uint64_t k_users = 16;
constexpr std::uint64_t k_door = 17;
constexpr std::string_view k_magic = "LRDSTORE";
constexpr std::uint64_t k_settings_at = 16;
// Stores that are being made, and such as are being removed: whoever does that is in the door.
constexpr const char* k_aside = ".larder-aside-";

using settings_text = std::array<std::byte, 24>;

void write_settings(const lock_file& file, const store_settings& settings, const std::string& location) {
  settings_text text{};
  std::memcpy(text.data(), k_magic.data(), k_magic.size());
  put(text, 8, settings.capacity);
  put(text, 16, std::uint64_t{settings.until_last_user});
  if (!write_all_at(file.fd(), text, k_settings_at))
    throw io_error(location + "/" + k_lock_file, "cannot write", errno);
}

bool is_directory(const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

void make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    throw io_error(path, "cannot make the directory", errno);
}

/// Null where nobody chose another place of stores than the usual one.
const char* chosen_root() noexcept {
  const char* const set = ::getenv("LARDER_STORE_DIR");
  return set != nullptr && *set != '\0' ? set : nullptr;
}

/// False where there is none. `look` is stat or lstat.
bool check_private(const std::string& path, int (*look)(const char*, struct ::stat*)) {
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

/// The place of stores that are opened by name; false where there is none. Others may make links in /dev/shm that lead anywhere.
bool check_root(const std::string& root) {
  return check_private(root, chosen_root() != nullptr ? ::stat : ::lstat);
}

/// Makes the place of stores that are opened by name, if this is one of those.
void make_root_of(const std::string& location) {
  const std::string root = store_root();
  if (!location.starts_with(root + "/")) return;
  make_directory(root);
  check_root(root);
}

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

bool holds_other_things(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    if (std::string_view(name) != k_lock_file && !atomic_file::is_temporary(name)) return true;
  }
  return false;
}

/// Objects and what was left behind of some, but not the lock file. What vanishes meanwhile is fine.
void remove_objects(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    if (!is_own(name) || std::string_view(name) == k_lock_file) continue;
    const std::string path = location + "/" + name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != EISDIR)
      throw io_error(path, "cannot remove", errno);
  }
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
  if (file.is_open() && file.try_lock(k_door, lock_file::kind::exclusive) != lock_file::result::locked)
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

/// Makes the store in one step, where there is no directory: who has a handle on one that was removed, and puts something, finds all
/// of the new one or nothing. What somebody else made meanwhile stays.
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
      if (lock.is_open() && lock.lock(k_door, lock_file::kind::exclusive) == lock_file::result::locked) {
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
  make_directory(location);
}

/// By whoever is in the door. What remains of the directory gets another name before it goes: who opens the store anew makes another
/// one, and is not in the way. A directory that others put something into stays, with that.
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

/// Whether the users of a store that was to live until the last of them ends were killed. By whoever is in the door.
bool is_abandoned(const lock_file& file, const std::string& location) {
  const auto settings = read_settings(file, location);
  if (!settings || !settings->until_last_user) return false;
  const bool alone = file.try_lock(k_users, lock_file::kind::exclusive) == lock_file::result::locked;
  if (alone) (void)file.unlock(k_users);
  return alone;
}

}  // namespace

std::optional<store_settings> read_settings(const lock_file& file, const std::string& location) {
  if (!file.is_open()) return std::nullopt;
  settings_text text{};
  ssize_t count = 0;
  do {
    count = ::pread(file.fd(), text.data(), text.size(), k_settings_at);
  } while (count < 0 && errno == EINTR);
  if (count < 0) throw io_error(location + "/" + k_lock_file, "cannot read", errno);
  if (count != ssize_t{text.size()} || std::memcmp(text.data(), k_magic.data(), k_magic.size()) != 0)
    return std::nullopt;
  return store_settings{.capacity = get<std::uint64_t>(text, 8),
                        .until_last_user = get<std::uint64_t>(text, 16) != 0};
}

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

store_user::store_user(std::string location, const std::optional<std::uint64_t>& capacity,
                       const std::optional<bool>& until_last_user, absent where_missing)
    : location_(std::move(location)) {
  // Each time that it has to begin again, somebody else removed the store in between.
  for (int attempts = 1000; attempts != 0; --attempts) {
    if (where_missing == absent::make) {
      make_root_of(location_);
      make_store(location_,
                 {.capacity = capacity.value_or(0), .until_last_user = until_last_user.value_or(false)});
    }
    if (check_private(location_, ::stat) && enter(capacity, until_last_user, where_missing)) return;
    if (where_missing == absent::leave) throw io_error(location_, "there is no store", ENOENT);
  }
  throw io_error(location_, "cannot open the store, which others remove all the time", EAGAIN);
}

/// False where the directory was removed meanwhile, and where it is that of no store and none is to be made.
bool store_user::enter(const std::optional<std::uint64_t>& capacity,
                       const std::optional<bool>& until_last_user, absent where_missing) {
  const cache_directory directory{location_};
  lock_ = std::make_unique<lock_file>(directory, lock_file::absent::leave);
  if (!lock_->is_open() && lock_->fault() == ENOENT && where_missing == absent::make) {
    // Seen in this order: objects come later than the lock file, by whoever makes the store at the same time.
    const bool is_other = holds_other_things(location_);
    lock_ = std::make_unique<lock_file>(directory,
                                        is_other ? lock_file::absent::leave : lock_file::absent::make_file);
    if (is_other && !lock_->is_open() && lock_->fault() == ENOENT) {
      throw value_error(location_ +
                        ": this directory holds other things; a store needs one of its own: name one that "
                        "is empty, or that is not there yet");
    }
  }
  if (!lock_->is_open()) {
    if (lock_->fault() == ENOENT) return false;
    throw io_error(location_ + "/" + k_lock_file, "cannot open", lock_->fault());
  }
  const auto check = [this](bool locked) {
    if (locked) return;
    throw io_error(location_ + "/" + k_lock_file, "cannot lock: a store needs a file system with locks",
                   ENOLCK);
  };
  check(lock_->lock(k_door, lock_file::kind::exclusive) == lock_file::result::locked);
  if (!lock_->lies_in(location_)) return false;
  directory_ = descriptor::open(location_, O_PATH | O_DIRECTORY);
  std::optional<store_settings> settings = read_settings(*lock_, location_);
  if (!settings && where_missing == absent::leave) return false;
  if (!settings && holds_other_things(location_)) {
    throw value_error(location_ +
                      ": this is the directory of something else (a cache); a store needs one of its own");
  }
  if (is_abandoned(*lock_, location_)) {
    if (where_missing == absent::leave) {
      remove_all_of(location_);
      return false;
    }
    remove_objects(location_);
    settings.reset();
  }
  sweep_objects(location_);
  const bool is_new = !settings;
  if (is_new) settings.emplace();
  if (capacity) settings->capacity = *capacity;
  if (until_last_user) settings->until_last_user = *until_last_user;
  if (is_new || capacity || until_last_user) write_settings(*lock_, *settings, location_);
  if (settings->capacity != 0) byte_ledger ledger(directory, byte_ledger::start::anew);
  check(lock_->lock(k_users, lock_file::kind::shared) == lock_file::result::locked);
  check(lock_->unlock(k_door));  // or nobody else would ever come in
  return true;
}

store_user::~store_user() {
  if (!lock_->is_open()) return;  // a child of fork, which has not entered
  try {
    if (lock_->lock(k_door, lock_file::kind::exclusive) != lock_file::result::locked) return;
    if (lock_->lies_in(location_) && is_abandoned(*lock_, location_)) remove_all_of(location_);
  } catch (const error&) {
    // Whoever opens or lists stores next will try again.
  }
}

std::optional<store_settings> store_user::settings() const {
  // Of a store that was removed, and is there anew, those of the new one hold.
  if (const auto here = settings_here()) return here;
  const lock_file there({location_}, lock_file::absent::leave);
  if (!there.is_open() && there.fault() != ENOENT)
    throw io_error(location_ + "/" + k_lock_file, "cannot open", there.fault());
  return read_settings(there, location_);
}

std::optional<store_settings> store_user::settings_here() const {
  if (!lock_->is_open() || !lock_->lies_in(location_)) return std::nullopt;
  return read_settings(*lock_, location_);
}

bool remove_store(const std::string& location) {
  if (!check_private(location, ::stat)) return false;
  const lock_file file({location}, lock_file::absent::leave);
  if (!file.is_open()) {
    if (file.fault() == ENOENT || file.fault() == ENOTDIR) return false;
    throw io_error(location, "cannot open the store", file.fault());
  }
  (void)file.lock(k_door, lock_file::kind::exclusive);  // where there are no locks, there were no users
  if (!file.lies_in(location)) return false;
  if (!read_settings(file, location)) throw value_error(location + ": this is no store");
  remove_all_of(location);
  return true;
}

bool check_store_root() { return check_root(store_root()); }

std::vector<std::string> list_stores(const std::string& root) {
  std::vector<std::string> names;
  // What others may write to could lead to files that are no stores.
  if (!check_root(root)) return names;
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
                         file.try_lock(k_door, lock_file::kind::exclusive) == lock_file::result::locked;
    if (in_door && file.lies_in(path) && is_abandoned(file, path)) {
      remove_all_of(path);
    } else {
      names.push_back(*std::move(name));
    }
  }
  return names;
}

}  // namespace larder::detail
