#pragma once
// Objects that the processes of one machine share by name, mapped and not copied; there is no server.
//
//   larder::store st("run42", {.capacity = "8G"});
//   st.put("weights", weights);                                             // in one program
//   auto w = st.get<larder::array<const double>>("weights");                // in another: mapped

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/detail/value_sink.hpp>
#include <larder/object_info.hpp>
#include <larder/object_ref.hpp>
#include <larder/storable.hpp>

namespace larder {

/// How long a namespace lives.
enum class lifetime {
  until_removed,  ///< until it is removed; in shared memory also until the machine is switched off
  last_user,      ///< until the last process that opened it ends; a child of fork has to open it itself
};

struct store_options {
  /// The most bytes that objects may have together, as "8G", "500M" or "2K" (of 1,024): a put evicts what was least recently used. It
  /// belongs to the namespace and counts for all who use it, until it is set anew. Empty: as it is; a new namespace has no limit.
  std::string capacity{};
  /// Belongs to the namespace likewise. Without a value: as it is; a new one lives until_removed.
  std::optional<larder::lifetime> lifetime{};
  larder::verification verification = larder::verification::automatic;  ///< of mapped arrays, as in load
};

struct put_options {
  bool if_absent = false;  ///< where the name has an object, that one stays, and nothing is put
  bool pinned = false;     ///< is never evicted
};

namespace detail {

class store_state;       // cache/store_state.hpp
struct unsealed_object;  // cache/unsealed_object.hpp

/// An object under way that is filled in place.
class object_in_place {
 public:
  object_in_place(std::shared_ptr<const store_state> state, std::string_view name, const put_options& options,
                  dtype type, const extents& shape);
  object_in_place(object_in_place&&) noexcept;
  object_in_place& operator=(object_in_place&&) noexcept;
  ~object_in_place();

  const raw_array& array() const;
  /// Its path.
  std::string seal();
  larder::verification verification() const;

 private:
  /// value_error where it was sealed.
  unsealed_object& unsealed() const;

  std::unique_ptr<unsealed_object> object_;
};

}  // namespace detail

/// Owns an object that has no name until it is sealed: dropping the writer leaves nothing behind, and neither does a crash.
/// Move-only. One thread at a time; the elements may be written by many, and by worker processes (mmap_mode::read_write).
template <element T>
class store_writer {
 public:
  /// Zeroed, row-major, in the memory that will be the object. value_error after seal().
  larder::array<T> array() const { return detail::array_access::wrap<T>(object_.array()); }

  /// Computes the digest and publishes the object in one step. value_error while other handles on the array are in use in this
  /// process: what is sealed cannot be written to any more. io_error, also where there is no room within the capacity. After an error it
  /// can be called again.
  object_ref<larder::array<T>> seal() && {
    const auto verify = object_.verification();
    return {object_.seal(), verify};
  }

 private:
  friend class store;

  explicit store_writer(detail::object_in_place object) : object_(std::move(object)) {}

  detail::object_in_place object_;
};

/// A handle on a namespace: a directory of this user alone in shared memory, in which an object is a file (docs/store.md); copies share
/// it. Thread-safe; any number of processes may use one at the same time, and a process may fork. An object never changes: another put
/// under its name is another object, and who has the old one keeps it, as with forget, eviction and the removal of the namespace.
///
/// A name is any UTF-8 text of 1 to 200 bytes (value_error for another), and never a path. Objects are of any storable type.
/// Functions that change something are io_error where the system refuses, and where the namespace was removed meanwhile.
class store {
 public:
  /// Opens the namespace of this name, making it where there is none: under /dev/shm, or where there is no such directory, under /tmp
  /// (LARDER_STORE_DIR names another place). value_error for a name or an option that is none, and for a namespace that belongs to
  /// another user, or that others may write to; io_error.
  explicit store(std::string_view name, const store_options& options = {});

  /// The same in a directory of any file system; its parent has to be there. value_error for a directory that holds other things.
  static store at(const std::filesystem::path& directory, const store_options& options = {});

  /// The same as store(name) where there is such a namespace already; nothing where there is none.
  static std::optional<store> open_if_exists(std::string_view name, const store_options& options = {});

  /// The names of the namespaces of this user that store(name) opens, sorted. Those of lifetime::last_user whose users were killed are
  /// removed on the way. value_error where their place is not this user's alone; io_error.
  static std::vector<std::string> list();

  /// Removes a namespace with all its objects, whoever uses it; mapped objects stay valid. False where there is none. value_error for
  /// what is no name, and as by list(); io_error.
  static bool remove(std::string_view name);
  /// The same of one that at() opens. value_error for a directory that holds something else.
  static bool remove_at(const std::filesystem::path& directory);

  /// Writes the value to an object and publishes it under the name, in one step: others find the old object or the new one. Returns a
  /// reference to it. With a capacity, the objects that were least recently used go first, but none that is pinned or in use; where that
  /// is not enough, and on a full disk, it is an io_error (ENOSPC) with the bytes needed and free. value_error for what is larger than
  /// the capacity. On any error what was there under the name stays.
  template <class T>
  object_ref<T> put(std::string_view name, const T& value, const put_options& options = {}) const {
    detail::require_storable<T>();
    return put_as<T>(&name, value, options);
  }

  /// The same under no name: for who has the reference.
  template <class T>
  object_ref<T> put(const T& value, const put_options& options = {}) const {
    detail::require_storable<T>();
    return put_as<T>(nullptr, value, options);
  }

  /// The object of this name, mapped: array<const T> read-only, array<T> copy-on-write, also inside an object. Vectors are copies, and
  /// so is all of an object whose file has at most 8 KiB: it is not in use then. Where there is none, get is an io_error (ENOENT), and
  /// find returns nothing. format_error for a damaged object, type_mismatch for one of another type; io_error.
  template <class T>
  T get(std::string_view name) const {
    return ref<T>(name).get();
  }
  template <class T>
  std::optional<T> find(std::string_view name) const {
    detail::require_storable<T>();
    return detail::find_object<T>(object_path(name), verification());
  }

  /// A reference to what has this name, or will have: nothing is looked up.
  template <class T>
  object_ref<T> ref(std::string_view name) const {
    detail::require_storable<T>();
    return {object_path(name), verification()};
  }

  /// An array of this name to be filled where it will lie; nothing is there under the name before it is sealed. Zeroed. All its space
  /// on the file system is taken first, as by put; room within the capacity is made when it is sealed. value_error for a shape that does not fit memory addresses.
  template <element T>
  store_writer<T> create(std::string_view name, const extents& shape, const put_options& options = {}) const {
    return store_writer<T>(detail::object_in_place(state_, name, options, dtype_of<T>, shape));
  }

  // What follows is also there for a reference: value_error for one to an object of another namespace.

  bool contains(std::string_view name) const { return contains_path(object_path(name)); }
  template <class T>
  bool contains(const object_ref<T>& object) const {
    return contains_path(own_path(object.path()));
  }

  /// Removes the object; false where there was none. Whoever has it mapped keeps it.
  bool forget(std::string_view name) const { return forget_path(object_path(name)); }
  template <class T>
  bool forget(const object_ref<T>& object) const {
    return forget_path(own_path(object.path()));
  }

  /// Keeps an object from being evicted, or no longer. io_error (ENOENT) where there is none.
  void pin(std::string_view name) const { set_pinned(object_path(name), true); }
  template <class T>
  void pin(const object_ref<T>& object) const {
    set_pinned(own_path(object.path()), true);
  }
  void unpin(std::string_view name) const { set_pinned(object_path(name), false); }
  template <class T>
  void unpin(const object_ref<T>& object) const {
    set_pinned(own_path(object.path()), false);
  }

  /// io_error (ENOENT) where there is none; format_error.
  object_info info(std::string_view name) const { return info_of_path(object_path(name)); }
  template <class T>
  object_info info(const object_ref<T>& object) const {
    return info_of_path(own_path(object.path()));
  }

  /// Removes all objects, and what those left behind that were killed while they put one.
  void clear() const;

  /// The names that begin with `prefix`, sorted; without objects that have none.
  std::vector<std::string> names(std::string_view prefix = {}) const;

  /// The number of objects, also of those without a name. This and used() look at all of them.
  std::uint64_t size() const;
  /// The bytes of all objects, as files.
  std::uint64_t used() const;
  /// The most bytes that there may be; without a limit, those used and those that are free on the file system.
  std::uint64_t capacity() const;

  /// True as soon as there is an object of this name, false after the timeout. io_error, also where the namespace is removed
  /// meanwhile.
  template <class Rep, class Period>
  bool wait_for(std::string_view name, const std::chrono::duration<Rep, Period>& timeout) const {
    // What is longer than clocks count to is for ever.
    using seconds = std::chrono::duration<double>;
    if (seconds(timeout) > seconds(std::chrono::hours(24 * 36500))) return wait_for(name), true;
    return wait_at_most(name, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  seconds(timeout) > seconds(0) ? timeout : timeout.zero()));
  }
  /// However long it takes.
  void wait_for(std::string_view name) const;

  /// Of a store(name); empty of an at(directory).
  const std::string& name() const noexcept;
  /// Its directory, absolute.
  const std::filesystem::path& path() const noexcept;

 private:
  explicit store(std::shared_ptr<const detail::store_state> state) : state_(std::move(state)) {}

  template <class T>
  object_ref<T> put_as(const std::string_view* name, const T& value, const put_options& options) const {
    const auto write = [&value](detail::value_sink& to) { detail::write_value(value, to); };
    return {put_object(name, options, write), verification()};
  }

  /// Return its path.
  std::string put_object(const std::string_view* name, const put_options& options,
                         detail::function_ref<void(detail::value_sink&)> write) const;
  std::string object_path(std::string_view name) const;
  bool wait_at_most(std::string_view name, std::chrono::nanoseconds timeout) const;
  /// The path of a reference; value_error unless it is one to an object of this store.
  const std::string& own_path(const std::string& path) const;
  bool contains_path(const std::string& path) const;
  bool forget_path(const std::string& path) const;
  void set_pinned(const std::string& path, bool pinned) const;
  object_info info_of_path(const std::string& path) const;
  larder::verification verification() const noexcept;

  std::shared_ptr<const detail::store_state> state_;
};

}  // namespace larder
