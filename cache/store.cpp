#include <larder/store.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>

#include <larder/error.hpp>

#include "cache/cache_directory.hpp"
#include "cache/entry_inspection.hpp"
#include "cache/name_watch.hpp"
#include "cache/object_catalog.hpp"
#include "cache/object_use.hpp"
#include "cache/store_directory.hpp"
#include "cache/store_root.hpp"
#include "cache/store_state.hpp"
#include "src/array_image.hpp"
#include "src/container_writer.hpp"
#include "src/object_name.hpp"

namespace larder {
namespace detail {
namespace {

/// Of a store that is opened by its name.
std::string location_of(std::string_view name) {
  return store_root() + "/" + object_file_name(name, "store: the name");
}

/// Writes a value to an object.
class object_sink final : public value_sink {
 public:
  object_sink(const store_state& state, const std::string& path, const put_options& options)
      : state_(state), path_(path), options_(options) {}

  void array(const raw_array& a) override {
    state_.put(path_, options_, a.nbytes(),
               [&](atomic_file& file) { return write_array(file, array_image(a), 0); });
  }
  void object(const object_parts& object) override {
    check_object("store", object);
    constexpr std::uint64_t k_beside = 256;  // of a small array: its header, its place in the index
    std::uint64_t bytes = object.bytes.size();
    for (const raw_array& a : object.arrays) bytes += a.nbytes() + k_beside;
    state_.put(path_, options_, bytes, [&](atomic_file& file) { return write_object(file, object, 0); });
  }

 private:
  const store_state& state_;
  const std::string& path_;
  const put_options& options_;
};

std::chrono::system_clock::time_point to_clock(file_time time) {
  return std::chrono::time_point_cast<std::chrono::system_clock::duration>(time);
}

struct ::stat look_at(const std::string& path) {
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) == 0) return status;
  if (errno == ENOENT) refuse_absent_object(path);
  throw io_error(path, "cannot look at", errno);
}

bool is_file(const std::string& path) {
  struct ::stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool wait_for_file(const store_state& state, const std::string& path, const name_watch::deadline& until) {
  if (is_file(path)) return true;
  name_watch watch(state.location().string());
  if (is_file(path)) return true;
  while (const auto seen = watch.next(until)) {
    const bool may_be_it = seen->file.empty() || path.ends_with("/" + seen->file);
    if (may_be_it && is_file(path)) return true;
  }
  return false;
}

}  // namespace
}  // namespace detail

store::store(std::string_view name, const store_options& options)
    : state_(std::make_shared<detail::store_state>(std::string(name), detail::location_of(name), options,
                                                   detail::store_user::absent::make)) {}

store store::at(const std::filesystem::path& directory, const store_options& options) {
  if (directory.empty()) throw value_error("store: an empty path is no directory");
  return store(std::make_shared<detail::store_state>(std::string(), directory, options,
                                                     detail::store_user::absent::make));
}

std::vector<std::string> store::list() {
  auto names = detail::list_stores();
  std::ranges::sort(names);
  return names;
}

bool store::remove(std::string_view name) {
  const std::string location = detail::location_of(name);
  return detail::check_store_root() && detail::remove_store(location);
}

bool store::remove_at(const std::filesystem::path& directory) {
  if (directory.empty()) throw value_error("store: an empty path is no directory");
  return detail::remove_store(detail::absolute_location(directory).string());
}

std::optional<store> store::open_if_exists(std::string_view name, const store_options& options) {
  const std::string location = detail::location_of(name);
  if (!detail::check_store_root()) return std::nullopt;
  try {
    return store(std::make_shared<detail::store_state>(std::string(name), location, options,
                                                       detail::store_user::absent::leave));
  } catch (const io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    return std::nullopt;
  }
}

std::string store::put_object(const std::string_view* name, const put_options& options,
                              detail::function_ref<void(detail::value_sink&)> write) const {
  std::string path = name != nullptr ? state_->path_of(*name) : state_->new_nameless_path();
  detail::object_sink sink(*state_, path, options);
  write(sink);
  return path;
}

std::string store::object_path(std::string_view name) const { return state_->path_of(name); }

verification store::verification() const noexcept { return state_->verification(); }

bool store::contains_path(const std::string& path) const { return detail::is_file(path); }

bool store::forget_path(const std::string& path) const { return state_->forget(path); }

const std::string& store::own_path(const std::string& path) const {
  const std::filesystem::path all(path);
  if (all.parent_path() != state_->location() || !detail::object_name(all.filename().native())) {
    throw value_error("store: \"" + path + "\" refers to no object of the store in " +
                      state_->location().string());
  }
  return path;
}

void store::clear() const { state_->clear(); }

void store::set_pinned(const std::string& path, bool pinned) const { state_->set_pinned(path, pinned); }

std::vector<std::string> store::names(std::string_view prefix) const {
  std::vector<std::string> names;
  for (const auto& each : detail::read_objects(state_->location().string())) {
    auto name = detail::object_name(each.file);
    if (name && !name->empty() && name->starts_with(prefix)) names.push_back(*std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

object_info store::info_of_path(const std::string& path) const {
  for (;;) {
    const auto status = detail::look_at(path);
    const auto object = detail::describe_object({}, status);
    // First: reading it for its type is a use as well.
    const bool in_use = detail::use_of(path) == detail::file_use::used;
    std::string type = detail::inspect_entry(path).type;
    if (detail::look_at(path).st_ino != status.st_ino) continue;  // another one was put over it
    return {.name = detail::object_name_of(path),
            .path = path,
            .type = std::move(type),
            .bytes = object.bytes,
            .created = detail::to_clock(object.created),
            .last_used = detail::to_clock(object.last_used),
            .pinned = object.pinned,
            .in_use = in_use};
  }
}

std::uint64_t store::size() const { return detail::read_objects(state_->location().string()).size(); }

std::uint64_t store::used() const { return state_->used(); }

std::uint64_t store::capacity() const {
  if (const std::uint64_t set = state_->capacity(); set != 0) return set;
  return used() + state_->free_bytes();
}

bool store::wait_at_most(std::string_view name, std::chrono::nanoseconds timeout) const {
  return detail::wait_for_file(*state_, state_->path_of(name), std::chrono::steady_clock::now() + timeout);
}

void store::wait_for(std::string_view name) const {
  detail::wait_for_file(*state_, state_->path_of(name), std::nullopt);
}

const std::string& store::name() const noexcept { return state_->name(); }

const std::filesystem::path& store::path() const noexcept { return state_->location(); }

}  // namespace larder
