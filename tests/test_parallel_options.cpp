#include <larder/cpu_count.hpp>
#include <larder/detail/parallel_settings.hpp>
#include <larder/error.hpp>
#include <larder/parallel_config.hpp>
#include <larder/parallel_options.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "tests/catch.hpp"
#include "tests/environment.hpp"
#include "tests/scratch_dir.hpp"

using larder::backend;
using larder::mmap_mode;
using larder::parallel_config;
using larder::parallel_options;
using larder::detail::resolve;
using std::chrono::duration;
using std::chrono::nanoseconds;

namespace {

using Catch::Matchers::ContainsSubstring;

// What resolve() says that is wrong; empty where nothing is.
std::string complaint(const parallel_options& options) {
  try {
    resolve(options);
  } catch (const larder::value_error& refused) {
    return refused.what();
  }
  return {};
}

constexpr auto k_most = std::numeric_limits<std::size_t>::max();

}  // namespace

TEST_CASE("options: n_jobs is a number of workers, or counted from the processors", "[parallel]") {
  const int cpus = larder::cpu_count();
  const auto workers = [](int n_jobs) { return static_cast<int>(resolve({.n_jobs = n_jobs}).workers); };
  CHECK(workers(1) == 1);
  CHECK(workers(77) == 77);
  CHECK(workers(-1) == cpus);
  CHECK(workers(-2) == std::max(1, cpus - 1));
  CHECK(workers(std::numeric_limits<int>::min()) == 1);
  CHECK(static_cast<int>(resolve({}).workers) == cpus);
  CHECK(resolve({.n_jobs = 5, .backend = backend::sequential}).workers == 1);
  {
    const environment cap("LARDER_MAX_CPUS", "1");
    CHECK(static_cast<int>(resolve({}).workers) == 1);
    CHECK(workers(5) == 5);
  }
  CHECK_THAT(complaint({.n_jobs = 0}), ContainsSubstring("n_jobs is 0") && ContainsSubstring("-1 for all"));
}

TEST_CASE("options: the defaults", "[parallel]") {
  const auto settings = resolve({});
  CHECK(settings.backend == backend::threads);
  CHECK(settings.batch_size == 0);
  CHECK(settings.pre_dispatch == 0);
  CHECK_FALSE(settings.timeout.has_value());
  CHECK(settings.verbose == 0);
  CHECK(settings.temp_folder.empty());
  CHECK(settings.max_nbytes == std::uint64_t{1} << 20);
  CHECK(settings.mmap_mode == mmap_mode::read);
  CHECK(settings.inner_threads == 0);
  CHECK_FALSE(settings.initializer);
  CHECK(settings.max_retries == 0);
  CHECK_FALSE(settings.progress.is_given());
  CHECK_FALSE(settings.allow_threads);
  CHECK(settings.reduce_order == larder::reduce_order::sequence);
}

TEST_CASE("options: batch_size is a number or auto", "[parallel]") {
  CHECK(resolve({.batch_size = 1}).batch_size == 1);
  CHECK(resolve({.batch_size = std::size_t{1} << 40}).batch_size == std::size_t{1} << 40);
  CHECK(resolve({.batch_size = "64"}).batch_size == 64);
  CHECK(resolve({.batch_size = "auto"}).batch_size == 0);
  for (const long size : {0L, -3L}) {
    CHECK_THAT(complaint({.batch_size = size}), ContainsSubstring("batch_size is " + std::to_string(size)) &&
                                                    ContainsSubstring("at least 1") &&
                                                    ContainsSubstring("auto"));
  }
  for (const char* word : {"", "0", "-1", "automatic", "Auto", "1.5", "16x", "99999999999999999999"}) {
    CHECK_THAT(complaint({.batch_size = word}),
               ContainsSubstring("batch_size is \"" + std::string(word) + '"'));
  }
}

TEST_CASE("options: pre_dispatch is a number, a multiple of n_jobs, or all", "[parallel]") {
  const auto tasks = [](const larder::number_or_text& value, int n_jobs = 3) {
    return resolve({.n_jobs = n_jobs, .pre_dispatch = value}).pre_dispatch;
  };
  CHECK(tasks(1) == 1);
  CHECK(tasks(12) == 12);
  CHECK(tasks("12") == 12);
  CHECK(tasks(" 12 ") == 12);
  CHECK(tasks("n_jobs") == 3);
  CHECK(tasks("2*n_jobs") == 6);
  CHECK(tasks("3 * n_jobs") == 9);
  CHECK(tasks(" 1.5*n_jobs ") == 4);
  CHECK(tasks("0.1*n_jobs") == 1);
  CHECK(tasks("1.5*n_jobs", 1) == 1);
  CHECK(tasks("all") == k_most);
  CHECK(tasks("99999999999999999999*n_jobs") > std::size_t{1} << 40);
  for (const int number : {0, -2}) {
    CHECK_THAT(
        complaint({.pre_dispatch = number}),
        ContainsSubstring("pre_dispatch is " + std::to_string(number)) && ContainsSubstring("at least 1"));
  }
  for (const char* text : {"", "0", "-1", "1.5", "n_job", "N_JOBS", "2n_jobs", "*n_jobs", "0*n_jobs",
                           "-1*n_jobs", "inf*n_jobs", "nan*n_jobs", "n_jobs*2", "2**n_jobs", "2*n_jobs+1",
                           "2*2*n_jobs", "1e3*n_jobs", "0x2*n_jobs", "everything"}) {
    INFO(text);
    CHECK_THAT(
        complaint({.pre_dispatch = text}),
        ContainsSubstring("pre_dispatch is \"" + std::string(text) + '"') && ContainsSubstring("2*n_jobs"));
  }
}

TEST_CASE("options: timeout is over 0, and none where it is infinite", "[parallel]") {
  using std::chrono::milliseconds;
  CHECK(resolve({.timeout = duration<double>(1.5)}).timeout == milliseconds(1500));
  CHECK(resolve({.timeout = milliseconds(20)}).timeout == milliseconds(20));
  CHECK(resolve({.timeout = duration<double>(1e-12)}).timeout == nanoseconds(1));
  CHECK(resolve({.timeout = duration<double>(1e9)}).timeout == std::chrono::seconds(1'000'000'000));
  constexpr double k_infinite = std::numeric_limits<double>::infinity();
  CHECK_FALSE(resolve({.timeout = duration<double>(k_infinite)}).timeout.has_value());
  for (const double value : {0.0, -0.0, -1.0, 1e10, std::nan(""), -k_infinite}) {
    CHECK_THAT(complaint({.timeout = duration<double>(value)}),
               ContainsSubstring("timeout is ") && ContainsSubstring("over 0"));
  }
}

TEST_CASE("options: max_nbytes is a number, a size, or none", "[parallel]") {
  const auto bytes = [](const larder::number_or_text& value) {
    return resolve({.max_nbytes = value}).max_nbytes;
  };
  CHECK(bytes(0) == 0);
  CHECK(bytes(1'000'000) == 1'000'000);
  CHECK(bytes("500K") == 500 * 1024);
  CHECK(bytes("1M") == 1 << 20);
  CHECK(bytes("none") == std::numeric_limits<std::uint64_t>::max());
  CHECK_THAT(complaint({.max_nbytes = -1}), ContainsSubstring("max_nbytes is -1"));
  for (const char* text : {"", "M", "-1M", "1X", "None"}) {
    CHECK_THAT(complaint({.max_nbytes = text}), ContainsSubstring("max_nbytes") &&
                                                    ContainsSubstring('"' + std::string(text) + '"') &&
                                                    ContainsSubstring("none"));
  }
}

TEST_CASE("options: temp_folder is a directory that can be written to", "[parallel]") {
  const scratch_dir dir;
  CHECK(resolve({.temp_folder = dir.path().string()}).temp_folder == dir.path().string());
  CHECK(resolve({.temp_folder = ""}).temp_folder.empty());
  for (const std::string& path : {(dir / "absent").string(), std::string("/proc/self/maps")}) {
    CHECK_THAT(complaint({.temp_folder = path}),
               ContainsSubstring("temp_folder is \"" + path + '"') && ContainsSubstring("directory"));
  }
}

TEST_CASE("options: numbers that are too small are refused", "[parallel]") {
  CHECK_THAT(complaint({.verbose = -1}), ContainsSubstring("verbose is -1; it has to be at least 0"));
  CHECK_THAT(complaint({.inner_threads = 0}),
             ContainsSubstring("inner_threads is 0; it has to be at least 1"));
  CHECK_THAT(complaint({.max_retries = -2}), ContainsSubstring("max_retries is -2; it has to be at least 0"));
  CHECK(resolve({.max_retries = 3}).max_retries == 3);
  CHECK(resolve({.inner_threads = 3}).inner_threads == 3);
  CHECK(resolve({.verbose = 3}).verbose == 3);
}

TEST_CASE("options: values beyond an enumeration are refused", "[parallel]") {
  CHECK_THAT(complaint({.backend = static_cast<backend>(99)}),
             ContainsSubstring("backend is an unknown value (99)") &&
                 ContainsSubstring("sequential, threads, fork or processes"));
  CHECK_THAT(complaint({.mmap_mode = static_cast<mmap_mode>(99)}),
             ContainsSubstring("mmap_mode is an unknown value (99)"));
  CHECK_THAT(complaint({.reduce_order = static_cast<larder::reduce_order>(99)}),
             ContainsSubstring("reduce_order is an unknown value (99)"));
}

TEST_CASE("options: backends that this version does not have are refused", "[parallel]") {
  CHECK_THAT(
      complaint({.backend = backend::mpi}),
      ContainsSubstring("backend is mpi") && ContainsSubstring("sequential, threads, fork and processes"));
  CHECK(resolve({.backend = backend::fork}).backend == backend::fork);
  CHECK(resolve({.backend = backend::processes}).backend == backend::processes);
}

TEST_CASE("options: writes of workers are not lost silently", "[parallel]") {
  CHECK_THAT(complaint({.max_nbytes = "none", .mmap_mode = mmap_mode::read_write}),
             ContainsSubstring("mmap_mode is read_write") && ContainsSubstring("max_nbytes"));
  CHECK(resolve({.max_nbytes = 0, .mmap_mode = mmap_mode::read_write}).mmap_mode == mmap_mode::read_write);
  CHECK(resolve({.max_nbytes = "none", .mmap_mode = mmap_mode::none}).mmap_mode == mmap_mode::none);
  const parallel_config config({.max_nbytes = "none"});
  CHECK_THAT(complaint({.mmap_mode = mmap_mode::read_write}), ContainsSubstring("mmap_mode"));
}

TEST_CASE("options: progress is a bool, a label, or something to call", "[parallel]") {
  const auto progress = [](const larder::progress_option& option) {
    return resolve({.progress = option}).progress;
  };
  CHECK(progress(true).is_shown());
  CHECK_FALSE(progress(false).is_shown());
  CHECK(progress("reading").label() == "reading");
  CHECK(progress("reading").is_shown());
  const auto call = [](std::size_t, std::size_t, double) {};
  CHECK(progress(call).is_told());
  CHECK_FALSE(progress(call).is_shown());
  CHECK_THAT(complaint({.progress = larder::progress_option::callback()}),
             ContainsSubstring("progress is an empty function"));
  STATIC_REQUIRE_FALSE(std::is_convertible_v<int, larder::progress_option>);
}

TEST_CASE("options: the environment says what options leave open", "[parallel]") {
  {
    const environment n_jobs("LARDER_N_JOBS", "3");
    const environment where("LARDER_BACKEND", "fork");
    CHECK(resolve({}).workers == 3);
    CHECK(resolve({}).backend == backend::fork);
    CHECK(resolve({.n_jobs = 2}).workers == 2);
    CHECK(resolve({.backend = backend::threads}).backend == backend::threads);
    const parallel_config config({.n_jobs = 4});
    CHECK(resolve({}).workers == 4);
    CHECK(resolve({}).backend == backend::fork);
  }
  {
    const environment n_jobs("LARDER_N_JOBS", "-1000000");
    CHECK(resolve({}).workers == 1);
  }
  {
    const environment n_jobs("LARDER_N_JOBS", "");
    const environment where("LARDER_BACKEND", "");
    CHECK(static_cast<int>(resolve({}).workers) == larder::cpu_count());
    CHECK(resolve({}).backend == backend::threads);
  }
  for (const auto& [name, which] : {std::pair{"sequential", backend::sequential},
                                    {"threads", backend::threads},
                                    {"fork", backend::fork}}) {
    const environment where("LARDER_BACKEND", name);
    CHECK(resolve({}).backend == which);
  }
}

TEST_CASE("options: nonsense in the environment names the variable", "[parallel]") {
  for (const char* nonsense : {"0", "two", "2x", "1.5", " ", "99999999999999999999"}) {
    const environment n_jobs("LARDER_N_JOBS", nonsense);
    CHECK_THAT(complaint({}), ContainsSubstring("LARDER_N_JOBS") && ContainsSubstring(nonsense));
    CHECK(complaint({.n_jobs = 2}).empty());
  }
  for (const char* nonsense : {"thread", "Threads", "1", "threads,fork"}) {
    const environment where("LARDER_BACKEND", nonsense);
    CHECK_THAT(complaint({}), ContainsSubstring("LARDER_BACKEND") && ContainsSubstring(nonsense) &&
                                  ContainsSubstring("sequential, threads, fork or processes"));
    CHECK(complaint({.backend = backend::threads}).empty());
  }
  {
    const environment where("LARDER_BACKEND", "mpi");
    CHECK_THAT(complaint({}),
               ContainsSubstring("LARDER_BACKEND is mpi") && ContainsSubstring("not in this version"));
  }
  for (const char* nonsense : {"0", "-1", "two", "2x", " 2", "1.5", "99999999999999999999"}) {
    const environment cap("LARDER_MAX_CPUS", nonsense);
    CHECK_THAT(complaint({}), ContainsSubstring("LARDER_MAX_CPUS") && ContainsSubstring(nonsense));
  }
}

TEST_CASE("parallel_config: scopes nest, and explicit options win", "[parallel]") {
  const parallel_config outer({.n_jobs = 5, .backend = backend::fork, .verbose = 2, .progress = true});
  CHECK(resolve({}).workers == 5);
  {
    const parallel_config inner({.n_jobs = 6, .batch_size = 7, .progress = false});
    CHECK(resolve({}).workers == 6);
    CHECK(resolve({}).backend == backend::fork);
    CHECK(resolve({}).batch_size == 7);
    CHECK(resolve({}).verbose == 2);
    CHECK_FALSE(resolve({}).progress.is_shown());
    CHECK(resolve({.progress = true}).progress.is_shown());
    CHECK(resolve({.n_jobs = 2, .batch_size = "auto"}).workers == 2);
    CHECK(resolve({.n_jobs = 2, .batch_size = "auto"}).batch_size == 0);
    {
      const parallel_config innermost({.backend = backend::threads});
      CHECK(resolve({}).workers == 6);
      CHECK(resolve({}).backend == backend::threads);
    }
    CHECK(resolve({}).backend == backend::fork);
  }
  CHECK(resolve({}).workers == 5);
  CHECK(resolve({}).batch_size == 0);
  CHECK(resolve({}).progress.is_shown());
}

TEST_CASE("parallel_config: every option comes from it", "[parallel]") {
  const scratch_dir dir;
  bool called = false;
  const parallel_config config({.n_jobs = 3,
                                .backend = backend::fork,
                                .batch_size = 4,
                                .pre_dispatch = "2*n_jobs",
                                .timeout = std::chrono::seconds(5),
                                .verbose = 6,
                                .temp_folder = dir.path().string(),
                                .max_nbytes = 7,
                                .mmap_mode = mmap_mode::copy_on_write,
                                .inner_threads = 8,
                                .initializer = [&] { called = true; },
                                .max_retries = 9,
                                .progress = "label",
                                .allow_threads = true,
                                .reduce_order = larder::reduce_order::any});
  const auto settings = resolve({});
  CHECK(settings.workers == 3);
  CHECK(settings.backend == backend::fork);
  CHECK(settings.batch_size == 4);
  CHECK(settings.pre_dispatch == 6);
  CHECK(settings.timeout == std::chrono::seconds(5));
  CHECK(settings.verbose == 6);
  CHECK(settings.temp_folder == dir.path().string());
  CHECK(settings.max_nbytes == 7);
  CHECK(settings.mmap_mode == mmap_mode::copy_on_write);
  CHECK(settings.inner_threads == 8);
  REQUIRE(settings.initializer);
  settings.initializer();
  CHECK(called);
  CHECK(settings.max_retries == 9);
  CHECK(settings.progress.label() == "label");
  CHECK(settings.allow_threads);
  CHECK(settings.reduce_order == larder::reduce_order::any);

  // An explicit option of each kind undoes it.
  const auto own =
      resolve({.timeout = duration<double>(std::numeric_limits<double>::infinity()), .temp_folder = ""});
  CHECK_FALSE(own.timeout.has_value());
  CHECK(own.temp_folder.empty());
}

TEST_CASE("parallel_config: is this thread's alone", "[parallel]") {
  const parallel_config config({.n_jobs = 9});
  unsigned elsewhere = 0;
  std::thread([&] { elsewhere = resolve({}).workers; }).join();
  CHECK(static_cast<int>(elsewhere) == larder::cpu_count());
  CHECK(resolve({}).workers == 9);
}

TEST_CASE("parallel_config: nonsense is refused where it is written", "[parallel]") {
  const auto make = [](parallel_options options) { const parallel_config config(std::move(options)); };
  CHECK_THROWS_WITH(make({.n_jobs = 0}), ContainsSubstring("n_jobs is 0"));
  CHECK_THROWS_WITH(make({.backend = backend::mpi}), ContainsSubstring("mpi"));
  CHECK_THROWS_WITH(make({.batch_size = 0}), ContainsSubstring("batch_size"));
  CHECK_THROWS_WITH(make({.pre_dispatch = "1+1"}), ContainsSubstring("pre_dispatch"));
  CHECK_THROWS_WITH(make({.timeout = std::chrono::seconds(0)}), ContainsSubstring("timeout"));
  CHECK_THROWS_WITH(make({.verbose = -1}), ContainsSubstring("verbose"));
  CHECK_THROWS_WITH(make({.temp_folder = "/nowhere"}), ContainsSubstring("temp_folder"));
  CHECK_THROWS_WITH(make({.max_nbytes = "many"}), ContainsSubstring("max_nbytes"));
  CHECK_THROWS_WITH(make({.inner_threads = 0}), ContainsSubstring("inner_threads"));
  CHECK_THROWS_WITH(make({.max_retries = -1}), ContainsSubstring("max_retries"));
  CHECK(static_cast<int>(resolve({}).workers) == larder::cpu_count());  // none of them has stayed
}
