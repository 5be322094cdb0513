#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/catch.hpp"
#include "tests/scratch_dir.hpp"

namespace {

struct outcome {
  int status;
  std::string output;
};

outcome run(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 256> text{};
  while (std::fgets(text.data(), text.size(), pipe) != nullptr) output += text.data();
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

const std::string k_program = LARDER_TEST_PROCESS_START;

}  // namespace

TEST_CASE("processes: a program without larder::init is told the line to add", "[parallel][processes]") {
  const auto [status, output] = run(k_program + " without-init");
  CHECK(status == 2);
  CHECK_THAT(output, Catch::Matchers::ContainsSubstring("larder::init(argc, argv);"));
}

TEST_CASE("processes: workers start where the program's file, directory, arguments and environment are gone",
          "[parallel][processes]") {
  const scratch_dir dir;
  std::filesystem::copy(k_program, dir / "program");
  const auto [status, output] = run("cd " + dir.path().string() + " && ./program moved program");
  CHECK(output.empty());
  CHECK(status == 0);
  CHECK(!std::filesystem::exists(dir / "program"));
}

TEST_CASE("processes: what main does before larder::init workers do, too", "[parallel][processes]") {
  const auto [status, output] = run(k_program + " late");
  CHECK(status == 0);
  CHECK(output.substr(0, 5) == "hello");
}

TEST_CASE("processes: a variable of the environment makes no worker of a program", "[parallel][processes]") {
  CHECK(run("LARDER_WORKER_OF=1 " + k_program + " plain").status == 1);
  CHECK(run(k_program + " plain").status == 0);
}
