#pragma once
// What the handles on one store share.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <larder/store.hpp>

#include "cache/byte_ledger.hpp"
#include "cache/object_catalog.hpp"
#include "cache/store_user.hpp"
#include "src/atomic_file.hpp"

namespace larder::detail {

/// Immutable, so that any number of threads may use it. What changes something is an io_error, ENOENT, where the store was removed.
class store_state {
 public:
  /// `name` is empty for a store that was opened by its directory.
  store_state(std::string name, const std::filesystem::path& location, const store_options& options,
              store_user::absent where_missing);

  const std::string& name() const noexcept { return name_; }
  const std::filesystem::path& location() const noexcept { return path_; }
  larder::verification verification() const noexcept { return verification_; }
  /// 0: none.
  std::uint64_t capacity() const;
  /// Of the file system.
  std::uint64_t free_bytes() const;

  /// Of the object of this name; value_error for what is none.
  std::string path_of(std::string_view name) const;
  std::string new_nameless_path() const;

  /// Writes an object of about `bytes` and publishes it at its path. `write` is called with the new file, and returns its size; it is
  /// called again, with another file, where the disk was full and there was something to evict.
  void put(const std::string& path, const put_options& options, std::uint64_t bytes,
           const std::function<std::uint64_t(atomic_file&)>& write) const;
  /// For one that is filled over time: opens it by `open`, and publishes it later.
  void open_with_space(const std::string& path, std::uint64_t bytes, const std::function<void()>& open) const;
  void publish(atomic_file& file, const std::string& path, std::uint64_t bytes,
               const put_options& options) const;
  /// What is at the path of an object as another is put there.
  static existing at_path(const put_options& options) noexcept {
    return options.if_absent ? existing::keep : existing::supersede;
  }

  /// False where there was none.
  bool forget(const std::string& path) const;
  /// Returns what it removed.
  entry_totals clear() const;
  void set_pinned(const std::string& path, bool pinned) const;
  std::uint64_t used() const;

 private:
  bool put_small(const std::string& path, const put_options& options,
                 const std::function<std::uint64_t(atomic_file&)>& write) const;
  /// Where it is remembered whether an object was put there lately: hash_of its path, or that of another one.
  std::atomic<std::size_t>& lately_put(const std::string& path) const noexcept;
  void publish_limited(byte_ledger& ledger, atomic_file& file, const std::string& path, std::uint64_t bytes,
                       std::uint64_t limit, const put_options& options) const;
  void make_room(byte_ledger& ledger, const std::string& path, std::uint64_t bytes,
                 std::uint64_t capacity) const;
  bool evict_for_disk(const std::string& path, std::uint64_t bytes) const;
  [[noreturn]] void refuse_full(const std::string& path, std::uint64_t bytes) const;
  void check_there() const;
  static void check_fits(const std::string& path, std::uint64_t bytes, std::uint64_t limit);
  template <class Action>
  auto while_there(Action action) const;

  std::string name_;
  std::filesystem::path path_;
  larder::verification verification_;
  store_user user_;
  mutable std::array<std::atomic<std::size_t>, 256> put_lately_{};
};

}  // namespace larder::detail
