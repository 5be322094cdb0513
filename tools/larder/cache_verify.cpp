// larder cache verify DIR: whether all results are whole.

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cache/byte_ledger.hpp"
#include "cache/entry_inspection.hpp"
#include "tools/larder/cache_arguments.hpp"
#include "tools/larder/cache_subcommands.hpp"
#include "tools/larder/progress_bar.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

struct verify_arguments : cache_arguments {
  bool delete_damaged = false;
};

/// What an entry suffers from; nothing of one that is whole.
std::optional<fault> fault_of(const std::string& path) {
  try {
    detail::verify_entry(path);
    return std::nullopt;
  } catch (...) {
    return current_fault(path);
  }
}

class verification_of_cache {
 public:
  explicit verification_of_cache(const verify_arguments& asked) : asked_(asked) {}

  finding look() {
    const detail::catalog all = read_cache(asked_.directory);
    progress_bar bar("verifying", all.totals().bytes);
    for (const detail::catalog_entry& entry : all.entries) {
      add_entry(all.path_of(entry));
      bar.advance(entry.bytes);
    }
    for (const std::string& path : all.misplaced) add_misplaced(path);
    return found();
  }

  std::uint64_t damaged() const noexcept { return damaged_; }
  std::uint64_t unreadable() const noexcept { return unreadable_; }
  std::uint64_t deleted() const noexcept { return deleted_; }

 private:
  void add_entry(const std::string& path) {
    const auto wrong = fault_of(path);
    if (wrong && wrong->code == "ENOENT") return;  // gone meanwhile
    if (wrong) add(path, *wrong);
    ++entries_;
  }

  /// No file, so whatever it is, no result is in it.
  void add_misplaced(const std::string& path) {
    auto wrong = fault_of(path);
    if (!wrong) return;  // a link to an entry serves as one
    wrong->status = exit_status::damaged;
    add(path, *wrong);
  }

  void add(const std::string& path, const fault& wrong) {
    const bool damaged = wrong.status == exit_status::damaged;
    ++(damaged ? damaged_ : unreadable_);
    const bool deleted = damaged && asked_.delete_damaged && remove(path);
    if (deleted) ++deleted_;
    text_ += printable(wrong.text) + (deleted ? " (deleted)\n" : "\n");
    faults_.push_back({{"path", path}, {"code", wrong.code}, {"text", wrong.text}, {"deleted", deleted}});
  }

  bool remove(const std::string& path) const {
    return detail::remove_one_counted({.location = asked_.directory}, path).entries != 0;
  }

  finding found() const {
    const std::string summary =
        faults_.empty() ? printable(asked_.directory) + ": " + entries_text(entries_) + ": ok\n" : "";
    return {.text = text_ + summary,
            .json = {{"entries", entries_},
                     {"damaged", damaged_},
                     {"unreadable", unreadable_},
                     {"deleted", deleted_},
                     {"faults", faults_}}};
  }

  const verify_arguments& asked_;
  std::uint64_t entries_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t unreadable_ = 0;
  std::uint64_t deleted_ = 0;
  std::string text_;
  nlohmann::json faults_ = nlohmann::json::array();
};

exit_status run(const verify_arguments& asked) {
  report said = report_on_cache(asked);
  verification_of_cache verification(asked);
  said.add(asked.directory, [&] { return verification.look(); });
  const exit_status status = said.finish();
  if (verification.damaged() == 0 && verification.unreadable() == 0) return status;
  complain("cache verify: " + entries_text(verification.damaged()) + " damaged, " +
           std::to_string(verification.deleted()) + " of them deleted; " +
           std::to_string(verification.unreadable()) + " could not be read");
  return std::max(status, verification.unreadable() != 0 ? exit_status::unusable : exit_status::damaged);
}

}  // namespace

void add_cache_verify(CLI::App& cache, action& chosen) {
  const auto asked = std::make_shared<verify_arguments>();
  CLI::App& subcommand = add_cache_subcommand(
      cache, "verify", "Reads every byte of all results and names those that are damaged", *asked);
  subcommand.footer(
      "What is damaged would be computed again when it is asked for. "
      "The exit status is 1 if there was any, deleted or not.");
  subcommand.add_flag("--delete-damaged", asked->delete_damaged, "Deletes what is damaged");
  subcommand.callback([asked, &chosen] { chosen = [asked] { return run(*asked); }; });
}

}  // namespace larder::command
