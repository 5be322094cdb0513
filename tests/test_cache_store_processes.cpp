// Processes that share a store: what one puts, others have; and whatever becomes of a process, the others go on.

#include <larder/store.hpp>

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <larder/error.hpp>
#include <larder/inspect.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/errno_of.hpp"
#include "tests/sanitizers.hpp"
#include "tests/store_dir.hpp"
#include "tests/store_values.hpp"

namespace fs = std::filesystem;
using larder::array;
using larder::lifetime;
using larder::store;

namespace {

array<double> filled(std::size_t count, double value) {
  array<double> a({count});
  a.fill(value);
  return a;
}

/// All elements are the first one, and there are as many as it says.
bool is_whole(const array<const double>& a) {
  return a.size() != 0 && a.size() == 1'000 + 100 * static_cast<std::size_t>(a(0)) &&
         std::ranges::all_of(a.flat(), [&a](double each) { return each == a(0); });
}
array<double> whole(int number) { return filled(1'000 + 100 * static_cast<std::size_t>(number), number); }

using pair = std::map<std::string, array<const double>>;
pair whole_pair(int number) { return {{"a", whole(number)}, {"b", whole(number)}}; }
bool is_whole(const pair& p) {
  return is_whole(p.at("a")) && is_whole(p.at("b")) && p.at("a")(0) == p.at("b")(0);
}

}  // namespace

TEST_CASE("store processes: each has what another put, by its name") {
  const store_dir dir;
  process_signal is_there;
  process_signal answered;
  child_process other([&] {
    const store st("run");
    is_there.wait();
    if (st.names() != std::vector<std::string>{"a", "b"} || st.get<int>("a") != 7) return 1;
    if (!is_whole(st.get<pair>("b"))) return 2;
    st.put("answer", whole(3));
    answered.post();
    return 0;
  });
  const store st("run");
  st.put("a", 7);
  st.put("b", whole_pair(5));
  is_there.post();
  answered.wait();
  CHECK(other.wait() == 0);
  CHECK(is_whole(st.get<array<const double>>("answer")));
}

TEST_CASE("store processes: a get while the object is replaced is the old one or the new one") {
  const store_dir dir;
  const store st("run", {.capacity = GENERATE("", "2M")});
  st.put("a", whole(0));
  st.put("p", whole_pair(0));
  std::vector<child_process> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([] {
      const store here("run");
      for (int last = 0; last < 299;) {
        const auto a = here.get<array<const double>>("a");
        const auto p = here.get<pair>("p");
        if (!is_whole(a) || !is_whole(p)) return 1;
        const larder::object_info info = here.info("a");
        if (info.type != "array<f64>" || (info.bytes - 8'000) % 800 > 500) return 2;
        // What one has is there for the others, and never goes back.
        const int now = static_cast<int>(p.at("a")(0));
        if (now < last) return 3;
        last = now;
      }
      return 0;
    });
  }
  child_process writer([] {
    const store here("run");
    for (int i = 1; i < 300; ++i) {
      if (i % 2 == 0) {
        here.put("a", whole(i));
      } else {
        auto out = here.create<double>("a", {whole(i).size()});
        out.array().fill(i);
        std::move(out).seal();
      }
      here.put("p", whole_pair(i));
    }
    return 0;
  });
  CHECK(writer.wait() == 0);
  for (child_process& reader : readers) CHECK(reader.wait() == 0);
}

TEST_CASE("store processes: a reader outlives forget, eviction, and the store's removal by another process") {
  const store_dir dir;
  process_signal read;
  process_signal gone;
  const auto remove = GENERATE(0, 1, 2, 3);
  CAPTURE(remove);
  {
    const store st("run", {.capacity = "1M"});
    st.put("a", whole(100));
  }
  child_process reader([&] {
    const store st("run");
    const auto a = st.get<array<const double>>("a");
    read.post();
    gone.wait();
    return is_whole(a) ? 0 : 1;
  });
  read.wait();
  const store st("run");
  if (remove == 0) CHECK(st.forget("a"));
  if (remove == 1) CHECK(store::remove("run"));
  if (remove == 2) {
    // In use, it is not evicted, by as many as may come.
    for (int i = 0; i < 50; ++i) st.put("b" + std::to_string(i), whole(100));
    CHECK(st.contains("a"));
    CHECK(is_whole(st.get<array<const double>>("a")));
    st.put("a", whole(1));
  }
  if (remove == 3) fs::remove_all(st.path());
  gone.post();
  CHECK(reader.wait() == 0);
}

TEST_CASE("store processes: an object is in use until who had it ends, however that is") {
  const store_dir dir;
  const bool killed = GENERATE(false, true);
  const store st("run", {.capacity = "1M"});
  st.put("a", whole(100));
  process_signal read;
  process_signal end;
  child_process reader([&] {
    const auto a = store("run").get<array<const double>>("a");
    read.post();
    end.wait();
    return is_whole(a) ? 0 : 1;
  });
  read.wait();
  CHECK(st.info("a").in_use);
  if (killed) {
    CHECK(reader.kill() == -SIGKILL);
  } else {
    end.post();
    CHECK(reader.wait() == 0);
  }
  CHECK_FALSE(st.info("a").in_use);
  for (int i = 0; i < 20; ++i) st.put("b" + std::to_string(i), whole(100));
  CHECK_FALSE(st.contains("a"));
}

TEST_CASE("store processes: one that lives until its last user ends is there as long as any has it") {
  const store_dir dir;
  const auto how = GENERATE(0, 1, 2);
  CAPTURE(how);
  const auto path = dir / "root" / "run";
  process_signal put;
  process_signal end;
  child_process user([&] {
    const store st("run", {.lifetime = lifetime::last_user});
    st.put("a", 7);
    put.post();
    end.wait();
    return 0;
  });
  put.wait();
  {
    const store st("run");
    CHECK(st.get<int>("a") == 7);
  }
  CHECK(store::list() == std::vector<std::string>{"run"});
  CHECK(store("run").contains("a"));
  if (how == 0) {
    end.post();
    CHECK(user.wait() == 0);
    CHECK_FALSE(fs::exists(path));
    return;
  }
  CHECK(user.kill() == -SIGKILL);
  CHECK(fs::exists(path));
  if (how == 1) {
    CHECK(store::list().empty());
    CHECK_FALSE(fs::exists(path));
    CHECK(fs::is_empty(path.parent_path()));
  } else {
    // Another store, of which nothing is as it was.
    const store st("run");
    CHECK(st.names().empty());
    CHECK(st.used() == 0);
    st.put("b", 8);
  }
  CHECK(store::list().size() == (how == 1 ? 0 : 1));
}

TEST_CASE("store processes: the last of several users takes the store with it, in whatever order they end") {
  const store_dir dir;
  std::vector<process_signal> ends(3);
  process_signal opened;
  std::vector<child_process> users;
  for (int i = 0; i < 3; ++i) {
    users.emplace_back([&, i] {
      const store st("run", {.lifetime = lifetime::last_user});
      st.put(std::to_string(i), whole(i));
      opened.post();
      ends[static_cast<std::size_t>(i)].wait();
      return static_cast<int>(st.size()) == 3 ? 0 : 1;
    });
  }
  for (int i = 0; i < 3; ++i) opened.wait();
  CHECK(users[1].kill() == -SIGKILL);
  CHECK(store::list().size() == 1);
  ends[0].post();
  CHECK(users[0].wait() == 0);
  CHECK(store::list().size() == 1);
  ends[2].post();
  CHECK(users[2].wait() == 0);
  CHECK(fs::is_empty(dir / "root"));
}

TEST_CASE("store processes: wait_for sees what another process puts, and only that") {
  const store_dir dir;
  const store st("run", {.capacity = GENERATE("", "1M")});
  process_signal put;
  child_process other([&] {
    const store here("run");
    here.wait_for("x");
    if (!is_whole(here.get<array<const double>>("x"))) return 1;
    here.put("answer", 1);
    return here.wait_for("x again", std::chrono::hours(1)) && here.get<int>("x again") == 5 ? 0 : 2;
  });
  // Many others come and go meanwhile, more than the system keeps apart.
  for (int i = 0; i < 200; ++i) st.put("y" + std::to_string(i % 7), i);
  CHECK_FALSE(st.contains("answer"));
  auto writer = st.create<double>("x", {1'000});
  writer.array().fill(0);
  CHECK_FALSE(st.contains("answer"));
  std::move(writer).seal();
  st.wait_for("answer");
  st.put("x again", 5);
  CHECK(other.wait() == 0);
}

TEST_CASE("store processes: who waits is told when the store is removed") {
  const store_dir dir;
  const store st("run");
  child_process other([&] {
    const store here("run");
    here.put("ready", 1);
    return errno_of([&] { here.wait_for("x"); }) == ENOENT ? 0 : 1;
  });
  st.wait_for("ready");
  CHECK(store::remove("run"));
  CHECK(other.wait() == 0);
}

TEST_CASE("store processes: who opens an object waits while somebody asks whether it is in use") {
  const store_dir dir;
  const store st("run");
  st.put("a", whole(1));
  const fs::path path = st.info("a").path;
  const bool removes = GENERATE(false, true);
  process_signal held;
  child_process asker([&] {
    // As an eviction does it: the system sends a signal when somebody opens the file.
    ::sigset_t opened;
    ::sigemptyset(&opened);
    ::sigaddset(&opened, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &opened, nullptr);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (::fcntl(fd, F_SETSIG, SIGUSR1) != 0 || ::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
      held.post();
      return 77;
    }
    held.post();
    int signal = 0;
    ::sigwait(&opened, &signal);
    if (removes) ::unlink(path.c_str());
    ::fcntl(fd, F_SETLEASE, F_UNLCK);
    return 0;
  });
  held.wait();
  if (!removes) {
    CHECK(is_whole(st.get<array<const double>>("a")));
  } else if (GENERATE(true, false)) {
    // Who found it before it was removed has it; who is told to come again finds that it is gone.
    const auto found = st.find<array<const double>>("a");
    CHECK((!found || is_whole(*found)));
  } else {
    // Pinned it would have to be there.
    CHECK(errno_of([&] { st.pin("a"); }) == ENOENT);
  }
  const int status = asker.wait();
  if (status == 77) {
    WARN("SKIPPED: the file system of the test gives no leases");
  } else {
    CHECK(status == 0);
    CHECK(st.contains("a") == !removes);
  }
}

TEST_CASE(
    "store processes: a handle on a store that another process removed and made anew keeps to the new one") {
  const store_dir dir;
  const store st("run");
  child_process other([] {
    if (!store::remove("run")) return 1;
    const store again("run", {.capacity = "10K"});
    again.put("a", whole(0));
    return 0;
  });
  CHECK(other.wait() == 0);
  CHECK(st.capacity() == 10 << 10);
  CHECK_THROWS_AS(st.put("b", whole(10)), larder::value_error);
  st.put("b", whole(0));
  CHECK(st.used() <= 10 << 10);
  CHECK(st.names() == std::vector<std::string>{"b"});
}

TEST_CASE("store processes: a handle goes on in children of fork") {
  const store_dir dir;
  const store st("run", {.capacity = "1M", .lifetime = lifetime::last_user});
  st.put("a", whole(2));
  const auto a = st.get<array<const double>>("a");
  child_process child([&] {
    if (!is_whole(a) || !is_whole(st.get<array<const double>>("a"))) return 1;
    st.put("b", whole(3));
    auto writer = st.create<double>("c", {1'100});
    writer.array().fill(1);
    std::move(writer).seal();
    if (!st.info("a").in_use || st.capacity() != 1 << 20) return 2;
    for (int i = 0; i < 20; ++i) st.put("d" + std::to_string(i), whole(100));
    return st.used() <= 1 << 20 && st.forget("d19") ? 0 : 3;
  });
  CHECK(child.wait() == 0);
  CHECK(st.contains("a"));  // the child had it, too
  CHECK(st.used() <= 1 << 20);
  CHECK(store::list().size() == 1);
}

TEST_CASE("store processes: a child of fork that ends leaves the writer of its parent alone") {
  const store_dir dir;
  const store st("run");
  auto writer = st.create<double>("x", {1'100});
  child_process child([&] {
    writer.array().fill(1);
    const auto dropped = std::move(writer);
    return st.contains("x") ? 1 : 0;
  });
  CHECK(child.wait() == 0);
  std::move(writer).seal();
  CHECK(is_whole(st.get<array<const double>>("x")));
}

#if LARDER_TEST_FORK_BESIDE_THREADS
TEST_CASE("store processes: a process forks while its other threads put and remove") {
  const store_dir dir;
  // Room for what all have mapped at a time, of at most 56 KB each: a child has what its parent's threads had, too.
  const store st("run", {.capacity = "500K"});
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !over; ++i) {
        const std::string name = std::to_string(t) + " " + std::to_string(i % 9);
        st.put(name, whole(i % 50));
        if (i % 3 == 0) st.forget(name);
        if (const auto found = st.find<array<const double>>(name); found && !is_whole(*found)) std::abort();
      }
    });
  }
  int failed = 0;
  for (int i = 0; i < 60; ++i) {
    child_process child([&] {
      const std::string name = "child " + std::to_string(i % 3);
      st.put(name, whole(i));
      const auto found = st.find<array<const double>>(name);
      st.names();
      return !found || is_whole(*found) ? 0 : 1;
    });
    failed += child.wait() != 0;
  }
  over = true;
  for (std::thread& each : threads) each.join();
  CHECK(failed == 0);
  CHECK(st.used() <= 500 * 1024);
  for (const std::string& name : st.names()) CHECK_NOTHROW(larder::verify(st.info(name).path));
}
#endif

TEST_CASE("store processes: threads share a handle") {
  const store_dir dir;
  const store st("run", {.capacity = "300K"});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::optional<array<const double>> held;
      for (int i = 0; i < 100; ++i) {
        const std::string name = "n" + std::to_string((t + i) % 11);
        switch ((t * 3 + i) % 8) {
          case 0:
            st.forget(name);
            break;
          case 1: {
            auto writer = st.create<double>(name, {1'300});
            writer.array().fill(3);
            if (i % 3 != 0) std::move(writer).seal();
            break;
          }
          case 2:
            wrong += !is_whole(st.put(whole(i % 9)).get());
            break;
          case 3:
            st.names("n");
            wrong += st.capacity() != 300 * 1024;
            break;
          case 4:
          case 5:
            st.put(name, whole(i % 9), {.if_absent = i % 2 == 0});
            break;
          default:
            if (held) wrong += !is_whole(*held);
            held = st.find<array<const double>>(name);
            if (held) wrong += !is_whole(*held);
        }
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(wrong == 0);
  CHECK(st.used() <= 300 * 1024);
  std::uint64_t bytes = 0;
  for (const auto& item : fs::directory_iterator(st.path())) {
    if (item.path().filename() == ".larder-lock") continue;
    CHECK_NOTHROW(larder::verify(item.path()));
    bytes += item.file_size();
  }
  CHECK(st.used() == bytes);
}

TEST_CASE("store processes: objects are put over others while somebody sweeps the store all the time") {
  const store_dir dir;
  const std::string capacity = GENERATE("", "1M");
  const store st("run", {.capacity = capacity});
  st.put("x", whole(0));
  std::atomic<bool> done = false;
  std::thread sweeper([&] {
    while (!done) store("run");
  });
  for (int i = 1; i <= 500; ++i) st.put("x", whole(i % 9));
  done = true;
  sweeper.join();
  CHECK(is_whole(st.get<array<const double>>("x")));
  CHECK(std::distance(fs::directory_iterator(st.path()), fs::directory_iterator()) == 2);
  child_process other([&] {
    const store own("run");
    own.put("x", whole(1));
    own.put("x", whole(2));
    return own.get<array<const double>>("x").size() == 1'200 ? 0 : 1;
  });
  CHECK(other.wait() == 0);
}
