#include "cache/catalog.hpp"

#include <algorithm>
#include <ctime>
#include <optional>

#include "cache/entry_name.hpp"
#include "src/atomic_file.hpp"
#include "src/directory_stream.hpp"
#include "src/escaped_name.hpp"

namespace larder::detail {
namespace {

/// "dir/" is "dir": names come behind a slash of their own.
std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

class catalog_reader {
 public:
  explicit catalog_reader(catalog& out) : out_(out) {}

  void location(const std::string& path) {
    directory_stream directory(path);
    while (const char* const name = directory.next()) {
      if (!take_left_behind(directory, name)) function(path, name);
    }
  }

  void function(const std::string& location, const std::string& name) {
    const auto text = unescape_name(name);
    if (!text) return;
    directory_stream directory(location + "/" + name);
    while (const char* const code_name = directory.next()) code(*text, directory.path(), code_name);
  }

  void code(const std::string& function, const std::string& directory, const std::string& name) {
    const auto id = code_id_from(name);
    if (!id) return;
    code_ = static_cast<std::uint32_t>(out_.codes.size());
    out_.codes.push_back(
        {.function = function, .code = *id, .path = directory + "/" + name, .first_bytes = {}});
    directory_stream inside(out_.codes.back().path);
    while (const char* const two = inside.next()) {
      const auto byte = first_key_byte(two);
      if (!byte) continue;
      out_.codes.back().first_bytes.set(*byte);
      entries(inside.path() + "/" + two, *byte);
    }
  }

 private:
  void entries(const std::string& path, unsigned char first_byte) {
    directory_stream directory(path);
    while (const char* const name = directory.next()) {
      const auto key = entry_key(first_byte, name);
      if (!key) {
        take_left_behind(directory, name);
        continue;
      }
      struct ::stat status {};
      if (!directory.stat(status)) continue;
      if (!S_ISREG(status.st_mode)) {
        out_.misplaced.push_back(path + "/" + name);
        continue;
      }
      const file_time created = time_of(status.st_mtim);
      out_.entries.push_back({.key = *key,
                              .bytes = static_cast<std::uint64_t>(status.st_size),
                              .created = created,
                              .last_used = std::max(created, time_of(status.st_atim)),
                              .code = code_});
    }
  }

  /// Whether the name is that of a temporary file.
  bool take_left_behind(const directory_stream& directory, const std::string& name) {
    constexpr auto k_longest_write = std::chrono::hours(1);
    if (!atomic_file::is_temporary(name)) return false;
    struct ::stat status {};
    if (directory.stat(status) && S_ISREG(status.st_mode) && now_ - time_of(status.st_mtim) > k_longest_write)
      out_.left_behind.push_back(directory.path() + "/" + name);
    return true;
  }

  catalog& out_;
  std::uint32_t code_ = 0;  // the one that is being read
  file_time now_ = std::chrono::system_clock::now();
};

}  // namespace

entry_totals catalog::totals() const {
  entry_totals sum{.entries = entries.size()};
  for (const catalog_entry& entry : entries) sum.bytes += entry.bytes;
  return sum;
}

std::string catalog::path_of(const catalog_entry& entry) const {
  return entry_path(codes[entry.code].path, entry.key);
}

catalog read_catalog(const std::string& location) {
  catalog found;
  catalog_reader(found).location(without_slash(location));
  return found;
}

catalog read_catalog(const std::string& location, std::string_view function) {
  catalog found;
  catalog_reader(found).function(without_slash(location), escaped(function, "the name of the function"));
  return found;
}

catalog read_code_catalog(const std::string& code_directory) {
  const std::size_t slash = code_directory.rfind('/');
  const std::string above = code_directory.substr(0, slash);
  catalog found;
  catalog_reader(found).code(unescape_name(above.substr(above.rfind('/') + 1)).value_or(""), above,
                             code_directory.substr(slash + 1));
  return found;
}

}  // namespace larder::detail
