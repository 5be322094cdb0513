// larder store watch NAMESPACE: the objects that appear and go, as they do.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cache/name_watch.hpp"
#include "src/object_name.hpp"
#include "tools/larder/file_arguments.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/store_object.hpp"
#include "tools/larder/store_subcommands.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

using detail::name_watch;

struct watch_arguments : store_arguments {
  std::string prefix{};
  std::string count{};    // text until CLI11 is done: it takes more for a number than the help says
  std::string timeout{};  // likewise
};

template <class Number>
Number number_from(const std::string& text, const std::string& option, const std::string& expected) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !(number > 0)) {
    throw value_error(option + ": expected " + expected + ", found '" + text + "'");
  }
  return number;
}

/// Without a value: any number of them.
std::optional<std::uint64_t> count_from(const watch_arguments& asked) {
  if (asked.count.empty()) return std::nullopt;
  return number_from<std::uint64_t>(asked.count, "--count", "a number of lines, at least 1");
}

name_watch::deadline deadline_from(const watch_arguments& asked) {
  if (asked.timeout.empty()) return std::nullopt;
  const std::chrono::duration<double> seconds(
      number_from<double>(asked.timeout, "--timeout", "seconds, as in 0.5 or 60"));
  constexpr std::chrono::hours k_for_ever(24 * 365 * 100);
  if (seconds >= k_for_ever) return std::nullopt;
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(seconds);
}

/// A line of what happened; empty where that was not to an object that is asked for.
std::string line_of(const watch_arguments& asked, const std::string& location,
                    const name_watch::event& happened) {
  const auto name = detail::object_name(happened.file);
  if (!name || !name->starts_with(asked.prefix)) return {};
  const std::string word = happened.what == name_watch::change::appeared ? "appeared" : "went";
  if (asked.form == report_form::text) return word + ' ' + label_of(*name, happened.file) + '\n';
  const nlohmann::json json = {
      {"event", word}, {"name", name_json(*name)}, {"path", location + "/" + happened.file}};
  return json.dump() + '\n';
}

exit_status run(const watch_arguments& asked) {
  const auto count = count_from(asked);
  const auto until = deadline_from(asked);
  const std::string location = open_store(asked.space).location().string();  // to watch is no use of it
  std::uint64_t lines = 0;
  std::string end = "the time is over";
  try {
    name_watch watch(location);
    while (!count || lines < *count) {
      const auto happened = watch.next(until);
      if (!happened) break;
      if (happened->file.empty()) {
        complain("warning: " + asked.space + ": so much happened that some of it is not shown");
        continue;
      }
      const std::string line = line_of(asked, location, *happened);
      if (line.empty()) continue;
      print(line);
      flush_output();
      ++lines;
    }
  } catch (const io_error& e) {
    if (e.errno_value() != ENOENT) throw;
    end = "the namespace was removed";
  }
  if (!count || lines == *count) return exit_status::fine;
  complain(asked.space + ": " + end + ", and " + std::to_string(lines) + " of " + asked.count +
           " objects appeared or went");
  return exit_status::unusable;
}

}  // namespace

void add_store_watch(CLI::App& store, action& chosen) {
  const auto asked = std::make_shared<watch_arguments>();
  CLI::App& subcommand = add_store_subcommand(
      store, "watch", "Prints a line for each object that appears or goes, until the namespace is removed",
      *asked);
  subcommand.add_option("--prefix", asked->prefix, "Only objects whose names begin with this")
      ->transform(as_given)
      ->type_name("TEXT");
  subcommand.add_option("--count", asked->count, "Ends after so many lines; fewer are status 2")
      ->type_name("N");
  subcommand.add_option("--timeout", asked->timeout, "Ends after this time")->type_name("SECONDS");
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
