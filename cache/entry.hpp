#pragma once
// One result on disk: a container with metadata, published whole and read-only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <larder/detail/function_ref.hpp>
#include <larder/detail/value_sink.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/entry_info.hpp>
#include <larder/load.hpp>

#include "cache/cache_directory.hpp"
#include "src/atomic_file.hpp"
#include "src/value_file.hpp"

namespace larder::detail {

/// Arrays from this size come mapped; smaller ones are copied, which costs no more. A process can have only some 65,000
/// mappings, and may well hold more small results than that.
inline constexpr std::uint64_t k_mapped_bytes = std::uint64_t{16} << 10;

/// What to open an entry for.
enum class entry_use {
  look,  ///< its structure alone
  read,  ///< its value; it counts as used
  peek,  ///< its value, in a cache of others
};

/// Hands the entry at `path`, opened and checked, to `use`; false where there is none. io_error, format_error (also for a
/// file that is no entry), and what `use` throws.
bool with_entry(const std::string& path, object_demand object, verification verify, entry_use how,
                function_ref<void(value_file&)> use);

/// Of the metadata in an entry: what is not there is empty.
entry_info parse_entry_info(std::string_view metadata, const digest& key);
/// Of these, the seconds alone, without parsing the rest.
double seconds_in(std::string_view metadata) noexcept;

/// An entry on its way to its place.
class entry_writer final : public value_sink {
 public:
  /// Opens a file in the place of the entry, making its directories. The host is this one, whatever `info` says. What has
  /// more bytes than the limit is a value_error, before it is written. io_error.
  entry_writer(const cache_directory& directory, const std::string& path, existing at_path, int compress,
               const entry_info& info, std::optional<std::uint64_t> limit);

  void array(const raw_array& a) override;
  void object(const object_parts& object) override;

  /// Of the file, once the value was taken.
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// Of the largest array in it.
  std::uint64_t largest_array() const noexcept { return largest_array_; }

  // It is made durable when the computation took long enough for that to be cheap beside it. Each is an io_error, and
  // nothing is left then.

  /// Before commit, which others may wait for.
  void sync() const;
  /// Publishes it.
  void commit();
  /// After that.
  void sync_name() const;

 private:
  void check_limit(std::uint64_t bytes) const;

  const cache_directory& directory_;
  const std::string& path_;
  int compress_;
  std::string metadata_;
  bool durable_;
  std::optional<std::uint64_t> limit_;
  atomic_file file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t largest_array_ = 0;
};

}  // namespace larder::detail
