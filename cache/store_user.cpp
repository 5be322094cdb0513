#include "cache/store_user.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>

#include <larder/error.hpp>

#include "cache/object_eviction.hpp"
#include "cache/store_directory.hpp"
#include "cache/store_root.hpp"

namespace larder::detail {

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
    if (check_private(location_) && enter(capacity, until_last_user, where_missing)) return;
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
    const bool is_other = holds_more_than_a_lock_file(location_);
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
  check(lock_->lock(k_store_door, lock_file::kind::exclusive) == lock_file::result::locked);
  if (!lock_->lies_in(location_)) return false;
  directory_ = descriptor::open(location_, O_PATH | O_DIRECTORY);
  std::optional<store_settings> settings = read_settings(*lock_, location_);
  if (!settings && where_missing == absent::leave) return false;
  if (!settings && holds_more_than_a_lock_file(location_)) {
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
  check(lock_->lock(k_store_users, lock_file::kind::shared) == lock_file::result::locked);
  check(lock_->unlock(k_store_door));  // or nobody else would ever come in
  return true;
}

store_user::~store_user() {
  if (!lock_->is_open()) return;  // a child of fork, which has not entered
  try {
    if (lock_->lock(k_store_door, lock_file::kind::exclusive) != lock_file::result::locked) return;
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

}  // namespace larder::detail
