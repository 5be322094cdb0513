#include "cache/store_state.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/cache_directory.hpp"
#include "cache/entry_directory.hpp"
#include "cache/object_eviction.hpp"
#include "src/byte_size.hpp"
#include "src/descriptor.hpp"
#include "src/object_name.hpp"
#include "src/sealed_file.hpp"

namespace larder::detail {
namespace {

std::optional<std::uint64_t> capacity_in(const store_options& options) {
  if (options.capacity.empty()) return std::nullopt;
  const std::uint64_t bytes = byte_size(options.capacity, "store: capacity");
  if (bytes == 0) throw value_error("store: capacity = \"" + options.capacity + "\": nothing could be put");
  return bytes;
}

std::optional<bool> until_last_user_in(const store_options& options) {
  if (!options.lifetime) return std::nullopt;
  return *options.lifetime == lifetime::last_user;
}

/// Of what is not larger the system calls are what takes time, and not the bytes.
constexpr std::uint64_t k_small = 64 << 10;

bool is_disk_full(const io_error& e) noexcept {
  return e.errno_value() == ENOSPC || e.errno_value() == EDQUOT;
}

void pin_if_asked(const atomic_file& file, const std::string& path, const put_options& options) {
  if (options.pinned && ::fchmod(file.file().fd(), k_object_mode | k_pinned_bit) != 0)
    throw io_error(path, "cannot pin", errno);
}

std::size_t hash_of(const std::string& path) noexcept { return std::hash<std::string>{}(path); }

std::string file_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

store_state::store_state(std::string name, const std::filesystem::path& location,
                         const store_options& options, store_user::absent where_missing)
    : name_(std::move(name)),
      path_(absolute_location(location)),
      verification_(options.verification),
      user_(path_.string(), capacity_in(options), until_last_user_in(options), where_missing) {}

std::uint64_t store_state::capacity() const { return user_.settings().value_or(store_settings{}).capacity; }

std::uint64_t store_state::free_bytes() const {
  struct ::statvfs system {};
  if (::statvfs(user_.location().c_str(), &system) != 0)
    throw io_error(user_.location(), "cannot look at the file system", errno);
  return std::uint64_t{system.f_bavail} * system.f_frsize;
}

std::string store_state::path_of(std::string_view name) const {
  return user_.location() + "/" + object_file_name(name, "store: the name of an object");
}

std::string store_state::new_nameless_path() const {
  return user_.location() + "/" + nameless_object_file_name();
}

/// A directory that is gone is a store that was removed.
template <class Action>
auto store_state::while_there(Action action) const {
  try {
    return action();
  } catch (const io_error& e) {
    if (e.errno_value() == ENOENT) check_there();
    throw;
  }
}

void store_state::check_there() const {
  if (::access(user_.location().c_str(), F_OK) != 0 && errno == ENOENT)
    throw io_error(user_.location(), "the store was removed meanwhile (open it anew)", ENOENT);
}

void store_state::check_fits(const std::string& path, std::uint64_t bytes, std::uint64_t limit) {
  if (limit == 0 || bytes <= limit) return;
  throw value_error(path + ": the object has " + std::to_string(bytes) +
                    " bytes, and the capacity of the store is " + std::to_string(limit));
}

void store_state::refuse_full(const std::string& path, std::uint64_t bytes) const {
  std::string text = "needs " + std::to_string(bytes) + " bytes, and " + std::to_string(free_bytes()) +
                     " are free on the file system";
  if (const std::uint64_t limit = capacity(); limit != 0) {
    const std::uint64_t there = total_bytes(read_objects(user_.location()));
    text += ", " + std::to_string(limit - std::min(there, limit)) + " within the capacity of " +
            std::to_string(limit) + (there == 0 ? "" : "; other objects are pinned or in use");
  }
  throw io_error(path, text, ENOSPC);
}

void store_state::put(const std::string& path, const put_options& options, std::uint64_t bytes,
                      const std::function<std::uint64_t(atomic_file&)>& write) const {
  if (options.if_absent && ::access(path.c_str(), F_OK) == 0) return;
  if (bytes <= k_small && put_small(path, options, write)) return;
  std::optional<atomic_file> file;
  std::uint64_t written = 0;
  open_with_space(path, bytes, [&] {
    // What could not be written takes no space any more by the time that others have to go for it.
    atomic_file made(path, k_object_mode, at_path(options));
    written = write(made);
    file.emplace(std::move(made));
  });
  publish(*file, path, written, options);
}

/// With as few calls as can be: in the directory as it was opened, and with a temporary name from the start where an object is likely to
/// be replaced. False where it has to be put the long way: somebody removed the store, or the temporary name, or the disk is full.
bool store_state::put_small(const std::string& path, const put_options& options,
                            const std::function<std::uint64_t(atomic_file&)>& write) const {
  try {
    if (user_.directory() < 0) return false;
    const std::size_t hash = hash_of(path);
    const bool was_put = lately_put(path).exchange(hash, std::memory_order_relaxed) == hash;
    const bool replaces = was_put && !options.if_absent;
    atomic_file file({.path = path, .directory = user_.directory()}, k_object_mode, at_path(options),
                     replaces ? named::early : named::late);
    const std::uint64_t bytes = write(file);
    pin_if_asked(file, path, options);
    const auto settings = user_.settings_here();
    if (!settings) return false;
    if (settings->capacity == 0) {
      file.commit(false);
    } else {
      check_fits(path, bytes, settings->capacity);
      byte_ledger ledger = user_.ledger_here();
      publish_limited(ledger, file, path, bytes, settings->capacity, options);
    }
    return true;
  } catch (const io_error& e) {
    if (e.errno_value() != ENOENT && !is_disk_full(e)) throw;
    return false;
  }
}

std::atomic<std::size_t>& store_state::lately_put(const std::string& path) const noexcept {
  return put_lately_[hash_of(path) % put_lately_.size()];
}

void store_state::open_with_space(const std::string& path, std::uint64_t bytes,
                                  const std::function<void()>& open) const {
  // What takes longer to write than to look is refused at once, before it takes the space of others; publish() looks again.
  const bool looks = bytes > k_small;
  if (looks) check_fits(path, bytes, capacity());
  while_there([&] {
    bool is_full = looks && free_bytes() < bytes;
    for (;;) {
      // Somebody else may take what was made free: so it goes on as long as there is something to evict.
      if (is_full && !evict_for_disk(path, bytes)) refuse_full(path, bytes);
      try {
        return open();
      } catch (const io_error& e) {
        if (!is_disk_full(e)) throw;
      }
      is_full = true;
    }
  });
}

void store_state::publish(atomic_file& file, const std::string& path, std::uint64_t bytes,
                          const put_options& options) const {
  pin_if_asked(file, path, options);
  while_there([&] {
    const std::uint64_t limit = capacity();
    if (limit == 0) return file.commit(false);
    check_fits(path, bytes, limit);
    byte_ledger ledger({user_.location()}, byte_ledger::start::if_kept);
    publish_limited(ledger, file, path, bytes, limit, options);
  });
}

void store_state::publish_limited(byte_ledger& ledger, atomic_file& file, const std::string& path,
                                  std::uint64_t bytes, std::uint64_t limit,
                                  const put_options& options) const {
  // What nobody counts might go beyond the capacity.
  if (const int fault = ledger.fault(); fault != 0 && fault != ENOENT)
    throw io_error(user_.location() + "/" + k_lock_file, "cannot open", fault);
  const std::uint64_t replaced = entry_bytes(path);
  if (options.if_absent && ::access(path.c_str(), F_OK) == 0) return;
  make_room(ledger, path, bytes, limit + replaced);
  // The time of writing is too coarse to tell what was put before or after it was used.
  (void)mark_used(file.file());
  // One takes the place of the other at once: only the difference is counted, upwards before that, downwards afterwards.
  ledger.add(bytes - std::min(bytes, replaced));
  file.commit(false);
  ledger.subtract(replaced - std::min(bytes, replaced));
}

/// Evicts until `bytes` more are within the capacity, to which what is replaced was added.
void store_state::make_room(byte_ledger& ledger, const std::string& path, std::uint64_t bytes,
                            std::uint64_t capacity) const {
  const std::uint64_t room = capacity - bytes;
  if (ledger.bytes() && *ledger.bytes() <= room) return;
  sweep_objects(user_.location());
  auto objects = read_objects(user_.location());
  // Where there are many, a little more than needed goes, so that not every put has to walk.
  constexpr std::size_t k_many = 256;
  const std::uint64_t spare = objects.size() < k_many ? 0 : std::min(room, capacity / 16);
  const std::uint64_t there = total_bytes(objects);
  const std::uint64_t wanted = there <= room ? room : room - spare;
  const std::uint64_t left = evict_objects(user_.location(), std::move(objects), file_of(path),
                                           [&](std::uint64_t now) { return now <= wanted; });
  ledger.set(left);
  if (left > room) refuse_full(path, bytes);
}

/// For a file system that is full before the capacity is reached. False where nothing was evicted: there is nothing, or no leave to do so.
bool store_state::evict_for_disk(const std::string& path, std::uint64_t bytes) const {
  if (capacity() == 0) return false;
  byte_ledger ledger({user_.location()}, byte_ledger::start::if_kept);
  sweep_objects(user_.location());
  auto objects = read_objects(user_.location());
  const std::uint64_t before = total_bytes(objects);
  // More than is free now, which was not enough.
  const std::uint64_t wanted = std::max(bytes, free_bytes() + 1);
  const std::uint64_t left = evict_objects(user_.location(), std::move(objects), file_of(path),
                                           [&](std::uint64_t) { return free_bytes() >= wanted; });
  ledger.set(left);
  return left < before;
}

bool store_state::forget(const std::string& path) const {
  lately_put(path).store(0, std::memory_order_relaxed);
  byte_ledger ledger({user_.location()}, byte_ledger::start::if_kept);
  const std::uint64_t bytes = entry_bytes(path);
  if (::unlink(path.c_str()) != 0) {
    if (errno != ENOENT) throw io_error(path, "cannot remove", errno);
    check_there();
    return false;
  }
  ledger.subtract(bytes);
  return true;
}

entry_totals store_state::clear() const {
  check_there();
  sweep_objects(user_.location());
  entry_totals removed;
  for (const catalog_object& each : read_objects(user_.location())) {
    if (!forget(user_.location() + "/" + each.file)) continue;
    ++removed.entries;
    removed.bytes += each.bytes;
  }
  return removed;
}

void store_state::set_pinned(const std::string& path, bool pinned) const {
  // Open, it is in use: it is not evicted before it is pinned, unless it is gone by then.
  const auto file = descriptor::open_if_exists(path, O_RDONLY | O_NOFOLLOW);
  if (!file || file->stat().st_nlink == 0) {
    check_there();
    refuse_absent_object(path);
  }
  if (::fchmod(file->fd(), k_object_mode | (pinned ? k_pinned_bit : 0)) != 0)
    throw io_error(path, pinned ? "cannot pin" : "cannot unpin", errno);
}

std::uint64_t store_state::used() const { return total_bytes(read_objects(user_.location())); }

}  // namespace larder::detail
