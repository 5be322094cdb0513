#include <larder/cpu_count.hpp>
#include <larder/error.hpp>

#include <sched.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "src/cgroup_quota.hpp"
#include "src/core_count.hpp"
#include "src/cpu_count.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/environment.hpp"
#include "tests/file_bytes.hpp"
#include "tests/scratch_dir.hpp"

using larder::cpu_count;
using larder::cpu_kind;

namespace {

// A machine's /proc and /sys as far as they are looked at.
class machine {
 public:
  /// The lines of /proc/self/cgroup, and of the mounts what counts: (what is shown, where, and "- TYPE SOURCE OPTIONS").
  machine(std::string_view groups, const std::vector<std::array<std::string, 3>>& mounts) {
    file("proc/self/cgroup", groups);
    std::string info = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
    for (const auto& [shows, at, what] : mounts)
      info += "30 22 0:26 " + shows + ' ' + at + " rw,nosuid shared:4 master:2 " + what + '\n';
    file("proc/self/mountinfo", info);
  }
  machine() = default;

  machine& file(const std::string& path, std::string_view content) {
    const auto whole = dir_ / path;
    std::filesystem::create_directories(whole.parent_path());
    write_file(whole, content);
    return *this;
  }
  machine& v1(const std::string& directory, std::string_view quota, std::string_view period = "100000\n") {
    file(directory + "/cpu.cfs_quota_us", quota);
    return file(directory + "/cpu.cfs_period_us", period);
  }
  std::optional<unsigned> quota() const { return larder::detail::cgroup_quota(dir_.path().string()); }
  std::optional<unsigned> cores(const std::vector<unsigned>& processors) const {
    return larder::detail::core_count(processors, dir_.path().string());
  }

 private:
  scratch_dir dir_;
};

const std::string k_second = "- cgroup2 cgroup2 rw,nsdelegate";
const std::string k_first = "- cgroup cgroup rw,cpu,cpuacct";
constexpr auto k_none = std::nullopt;

}  // namespace

TEST_CASE("quota: version 2, the process's own group", "[cpu_count]") {
  const auto with = [](std::string_view limit) {
    machine m("0::/user/job\n", {{"/", "/sys/fs/cgroup", k_second}});
    return m.file("sys/fs/cgroup/user/job/cpu.max", limit).quota();
  };
  CHECK(with("200000 100000\n") == 2U);
  CHECK(with("250000 100000\n") == 3U);  // rounded up
  CHECK(with("1000 100000\n") == 1U);
  CHECK(with("150000 50000") == 3U);
  CHECK(with("max 100000\n") == k_none);
}

TEST_CASE("quota: the smallest of a group and those above it", "[cpu_count]") {
  machine m("0::/a/b/c\n", {{"/", "/sys/fs/cgroup", k_second}});
  m.file("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  CHECK(m.quota() == 8U);
  m.file("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  CHECK(m.quota() == 3U);
  m.file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(m.quota() == 3U);
  m.file("sys/fs/cgroup/cpu.max", "100000 100000\n");  // as a container sees that of its own
  CHECK(m.quota() == 1U);
  m.file("sys/fs/cgroup/a/b/other/cpu.max", "100 100000\n");
  m.file("sys/fs/cgroup/a/b/c/below/cpu.max", "100 100000\n");
  m.file("sys/fs/cgroup/cpu.max", "max\n");
  CHECK(m.quota() == 3U);
}

TEST_CASE("quota: version 1", "[cpu_count]") {
  machine m("5:memory:/elsewhere\n4:cpu,cpuacct:/batch/job\n1:name=systemd:/init\n",
            {{"/", "/sys/fs/cgroup/memory", "- cgroup cgroup rw,memory"},
             {"/", "/sys/fs/cgroup/cpu,cpuacct", k_first}});
  CHECK(m.quota() == k_none);
  m.v1("sys/fs/cgroup/cpu,cpuacct/batch/job", "-1\n");
  CHECK(m.quota() == k_none);
  m.v1("sys/fs/cgroup/cpu,cpuacct/batch", "600000\n");
  CHECK(m.quota() == 6U);
  m.v1("sys/fs/cgroup/cpu,cpuacct/batch/job", "25000\n", "10000\n");
  CHECK(m.quota() == 3U);
  m.v1("sys/fs/cgroup/memory/elsewhere", "1000\n");  // not where the cpu controller is
  CHECK(m.quota() == 3U);
}

TEST_CASE("quota: both versions at once", "[cpu_count]") {
  machine m("4:cpu:/one\n0::/two\n", {{"/", "/sys/fs/cgroup/cpu", "- cgroup cgroup rw,cpu"},
                                      {"/", "/sys/fs/cgroup/unified", k_second}});
  m.v1("sys/fs/cgroup/cpu/one", "400000\n");
  CHECK(m.quota() == 4U);
  m.file("sys/fs/cgroup/unified/two/cpu.max", "200000 100000\n");
  CHECK(m.quota() == 2U);
  m.v1("sys/fs/cgroup/cpu/one", "100000\n");
  CHECK(m.quota() == 1U);
}

TEST_CASE("quota: in containers", "[cpu_count]") {
  SECTION("with a namespace of groups, the mount shows the process's own") {
    machine m("0::/\n", {{"/", "/sys/fs/cgroup", k_second}});
    CHECK(m.file("sys/fs/cgroup/cpu.max", "200000 100000\n").quota() == 2U);
  }
  SECTION("without one, a part of the hierarchy is mounted") {
    machine m("4:cpu,cpuacct:/docker/abc/inner\n", {{"/docker/abc", "/sys/fs/cgroup/cpu", k_first}});
    CHECK(m.v1("sys/fs/cgroup/cpu", "300000\n").quota() == 3U);
    CHECK(m.v1("sys/fs/cgroup/cpu/inner", "200000\n").quota() == 2U);
  }
  SECTION("a mount that does not show the process's group says nothing of it") {
    machine m("0::/docker/abcdef\n",
              {{"/docker/abc", "/sys/fs/cgroup", k_second}, {"/other", "/other", k_second}});
    m.file("sys/fs/cgroup/cpu.max", "100000 100000\n");
    m.file("other/cpu.max", "100000 100000\n");
    CHECK(m.quota() == k_none);
  }
  SECTION("a mount from above the namespace shows a group above the process's") {
    machine m("0::/job\n", {{"/../..", "/host", k_second}, {"/", "/sys/fs/cgroup", k_second}});
    CHECK(m.file("host/cpu.max", "700000 100000\n").quota() == 7U);
    CHECK(m.file("host/job/cpu.max", "100000 100000\n").quota() == 7U);  // another of that name
    CHECK(m.file("sys/fs/cgroup/job/cpu.max", "500000 100000\n").quota() == 5U);
  }
  SECTION("a process outside of the namespace is not seen in it") {
    machine m("0::/../sibling\n", {{"/", "/sys/fs/cgroup", k_second}, {"/..", "/above", k_second}});
    m.file("sys/fs/cgroup/cpu.max", "100000 100000\n");
    CHECK(m.quota() == k_none);
    CHECK(m.file("above/sibling/cpu.max", "200000 100000\n").quota() == 2U);
  }
  SECTION("a group that is gone still has those above it") {
    machine m("0::/a/b (deleted)\n", {{"/", "/sys/fs/cgroup", k_second}});
    CHECK(m.file("sys/fs/cgroup/a/cpu.max", "200000 100000\n").quota() == 2U);
  }
  SECTION("names with blanks and backslashes") {
    machine m("0::/a b/c\n", {{R"(/a\040b)", R"(/mnt/x\134y\040z)", k_second}});
    CHECK(m.file("mnt/x\\y z/c/cpu.max", "200000 100000\n").quota() == 2U);
  }
}

TEST_CASE("quota: what cannot be read or understood is not there", "[cpu_count]") {
  CHECK(machine().quota() == k_none);
  CHECK(machine("", {}).quota() == k_none);
  CHECK(machine("0::/\n", {}).quota() == k_none);
  CHECK(machine("0::/a\n", {{"/", "/sys/fs/cgroup", k_second}}).quota() == k_none);
  for (const char* groups :
       {"\n\n", ":", "::", "0", "0:", "0::", "0::relative", "cpu", "4:cpu", "4:cpu:", "\0"}) {
    machine m(groups, {{"/", "/sys/fs/cgroup", k_second}, {"/", "/sys/fs/cgroup/cpu", k_first}});
    m.file("sys/fs/cgroup/cpu.max", "100000 100000\n").v1("sys/fs/cgroup/cpu", "100000\n");
    CHECK(m.quota() == k_none);
  }
  for (const char* limit : {"", "\n", " ", "max", "0 100000", "100000 0", "100000", "-5 100000", "x 100000",
                            "100000 y", "99999999999999999999999 100000", "1e5 100000", "\xff\xfe"}) {
    INFO(limit);
    machine m("0::/\n4:cpu:/\n", {{"/", "/sys/fs/cgroup", k_second}, {"/", "/v1", k_first}});
    m.file("sys/fs/cgroup/cpu.max", limit).v1("v1", limit, "");
    CHECK(m.quota() == k_none);
  }
  machine most("0::/\n", {{"/", "/sys/fs/cgroup", k_second}});
  CHECK(most.file("sys/fs/cgroup/cpu.max", "18446744073709551615 1\n").quota() > 1'000'000'000U);
  for (const char* mounts : {"", "\n", "-", " - ", "30 22 0:26", "30 22 0:26 / /sys", "- cgroup2", "\\",
                             "30 22 0:26 /\\04 /sys\\9 rw - cgroup2 cgroup2 rw\n"}) {
    machine m;
    m.file("proc/self/cgroup", "0::/\n").file("proc/self/mountinfo", mounts);
    CHECK(m.quota() == k_none);
  }
}

TEST_CASE("cores: threads of one count once", "[cpu_count]") {
  machine m;
  const auto processor = [&](unsigned number, const char* package, const char* core) {
    const auto topology = "sys/devices/system/cpu/cpu" + std::to_string(number) + "/topology/";
    m.file(topology + "physical_package_id", package).file(topology + "core_id", core);
    return topology;
  };
  processor(0, "0\n", "0\n");
  processor(1, "0\n", "1\n");
  processor(2, "0\n", "0\n");
  processor(3, "1\n", "0\n");
  CHECK(m.cores({0, 1, 2, 3}) == 3U);
  CHECK(m.cores({0, 2}) == 1U);
  CHECK(m.cores({0, 3}) == 2U);
  m.file(processor(4, "1\n", "0\n") + "die_id", "1\n");
  CHECK(m.cores({3, 4}) == 2U);  // numbers of cores are those of a die
  CHECK(m.cores({0, 1, 9}) == k_none);
  CHECK(m.cores({}) == k_none);
}

TEST_CASE("cpu_count: processors of the affinity mask, at most LARDER_MAX_CPUS", "[cpu_count]") {
  const int all = cpu_count();
  CHECK(all >= 1);
  CHECK(cpu_count(cpu_kind::physical) >= 1);
  CHECK(cpu_count(cpu_kind::physical) <= all);
  const auto quota = larder::detail::cgroup_quota();
  if (quota) CHECK(all <= static_cast<int>(*quota));

  int one = 0;
  std::thread([&] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &mask);
    if (::sched_setaffinity(0, sizeof mask, &mask) == 0) one = cpu_count();
  }).join();
  CHECK(one == 1);
  CHECK(cpu_count() == all);  // the mask of a thread is its own

  {
    const environment cap("LARDER_MAX_CPUS", "1");
    CHECK(cpu_count() == 1);
    CHECK(cpu_count(cpu_kind::physical) == 1);
  }
  {
    const environment cap("LARDER_MAX_CPUS", "100000");
    CHECK(cpu_count() == all);
  }
  const environment cap("LARDER_MAX_CPUS", "");
  CHECK(cpu_count() == all);
}

TEST_CASE("cpu_count: nonsense in LARDER_MAX_CPUS is refused, and means 1 for hashing", "[cpu_count]") {
  for (const char* nonsense : {"0", "-1", "two", "2x", " 2", "1.5", "99999999999999999999"}) {
    const environment cap("LARDER_MAX_CPUS", nonsense);
    CHECK_THROWS_AS(cpu_count(), larder::value_error);
    CHECK_THROWS_WITH(cpu_count(cpu_kind::physical), Catch::Matchers::ContainsSubstring("LARDER_MAX_CPUS") &&
                                                         Catch::Matchers::ContainsSubstring(nonsense));
    CHECK(larder::detail::cpus_for_core_work() == 1);
  }
}

TEST_CASE("cpu_count: from many threads at once, and in children of fork", "[cpu_count]") {
  const int all = cpu_count();
  std::array<int, 4> wrong{};
  std::vector<std::thread> threads;
  for (int& mine : wrong) {
    threads.emplace_back([&mine, all] {
      for (int i = 0; i < 1000; ++i)
        if (cpu_count() != all) ++mine;
    });
  }
  for (auto& each : threads) each.join();
  CHECK(wrong == std::array<int, 4>{});
  child_process child([&] { return cpu_count() == all ? 0 : 1; });
  CHECK(child.wait() == 0);
}
