#include "cache/entry.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"
#include "src/array_image.hpp"
#include "src/container_writer.hpp"
#include "src/sealed_file.hpp"

namespace larder::detail {
namespace {

/// Computations of this length bear an fsync, which takes some ms.
constexpr double k_durable_seconds = 0.1;

// As "2026-11-22T09:05:03.250000Z".
constexpr const char* k_time_format = "%Y-%m-%dT%H:%M:%S";

std::string utc_text(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<microseconds>(time - day));
  std::string text;
  // By hand: strftime and snprintf took a tenth of the time of a store.
  const auto append = [&text](std::integral auto value, std::size_t digits, char end) {
    text.resize(text.size() + digits + 1, end);
    for (std::size_t at = text.size() - 2; digits != 0; --digits, --at, value /= 10)
      text[at] = static_cast<char>('0' + value % 10);
  };
  append(static_cast<int>(date.year()), 4, '-');
  append(static_cast<unsigned>(date.month()), 2, '-');
  append(static_cast<unsigned>(date.day()), 2, 'T');
  append(clock.hours().count(), 2, ':');
  append(clock.minutes().count(), 2, ':');
  append(clock.seconds().count(), 2, '.');
  append(clock.subseconds().count(), 6, 'Z');
  return text;
}

/// The epoch, which is long ago, for what is no such text.
std::chrono::system_clock::time_point parse_utc(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), k_time_format, &parts);
  if (rest == nullptr) return {};
  auto time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  int micros = 0;
  if (*rest == '.' && std::from_chars(rest + 1, text.data() + text.size(), micros).ec == std::errc())
    time += std::chrono::microseconds(micros);
  return time;
}

const std::string& host_name() {
  static const std::string name = [] {
    std::array<char, 256> text{};
    return std::string(::gethostname(text.data(), text.size() - 1) == 0 ? text.data() : "");
  }();
  return name;
}

void append_json_text(std::string& json, const std::string& text) {
  const bool plain =
      std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (plain) {
    json.append("\"").append(text).append("\"");
  } else {
    // Arguments are any bytes; what is not UTF-8 in them is replaced.
    json += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

std::string json_text(const entry_info& info) {
  std::string json;
  json.reserve(256 + info.arguments.size());
  json = "{\"arguments\":";
  append_json_text(json, info.arguments);
  json += ",\"code\":";
  append_json_text(json, info.code);
  json += ",\"function\":";
  append_json_text(json, info.function);
  json += ",\"host\":";
  append_json_text(json, host_name());
  std::array<char, 32> seconds{};
  const auto end = std::to_chars(seconds.data(), seconds.data() + seconds.size(), info.seconds).ptr;
  json.append(",\"seconds\":").append(seconds.data(), end);
  return json.append(",\"time\":\"").append(utc_text(info.time)).append("\"}");
}

/// Does what needs the directory of an entry, making it where it is missing. Again where somebody who clears the
/// cache removes it in between, which cannot go on for ever: each time, an entry of somebody came and went.
template <class Action>
auto in_entry_directory(const cache_directory& directory, const std::string& path, Action action) {
  for (int attempts = 1000;; --attempts) {
    try {
      return action();
    } catch (const io_error& e) {
      if (e.errno_value() != ENOENT || attempts == 0) throw;
    }
    try {
      make_entry_directory(directory, path);
    } catch (const io_error& e) {
      if (e.errno_value() != ENOENT) throw;
    }
  }
}

}  // namespace

bool with_entry(const std::string& path, object_demand object, verification verify, entry_use how,
                function_ref<void(value_file&)> use) {
  const use_mark mark = how == entry_use::read ? use_mark::if_old : use_mark::none;
  return with_sealed_file(path, object, verify, {.copy_below = k_mapped_bytes, .trusted = true}, mark, use);
}

entry_info parse_entry_info(std::string_view metadata, const digest& key) {
  const nlohmann::json json = nlohmann::json::parse(metadata, nullptr, false);
  const auto text = [&](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  return {.function = text("function"),
          .code = text("code"),
          .arguments = text("arguments"),
          .host = text("host"),
          .seconds = seconds_in(metadata),
          .time = parse_utc(text("time")),
          .key = key};
}

double seconds_in(std::string_view metadata) noexcept {
  // Within a JSON string, quotes have a backslash before them: this is the name of a member, wherever it stands.
  constexpr std::string_view k_name = "\"seconds\"";
  // Of the members it is the last but one, and there are few colons behind it.
  std::string_view names = metadata;
  while (!names.empty()) {
    const void* const colon = ::memrchr(names.data(), ':', names.size());
    if (colon == nullptr) break;
    const auto* const value = static_cast<const char*>(colon) + 1;
    names = names.substr(0, static_cast<std::size_t>(value - 1 - names.data()));
    if (!names.ends_with(k_name)) continue;
    double seconds = 0;
    std::from_chars(value, metadata.data() + metadata.size(), seconds);
    return seconds;
  }
  return 0;
}

entry_writer::entry_writer(const cache_directory& directory, const std::string& path, existing at_path,
                           int compress, const entry_info& info, std::optional<std::uint64_t> limit)
    : directory_(directory),
      path_(path),
      compress_(compress),
      metadata_(json_text(info)),
      durable_(info.seconds >= k_durable_seconds),
      limit_(limit),
      file_(in_entry_directory(directory, path, [&] {
        constexpr mode_t k_sealed = 0444;
        return atomic_file(path, k_sealed, at_path);
      })) {
  // The umask may have taken the group's part away.
  if (directory.group_shared) (void)!::fchmod(file_.file().fd(), 0444);
}

void entry_writer::check_limit(std::uint64_t bytes) const {
  if (!limit_ || bytes <= *limit_) return;
  throw value_error("it has " + std::to_string(bytes) + " bytes, and bytes_limit is " +
                    std::to_string(*limit_));
}

void entry_writer::array(const raw_array& a) {
  largest_array_ = a.nbytes();
  if (compress_ == 0) check_limit(a.nbytes());
  bytes_ = write_array(file_, array_image(a), compress_, metadata_);
  check_limit(bytes_);
}

void entry_writer::object(const object_parts& object) {
  check_object("cache", object);
  for (const raw_array& a : object.arrays)
    largest_array_ = std::max<std::uint64_t>(largest_array_, a.nbytes());
  if (compress_ == 0) check_limit(largest_array_);
  bytes_ = write_object(file_, object, compress_, metadata_);
  check_limit(bytes_);
}

void entry_writer::sync() const {
  if (durable_) file_.sync();
}

void entry_writer::commit() {
  in_entry_directory(directory_, path_, [&] { file_.commit(false); });
}

void entry_writer::sync_name() const {
  if (durable_) file_.sync_name();
}

}  // namespace larder::detail
