#include "cache/entry_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "src/atomic_file.hpp"

namespace larder::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_longest_name = 255;
constexpr const char* k_git_ignore = ".gitignore";
constexpr const char* k_tag = "CACHEDIR.TAG";  // https://bford.info/cachedir
constexpr std::string_view k_hex = "0123456789abcdef";

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.';
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of(k_hex) == std::string_view::npos;
}

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

/// The names in a directory; none where it is absent.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code fault;
  for (fs::directory_iterator it(directory, fault), end; !fault && it != end; it.increment(fault)) {
    names.push_back(it->path().filename().string());
  }
  if (fault && fault != std::errc::no_such_file_or_directory && fault != std::errc::not_a_directory) {
    throw io_error(directory, "cannot list", fault.value());
  }
  return names;
}

/// Whether a path is that of a temporary file that nobody can be at work on any more.
bool is_left_behind(const fs::path& path) {
  constexpr auto k_longest_write = std::chrono::hours(1);
  std::error_code fault;
  if (!atomic_file::is_temporary(path.filename().string())) return false;
  if (!fs::is_regular_file(fs::symlink_status(path, fault))) return false;
  const auto written = fs::last_write_time(path, fault);
  return !fault && fs::file_time_type::clock::now() - written > k_longest_write;
}

/// ENOTEMPTY means that something of others lies in it, or that an entry came meanwhile: it stays.
void remove_empty_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST &&
      errno != ENOTDIR) {
    throw io_error(path, "cannot remove", errno);
  }
}

}  // namespace

std::string escaped(std::string_view text, std::string_view what) {
  if (text.empty()) throw value_error(std::string(what) + " is empty");
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (stands_for_itself(c) && !(c == '.' && i == 0)) {
      name += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      name += '%';
      name += k_hex[byte >> 4];
      name += k_hex[byte & 0xF];
    }
  }
  if (name.size() > k_longest_name - 2) {  // "v-" may come before it
    throw value_error(std::string(what) + " is too long for a file name: " + std::string(text));
  }
  return name;
}

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

std::string entry_path(const std::string& function_directory, const digest& key) {
  const std::string hex = key.hex();
  std::string path;
  path.reserve(function_directory.size() + hex.size() + 2);
  path.append(function_directory).append("/").append(hex, 0, 2).append("/").append(hex, 2);
  return path;
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
  const std::vector<std::string> names = names_in(location);
  const bool ours = std::ranges::all_of(names, [](const std::string& name) {
    return name == k_tag || name == k_git_ignore || name == k_lock_file || atomic_file::is_temporary(name);
  });
  if (!ours) return;
  write_once(location + "/" + k_git_ignore, "*\n");
  write_once(location + "/" + k_tag,
             "Signature: 8a477f597d28d172789f06886806bc55\n"
             "# This directory holds a larder cache. Its entries can be computed again.\n");
}

void make_entry_directory(const cache_directory& directory, const std::string& entry) {
  make_location(directory);
  for (std::size_t slash = directory.location.size() + 1;
       (slash = entry.find('/', slash)) != std::string::npos; ++slash) {
    make_directory(entry.substr(0, slash), directory.group_shared);
  }
}

void remove_entry(const std::string& path) {
  std::error_code fault;
  fs::remove_all(path, fault);  // a directory in an entry's place is no entry either
  if (fault) throw io_error(path, "cannot remove", fault.value());
}

void remove_entries_of_code(const std::string& function_directory) {
  for (const std::string& two : names_in(function_directory)) {
    if (!is_hex(two, 2)) continue;
    const std::string directory = function_directory + "/" + two;
    for (const std::string& rest : names_in(directory)) {
      const std::string path = directory + "/" + rest;
      if (is_hex(rest, 30) || is_left_behind(path)) remove_entry(path);
    }
    remove_empty_directory(directory);
  }
  remove_empty_directory(function_directory);
}

void remove_all_entries(const std::string& location) {
  for (const std::string& function : names_in(location)) {
    const std::string directory = location + "/" + function;
    if (is_left_behind(directory)) remove_entry(directory);
    bool ours = false;
    for (const std::string& code : names_in(directory)) {
      if (!code.starts_with("v-") && !code.starts_with("b-")) continue;
      ours = true;
      remove_entries_of_code(directory + "/" + code);
    }
    if (ours) remove_empty_directory(directory);
  }
}

}  // namespace larder::detail
