// What a call says of how far it is; the calls themselves are played here, so that time is all that passes.

#include <larder/detail/parallel_settings.hpp>
#include <larder/parallel_options.hpp>

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "parallel/progress_reporter.hpp"
#include "tests/captured_log.hpp"
#include "tests/catch.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

using larder::progress_option;
using larder::detail::progress_reporter;
using larder::detail::resolve;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// Standard error is another file while it lives.
class redirected_stderr {
 public:
  explicit redirected_stderr(int to) {
    std::fflush(stderr);
    before_ = ::dup(STDERR_FILENO);
    ::dup2(to, STDERR_FILENO);
  }
  ~redirected_stderr() {
    std::fflush(stderr);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  redirected_stderr(const redirected_stderr&) = delete;
  redirected_stderr& operator=(const redirected_stderr&) = delete;

 private:
  int before_;
};

// What `body` writes to standard error where that is a file.
template <class Body>
std::string written_to_file(Body body) {
  const scratch_dir dir;
  const std::string path = dir / "stderr";
  {
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const redirected_stderr redirected(file);
    ::close(file);
    body();
  }
  return read_file(path);
}

// And where it is a terminal of so many columns. No more than such a terminal keeps: some thousand bytes.
template <class Body>
std::string written_to_terminal(unsigned short columns, Body body) {
  int master = -1;
  int slave = -1;
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, &size) == 0);
  {
    const redirected_stderr redirected(slave);
    body();
  }
  ::close(slave);
  std::string written;
  char block[4096];
  for (ssize_t n; (n = ::read(master, block, sizeof block)) > 0;)
    written.append(block, static_cast<std::size_t>(n));
  ::close(master);
  return written;
}

// Reports each of `total` tasks, over and over the same until so much time has passed that it is done.
void play(progress_reporter& progress, std::size_t total, milliseconds time) {
  const auto start = steady_clock::now();
  for (;;) {
    const auto part = std::chrono::duration<double>(steady_clock::now() - start) / time;
    if (part >= 1) break;
    progress.report(static_cast<std::size_t>(part * static_cast<double>(total)));
  }
  progress.report(total);
}

struct told {
  std::size_t done;
  std::size_t total;
  double eta;
};

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

TEST_CASE("progress: nothing is said where nothing was asked for", "[parallel]") {
  const captured_log log;
  const auto written = written_to_terminal(80, [] {
    for (const auto& option : {progress_option(), progress_option(false)}) {
      const auto settings = resolve({.progress = option});
      progress_reporter progress(settings, 10);
      CHECK_FALSE(progress.is_on());
      play(progress, 10, milliseconds(60));
      progress.finish(10);
    }
  });
  CHECK(written.empty());
  CHECK(log.infos.empty());
  CHECK(log.warnings.empty());
}

TEST_CASE("progress: a function is told some times per second, and at the end", "[parallel]") {
  std::vector<told> heard;
  const auto settings = resolve({.progress = [&](std::size_t done, std::size_t total, double eta) {
    heard.push_back({done, total, eta});
  }});
  const auto written = written_to_terminal(80, [&] {
    progress_reporter progress(settings, 1000);
    CHECK(progress.is_on());
    play(progress, 1000, milliseconds(250));
    CHECK(heard.size() <= 4);
    CHECK(heard.size() >= 1);
    progress.finish(1000);
  });
  CHECK(written.empty());
  for (std::size_t i = 0; i < heard.size(); ++i) {
    CHECK(heard[i].total == 1000);
    if (i != 0) CHECK(heard[i].done >= heard[i - 1].done);
    if (heard[i].done != 0) CHECK((heard[i].eta > 0) == (heard[i].done < 1000));
  }
  CHECK(heard.back().done == 1000);
  CHECK(heard.back().eta == 0);
}

TEST_CASE("progress: a call of no time, of an unknown number of tasks, or that fails is told once",
          "[parallel]") {
  std::vector<told> heard;
  const auto settings = resolve({.progress = [&](std::size_t done, std::size_t total, double eta) {
    heard.push_back({done, total, eta});
  }});
  progress_reporter(settings, 5).finish(5);
  progress_reporter(settings, 0).finish(7);
  progress_reporter(settings, 9).finish(0);
  { const progress_reporter left(settings, 9); }
  REQUIRE(heard.size() == 3);
  CHECK((heard[0].done == 5 && heard[0].total == 5 && heard[0].eta == 0));
  CHECK((heard[1].done == 7 && heard[1].total == 0 && heard[1].eta < 0));
  CHECK((heard[2].done == 0 && heard[2].total == 9 && heard[2].eta < 0));
}

TEST_CASE("progress: what the function throws passes through", "[parallel]") {
  const auto settings =
      resolve({.progress = [](std::size_t, std::size_t, double) { throw std::out_of_range("enough"); }});
  progress_reporter progress(settings, 10);
  CHECK_THROWS_AS(play(progress, 10, milliseconds(150)), std::out_of_range);
  CHECK_THROWS_AS(progress.finish(10), std::out_of_range);
}

TEST_CASE("progress: a bar is drawn on a terminal, and taken away", "[parallel]") {
  for (const char* label : {"", "R = 0.5", "a\x1b[2Jb"}) {
    const auto begun = steady_clock::now();
    const auto written = written_to_terminal(60, [&] {
      const auto settings =
          resolve({.progress = *label == '\0' ? progress_option(true) : progress_option(label)});
      progress_reporter progress(settings, 1000);
      play(progress, 1000, milliseconds(220));
      progress.finish(1000);
    });
    const auto most_draws = static_cast<std::size_t>((steady_clock::now() - begun) / milliseconds(50));
    const auto lines = split(written, '\r');
    REQUIRE(lines.size() >= 4);
    CHECK(lines.size() <= most_draws + 3);  // an empty one before, and behind them blanks and an empty one
    CHECK(lines.front().empty());
    CHECK(lines.back().empty());
    CHECK(lines[lines.size() - 2].find_first_not_of(' ') == std::string::npos);
    const std::string shown = *label == '\0' ? "" : *label == 'R' ? R"(R = 0\.5 )" : R"(a\?\[2Jb )";
    for (std::size_t i = 1; i + 2 < lines.size(); ++i) {
      INFO(lines[i]);
      CHECK(std::regex_match(lines[i], std::regex(shown + R"(\[#*\.*\] [ \d]{2}\d %(, \d+ s left)? *)")));
      CHECK(lines[i].size() < 60);
    }
  }
}

TEST_CASE("progress: a bar fits narrow terminals, and one of unknown length counts", "[parallel]") {
  for (const unsigned short columns : std::initializer_list<unsigned short>{1, 2, 10, 30}) {
    const auto written = written_to_terminal(columns, [&] {
      const auto settings = resolve({.progress = "label"});
      progress_reporter progress(settings, 100);
      play(progress, 100, milliseconds(120));
    });
    for (const auto& line : split(written, '\r')) CHECK(line.size() < columns);
  }
  const auto written = written_to_terminal(60, [&] {
    const auto settings = resolve({.progress = true});
    progress_reporter progress(settings, 0);
    play(progress, 100, milliseconds(120));
  });
  const auto lines = split(written, '\r');
  REQUIRE(lines.size() >= 3);
  INFO(lines[1]);
  CHECK(std::regex_match(lines[1], std::regex(R"(\d+ tasks, \d+ s)")));
}

TEST_CASE("progress: there are lines where standard error is no terminal", "[parallel]") {
  const auto say = [](const progress_option& option, std::size_t total, std::size_t done) {
    return written_to_file([&] {
      const auto settings = resolve({.progress = option});
      progress_reporter progress(settings, total);
      progress.report(done);
      progress.finish(done);
    });
  };
  // Where it takes a second until the report, that is a line, too.
  const auto says = [](const std::string& done) {
    return Catch::Matchers::Matches("(" + done + R"(, [1-9]\d*\.\d s elapsed.*\n)?)" + done +
                                    R"( in \d+\.\d s\n)");
  };
  CHECK_THAT(say(true, 100, 100), says("larder: parallel: 100 of 100 tasks done"));
  CHECK_THAT(say("reading", 100, 45), says("reading: 45 of 100 tasks done"));
  CHECK_THAT(say(true, 0, 45), says("larder: parallel: 45 tasks done"));
}

TEST_CASE("progress: verbose says it in the log, the more often the larger it is", "[parallel]") {
  for (const int verbose : {1, 100}) {
    const captured_log log;
    const auto written = written_to_terminal(80, [&] {
      const auto settings = resolve({.verbose = verbose});
      progress_reporter progress(settings, 1000);
      CHECK(progress.is_on());
      play(progress, 1000, milliseconds(100));
      progress.finish(1000);
    });
    CHECK(written.empty());
    CHECK(log.warnings.empty());
    const auto& lines = log.infos;
    REQUIRE_FALSE(lines.empty());
    CHECK(std::regex_match(lines.back(), std::regex(R"(parallel: 1000 of 1000 tasks done in \d+\.\d s)")));
    if (verbose == 1) continue;  // the rest waits for seconds to pass
    CHECK(lines.size() >= 2);
    CHECK(lines.size() <= 12);
    // As long as nothing is done, nobody knows how long the rest takes.
    const std::regex meanwhile(R"(parallel: (0 of 1000 tasks done, \d+\.\d s elapsed|)"
                               R"([1-9]\d* of 1000 tasks done, \d+\.\d s elapsed, about \d+\.\d s left))");
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      INFO(lines[i]);
      CHECK(std::regex_match(lines[i], meanwhile));
    }
  }
}
