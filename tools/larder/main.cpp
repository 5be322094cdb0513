// larder: the program that shows, checks and converts the files that the library writes, keeps caches small, and takes part in stores.

#include <larder/log.hpp>
#include <larder/version.hpp>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "tools/larder/exit_status.hpp"
#include "tools/larder/streams.hpp"
#include "tools/larder/subcommands.hpp"

namespace larder::command {
namespace {

constexpr const char* k_examples =
    "Examples:\n"
    "  larder info results.larder                            what is in it\n"
    "  larder verify *.npy *.larder                          is every bit as it was written?\n"
    "  larder reseal a.npy                                   new digests after a was written to in place\n"
    "  larder convert a.npy a.larder --compress 3            smaller, and no longer mappable\n"
    "  larder convert a.larder a.npy --npy                   for readers that take nothing but .npy\n"
    "  larder cache ls cache-dir                             what a cache holds, by function and version\n"
    "  larder cache prune cache-dir --max-bytes 10G          less of it: the least recently used goes\n"
    "  larder store ls run42                                 the objects that processes share under this "
    "name\n"
    "  larder info --json a.npy | jq .segments[0].array.shape\n"
    "\n"
    "Exit status: 0 all is fine (also with plain and dirty files), 1 a file is damaged, "
    "2 wrong use, or a file\n"
    "cannot be read or written.";

/// The command line as CLI11 wants it, from the back. Names in brackets it would take apart as lists, and in a subcommand
/// it does not keep to "--": with "./" before them they mean the same files and are nothing but names.
std::vector<std::string> arguments(int argc, const char* const* argv) {
  std::vector<std::string> all;
  bool only_names = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view each = argv[i];
    if (!only_names && each == "--") {
      only_names = true;
      continue;
    }
    const bool special =
        each.starts_with('[') || each.starts_with('{') || (only_names && each.starts_with('-'));
    all.push_back((special ? "./" : "") + std::string(each));
  }
  std::ranges::reverse(all);
  return all;
}

/// What the command line asks for; empty where that was help or the version, which are printed. CLI::ParseError.
action parse(CLI::App& program, int argc, const char* const* argv) {
  program.name("larder");
  program.set_help_flag("-h,--help", "Prints this help");
  program.set_version_flag("--version", "larder " + std::string(version), "Prints the version");
  program.require_subcommand(1);
  action chosen;
  add_info(program, chosen);
  add_verify(program, chosen);
  add_reseal(program, chosen);
  add_convert(program, chosen);
  add_cache(program, chosen);
  add_store(program, chosen);
  program.footer(k_examples);  // of the program alone: subcommands inherit what was set before
  try {
    program.parse(arguments(argc, argv));
  } catch (const CLI::CallForHelp&) {
    print(program.help());
  } catch (const CLI::CallForVersion& asked) {
    print(std::string(asked.what()) + '\n');
  }
  return chosen;
}

/// The program and the subcommands that were named so far: "larder cache ls".
std::string asked_for(const CLI::App& program) {
  std::string text = program.get_name();
  for (const CLI::App* at = &program; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    text += " " + at->get_name();
  }
  return text;
}

exit_status run(int argc, const char* const* argv) {
  CLI::App program{
      "Shows, checks and converts larder's files, and plain .npy files; looks after caches and stores."};
  try {
    const action chosen = parse(program, argc, argv);
    const exit_status status = chosen ? chosen() : exit_status::fine;
    flush_output();
    return status;
  } catch (const CLI::ParseError& wrong) {
    complain(std::string(wrong.what()) + " (see " + asked_for(program) + " --help)");
  } catch (const output_lost& lost) {
    // Whoever reads no further has seen enough, and need not be told.
    if (lost.errno_value != EPIPE)
      complain(std::string("standard output: ") + std::strerror(lost.errno_value));
  } catch (const std::bad_alloc&) {
    complain("not enough memory");
  } catch (const std::exception& fault) {
    complain(fault.what());
  }
  return exit_status::unusable;
}

}  // namespace
}  // namespace larder::command

int main(int argc, char** argv) {
  larder::command::keep_streams_apart();
  std::signal(SIGPIPE, SIG_IGN);  // a write into a broken pipe is an error like any other
  larder::set_log_hook([](larder::log_level level, std::string_view text) {
    if (level == larder::log_level::warning) larder::command::complain("warning: " + std::string(text));
  });
  return static_cast<int>(larder::command::run(argc, argv));
}
