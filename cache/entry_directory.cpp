#include "cache/entry_directory.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "cache/lock_file.hpp"
#include "src/atomic_file.hpp"
#include "src/descriptor.hpp"
#include "src/directory_stream.hpp"

namespace larder::detail {
namespace {

namespace fs = std::filesystem;

constexpr const char* k_git_ignore = ".gitignore";
constexpr const char* k_tag = "CACHEDIR.TAG";  // https://bford.info/cachedir
constexpr const char* k_tag_text =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This directory holds a larder cache. Its entries can be computed again.\n";

/// For this user alone, or for the group; one that is there is fine.
void make_directory(const std::string& path, bool group_shared) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return;
    throw io_error(path, "cannot make the directory", errno);
  }
  // What is made in it belongs to the same group. (Apart from mkdir, since the umask would take the group's part away.)
  constexpr mode_t k_shared = 02770;
  if (group_shared && ::chmod(path.c_str(), k_shared) != 0)
    throw io_error(path, "cannot share the directory with its group", errno);
}

bool is_in_group(gid_t group) {
  if (group == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return std::ranges::find(groups, group) != groups.end();
}

void write_once(const std::string& path, std::string_view text) {
  atomic_file file(path, 0666, existing::keep);
  file.file().write(text_bytes(text));
  file.commit(false);
}

/// Whether nothing lies in a directory but what a cache that has no entries yet may have put there.
bool is_new(const std::string& location) {
  directory_stream directory(location);
  while (const char* const name = directory.next()) {
    const std::string_view found = name;
    if (found != k_tag && found != k_git_ignore && found != k_lock_file && !atomic_file::is_temporary(found))
      return false;
  }
  return true;
}

/// Other programs put tags of this name into directories of theirs.
bool has_tag(const std::string& location) {
  const auto file = descriptor::open_if_exists(location + "/" + k_tag, O_RDONLY);
  if (!file) return false;
  std::array<char, 512> text{};
  const std::size_t length = file->read_at(std::as_writable_bytes(std::span(text)), 0);
  return std::string_view(text.data(), length).starts_with(k_tag_text);
}

/// Removes whatever lies at an entry's path, and says whether there was something.
bool remove_entry(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  if (errno != EISDIR) throw io_error(path, "cannot remove", errno);
  std::error_code fault;
  const auto removed = fs::remove_all(path, fault);  // a directory in an entry's place is no entry either
  if (fault) throw io_error(path, "cannot remove", fault.value());
  return removed != 0;
}

/// Whether it is gone. ENOTEMPTY means that something of others lies in it, or that an entry came meanwhile: it stays.
bool remove_empty_directory(const std::string& path) {
  if (::rmdir(path.c_str()) == 0) return true;
  if (errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
    throw io_error(path, "cannot remove", errno);
  }
  return false;
}

/// Those that no entry behind the first `count` lies in.
void remove_empty_directories(const catalog& of, std::size_t count) {
  std::vector<std::bitset<256>> used(of.codes.size());
  for (const catalog_entry& entry : std::span(of.entries).subspan(count))
    used[entry.code].set(first_key_byte(entry.key));
  for (std::size_t i = 0; i < of.codes.size(); ++i) {
    const catalog_code& code = of.codes[i];
    const auto empty = code.first_bytes & ~used[i];
    for (unsigned byte = 0; byte < empty.size(); ++byte) {
      if (empty[byte])
        remove_empty_directory(code.path + "/" + first_key_digits(static_cast<unsigned char>(byte)));
    }
    if (used[i].none() && remove_empty_directory(code.path))
      remove_empty_directory(code.path.substr(0, code.path.rfind('/')));
  }
}

}  // namespace

bool check_trusted(const cache_directory& directory) {
  const std::string& location = directory.location;
  struct ::stat status {};
  if (::stat(location.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  const bool shared = directory.group_shared && is_in_group(status.st_gid);
  if (status.st_uid != ::geteuid() && status.st_uid != 0 && !shared) {
    throw value_error(location + ": this cache directory belongs to another user (" +
                      std::to_string(status.st_uid) +
                      "), and what it holds would be trusted; use a directory of your own");
  }
  const mode_t writers_of_others = shared ? S_IWOTH : S_IWGRP | S_IWOTH;
  if ((status.st_mode & writers_of_others) != 0) {
    throw value_error(
        location + ": others may write to this cache directory, and what it holds would be trusted; chmod " +
        (shared ? "o-w" : "go-w") + " '" + location + "'" +
        (shared ? "" : ", or share it with its group (group_shared)"));
  }
  return true;
}

bool has_cache_marks(const std::string& location) {
  const auto directory = descriptor::open(location, O_RDONLY | O_DIRECTORY);
  return ::faccessat(directory.fd(), k_lock_file, F_OK, 0) == 0 || has_tag(location);
}

void make_location(const cache_directory& directory) {
  const std::string& location = directory.location;
  if (::access(location.c_str(), F_OK) != 0) {
    std::error_code fault;
    fs::create_directories(fs::path(location).parent_path(), fault);
    if (fault) throw io_error(location, "cannot make the directories above it", fault.value());
  }
  make_directory(location, directory.group_shared);
  check_trusted(directory);  // it may be there by somebody else's doing
  // A directory that has other things in it is somebody's: a .gitignore would hide those.
  if (!is_new(location)) return;
  write_once(location + "/" + k_git_ignore, "*\n");
  write_once(location + "/" + k_tag, k_tag_text);
}

void make_entry_directory(const cache_directory& directory, const std::string& entry) {
  make_location(directory);
  for (std::size_t slash = directory.location.size() + 1;
       (slash = entry.find('/', slash)) != std::string::npos; ++slash) {
    make_directory(entry.substr(0, slash), directory.group_shared);
  }
}

bool is_there(const std::string& path) noexcept {
  struct ::stat status {};
  return ::lstat(path.c_str(), &status) == 0 || errno != ENOENT;
}

std::uint64_t entry_bytes(const std::string& path) noexcept {
  struct ::stat status {};
  const bool is_file = ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
}

entry_totals remove_one_entry(const std::string& path) {
  const std::uint64_t bytes = entry_bytes(path);
  if (!remove_entry(path)) return {};
  return {.entries = 1, .bytes = bytes};
}

entry_totals remove_entries(const catalog& of, std::size_t count) {
  entry_totals removed;
  for (const catalog_entry& entry : std::span(of.entries).first(count)) {
    if (!remove_entry(of.path_of(entry))) continue;
    ++removed.entries;
    removed.bytes += entry.bytes;
  }
  for (const std::string& path : of.left_behind) remove_entry(path);
  remove_empty_directories(of, count);
  return removed;
}

entry_totals remove_all(const catalog& of) {
  for (const std::string& path : of.misplaced) remove_entry(path);
  return remove_entries(of, of.entries.size());
}

entry_totals remove_entries_of_code(const std::string& code_directory) {
  return remove_all(read_code_catalog(code_directory));
}

entry_totals remove_all_entries(const std::string& location) { return remove_all(read_catalog(location)); }

}  // namespace larder::detail
