// larder cache show DIR KEY: one result.

#include <larder/error.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cache/entry_inspection.hpp"
#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/file_json.hpp"
#include "tools/larder/file_text.hpp"
#include "tools/larder/labelled_lines.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct show_arguments : cache_arguments {
  std::string key{};
};

void check_key(const std::string& key) {
  if (!key.empty() && key.size() <= 32 && key.find_first_not_of("0123456789abcdef") == std::string::npos)
    return;
  throw value_error("KEY = \"" + key +
                    "\"; the first hex digits of a key are allowed, 1 to 32 of 0-9 and a-f");
}

[[noreturn]] void refuse_ambiguous(const std::string& start, const std::vector<std::string>& keys) {
  constexpr std::size_t k_most_shown = 5;
  std::string text = std::to_string(keys.size()) + " keys begin with " + start + ", give more digits:";
  for (std::size_t i = 0; i < std::min(keys.size(), k_most_shown); ++i) text += " " + keys[i];
  throw value_error(text + (keys.size() > k_most_shown ? " ..." : ""));
}

const detail::catalog_entry& find(const detail::catalog& in, const show_arguments& asked) {
  check_key(asked.key);
  const detail::catalog_entry* found = nullptr;
  std::vector<std::string> keys;
  for (const detail::catalog_entry& entry : in.entries) {
    std::string key = entry.key.hex();
    if (!key.starts_with(asked.key)) continue;
    keys.push_back(std::move(key));
    found = &entry;
  }
  std::ranges::sort(keys);
  if (keys.empty()) throw value_error(asked.directory + ": no key in it begins with " + asked.key);
  if (keys.size() > 1) refuse_ambiguous(asked.key, keys);
  return *found;
}

finding show(const show_arguments& asked) {
  const detail::catalog all = read_cache(asked.directory);
  const detail::catalog_entry& entry = find(all, asked);
  const detail::catalog_code& code = all.codes[entry.code];
  const std::string path = all.path_of(entry);
  const file_info info = detail::inspect_entry(path);

  labelled_lines lines(2);
  lines.add("function", printable(code.function));
  lines.add("version", printable(code.code));
  lines.add("key", entry.key.hex());
  lines.add("created", time_text(entry.created));
  lines.add("last used", time_text(entry.last_used));
  finding found{.text = printable(path) + '\n' + lines.text() + content_text(info), .json = file_json(info)};
  found.json.update({{"path", path},
                     {"function", code.function},
                     {"code", code.code},
                     {"key", entry.key.hex()},
                     {"created", time_text(entry.created)},
                     {"last_used", time_text(entry.last_used)}});
  return found;
}

}  // namespace

void add_cache_show(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<show_arguments>();
  CLI::App& subcommand = add_cache_subcommand(
      cache, "show", "Shows one result: its function, arguments, type, segments, and where it lies", *asked);
  subcommand.add_option("KEY", asked->key, "The first digits of its key, as many as make it the only one")
      ->required()
      ->option_text(" ");
  subcommand.callback(
      [asked, &chosen] { chosen = [asked] { return run_on_cache(*asked, [&] { return show(*asked); }); }; });
}

}  // namespace larder::command
