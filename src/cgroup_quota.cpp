#include "src/cgroup_quota.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <vector>

#include "src/kernel_text.hpp"

namespace larder::detail {
namespace {

/// Takes what is before the separator, or everything, off the text; the separator too.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

bool lists(std::string_view comma_separated, std::string_view name) {
  while (!comma_separated.empty())
    if (take(comma_separated, ',') == name) return true;
  return false;
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> names;
  while (!path.empty())
    if (const auto name = take(path, '/'); !name.empty()) names.push_back(name);
  return names;
}

/// mountinfo writes blanks, and what else would end a field, as \040.
std::string unescaped(std::string_view field) {
  constexpr std::size_t k_digits = 3;
  std::string path;
  while (!field.empty()) {
    path += take(field, '\\');
    if (field.size() < k_digits) break;
    unsigned code = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + k_digits, code, 8);
    if (error != std::errc() || end != field.data() + k_digits) break;
    path += static_cast<char>(code);
    field.remove_prefix(k_digits);
  }
  return path;
}

/// The paths of the process's groups in the hierarchy of version 2, and in that of the cpu controller of version 1.
struct own_groups {
  std::optional<std::string_view> second;
  std::optional<std::string_view> first;
};

own_groups groups_in(std::string_view text) {  // lines as 4:cpu,cpuacct:/path, or 0::/path of version 2
  own_groups found;
  while (!text.empty()) {
    std::string_view line = take(text, '\n');
    const std::string_view number = take(line, ':');
    const std::string_view controllers = take(line, ':');
    if (!line.starts_with('/')) continue;
    if (number == "0" && controllers.empty()) found.second = line;
    if (lists(controllers, "cpu")) found.first = line;
  }
  return found;
}

/// A place where a hierarchy of groups can be seen, or a part of it.
struct group_mount {
  bool is_second;
  std::string shows;  // the path of the group that is seen there
  std::string at;
};

std::optional<group_mount> group_mount_in(std::string_view line) {
  // 36 35 98:0 /shows /at rw,noatime master:1 - type source options
  for (int skipped = 0; skipped < 3; ++skipped) take(line, ' ');
  const std::string_view shows = take(line, ' ');
  const std::string_view at = take(line, ' ');
  while (!line.empty() && take(line, ' ') != "-") continue;
  const std::string_view type = take(line, ' ');
  take(line, ' ');
  const bool is_second = type == "cgroup2";
  if (!is_second && !(type == "cgroup" && lists(line, "cpu"))) return std::nullopt;
  return group_mount{is_second, unescaped(shows), unescaped(at)};
}

/// Where under the mount the group is, as far as the mount shows it: with "/" the mount itself, which is the group or one above it.
/// None where neither is seen there.
std::optional<std::string> place_under(const group_mount& mount, std::string_view group) {
  // In a namespace of groups, what is outside of the process's begins with "..".
  auto seen = components(mount.shows);
  auto own = components(group);
  const auto [first_seen, first_own] = std::ranges::mismatch(seen, own);
  const auto is_up = [](std::string_view name) { return name == ".."; };
  if (!std::all_of(first_seen, seen.end(), is_up)) return std::nullopt;
  std::string place;
  // The mount shows a group above the namespace: the names in between are not known.
  if (first_seen == seen.end()) {
    if (std::any_of(first_own, own.end(), is_up)) return std::nullopt;
    for (auto name = first_own; name != own.end(); ++name) (place += '/') += *name;
  } else if (first_seen != seen.begin() && !is_up(seen.front())) {
    return std::nullopt;
  }
  return place;
}

std::optional<unsigned> processors(std::string_view quota, std::string_view period) {
  const auto number = [](std::string_view text) -> std::uint64_t {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : 0;  // "max", "-1"
  };
  const std::uint64_t each = number(quota);
  const std::uint64_t per = number(period);
  if (each == 0 || per == 0) return std::nullopt;
  const std::uint64_t whole = each / per + (each % per != 0 ? 1 : 0);
  return static_cast<unsigned>(std::min<std::uint64_t>(whole, std::numeric_limits<int>::max()));
}

std::string first_line(const std::string& path) {
  std::string text = kernel_text(path);
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

std::optional<unsigned> quota_of(const std::string& directory, bool is_second) {
  if (!is_second) {
    return processors(first_line(directory + "/cpu.cfs_quota_us"),
                      first_line(directory + "/cpu.cfs_period_us"));
  }
  const std::string content = first_line(directory + "/cpu.max");
  std::string_view period = content;
  const std::string_view quota = take(period, ' ');
  return processors(quota, period);
}

}  // namespace

std::optional<unsigned> cgroup_quota(const std::string& root) {
  const std::string membership = kernel_text(root + "/proc/self/cgroup");
  const own_groups own = groups_in(membership);
  std::optional<unsigned> least;
  if (!own.first && !own.second) return least;
  const std::string mounts = kernel_text(root + "/proc/self/mountinfo");
  for (std::string_view rest = mounts; !rest.empty();) {
    const auto mount = group_mount_in(take(rest, '\n'));
    if (!mount) continue;
    const auto& group = mount->is_second ? own.second : own.first;
    const auto place = group ? place_under(*mount, *group) : std::nullopt;
    if (!place) continue;
    std::string directory = root + mount->at + *place;
    for (std::size_t above = place->size();; above = place->rfind('/', above - 1)) {
      directory.resize(root.size() + mount->at.size() + above);
      const auto quota = quota_of(directory, mount->is_second);
      if (quota) least = std::min(*quota, least.value_or(*quota));
      if (above == 0) break;
    }
  }
  return least;
}

}  // namespace larder::detail
