// Arrays on their way to workers, as argument_writer and file_sender send them and message_reader gives them back.

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/load.hpp>

#include "parallel/argument_writer.hpp"
#include "parallel/file_sender.hpp"
#include "parallel/file_table.hpp"
#include "parallel/message_reader.hpp"
#include "src/buffer.hpp"
#include "tests/catch.hpp"
#include "tests/child_process.hpp"
#include "tests/processes.hpp"
#include "tests/sanitizers.hpp"
#include "tests/scratch_dir.hpp"
#include "tests/worker_line.hpp"

using namespace larder::detail;
using Catch::Matchers::ContainsSubstring;
using larder::array;
using larder::mmap_mode;

namespace {

template <class F>
std::string refusal(F call) {
  try {
    call();
  } catch (const larder::value_error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("passing: an array over the limit is mapped, and not copied", "[parallel][passing]") {
  worker_line line;
  const auto a = ramp({1000, 500});
  const array<const int> got = line.pass(array<const int>(a));
  CHECK(line.last_bytes() < 200);
  CHECK(line.last_files() == 1);
  CHECK(same(got, a));
  a(3, 4) = -1;  // the same memory
  CHECK(got(3, 4) == -1);
  CHECK(a.copy()(999, 499) == 499'999);
}

TEST_CASE("passing: exactly max_nbytes is copied and one byte more is mapped", "[parallel][passing]") {
  worker_line line(mmap_mode::read, 100'000);
  array<std::uint8_t> a({100'001});
  CHECK_FALSE(line.pass(array<const std::uint8_t>(a.slice(0, 0, 100'000))).is_mapped());
  CHECK(line.last_files() == 0);
  CHECK(line.pass(array<const std::uint8_t>(a)).is_mapped());
  CHECK(line.last_files() == 1);
  for (const auto& rules :
       {passing_rules{worker_line::k_map_none, mmap_mode::read, {}}, passing_rules{0, mmap_mode::none, {}}}) {
    worker_line none(rules.mmap_mode, rules.max_nbytes);
    const auto big = ramp({2'000'000});
    const auto got = none.pass(big);
    CHECK_FALSE(got.is_mapped());
    CHECK_FALSE(big.is_mapped());
    CHECK(same(got, big));
  }
}

TEST_CASE("passing: views arrive with their strides, on one mapping of one file", "[parallel][passing]") {
  worker_line line;
  using views = std::vector<array<const int>>;
  const auto a = ramp({600, 1000});
  const views sent = {a,
                      a.slice(1, 3, 900, 2),
                      a.transpose(),
                      a.slice(0, 50, 599, 1).transpose(),
                      a.sub(7),
                      a.slice(0, 100, 500).slice(1, 0, 1000, 1)};
  const views got = line.pass(sent);
  REQUIRE(line.last_files() == 1);
  for (std::size_t i = 0; i != sent.size(); ++i) {
    CHECK(same(got[i], sent[i]));
    if (i == 4) continue;  // small
    CHECK(std::ranges::equal(got[i].strides(), sent[i].strides()));
    CHECK(got[i].data() - got[0].data() == sent[i].data() - sent[0].data());
  }
}

TEST_CASE("passing: an array in a thousand tasks is mapped once", "[parallel][passing]") {
  worker_line line;
  const auto a = ramp({500'000});
  const auto first = line.pass(array<const int>(a));
  const std::size_t open = open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    const auto again = line.pass(array<const int>(a));
    REQUIRE(again.data() == first.data());
  }
  CHECK(open_descriptors() == open);
}

TEST_CASE("passing: with read_write workers write to the array itself", "[parallel][passing]") {
  worker_line line(mmap_mode::read_write);
  const auto a = ramp({1000, 1000});
  const auto message = line.write(a.slice(0, 10, 1000));
  line.send_files(message);
  child_process worker([&] {
    const auto mine = line.read<array<int>>(message.bytes);
    mine(0, 5) = -77;
    return mine(989, 999) == 999'999 ? 0 : 1;
  });
  CHECK(worker.wait() == 0);
  CHECK(a(10, 5) == -77);
  CHECK(a(10, 6) == 10'006);
}

TEST_CASE("passing: what a task writes is private to it with copy_on_write, and by default",
          "[parallel][passing]") {
  for (const auto mode : {mmap_mode::copy_on_write, mmap_mode::read}) {
    worker_line line(mode);
    const auto a = ramp({500'000});
    const auto first = line.pass(a);
    first(3) = -1;
    const auto second = line.pass(a);
    CHECK(second(3) == 3);
    CHECK(a(3) == 3);
    CHECK(first(3) == -1);
  }
}

TEST_CASE("passing: an array<const T> is on pages that cannot be written to", "[parallel][passing]") {
  for (const auto mode : {mmap_mode::read, mmap_mode::read_write, mmap_mode::copy_on_write}) {
    worker_line line(mode);
    const auto a = ramp({500'000});
    const auto message = line.write(array<const int>(a));
    line.send_files(message);
    child_process worker([&] {
      ::rlimit none{};
      ::setrlimit(RLIMIT_CORE, &none);
      std::signal(SIGSEGV, SIG_DFL);
      const auto mine = line.read<array<const int>>(message.bytes);
      *const_cast<volatile int*>(mine.data()) = 1;  // what the interface does not allow
      return 0;
    });
    CHECK(worker.wait() == -SIGSEGV);
    CHECK(a(0) == 0);
  }
}

TEST_CASE("passing: array::shared is shared for reading and writing whatever the mode",
          "[parallel][passing]") {
  worker_line line;
  const auto a = array<int>::shared({300, 1000});
  const auto got = line.pass(a.slice(1, 10, 990));
  got(2, 0) = 5;
  CHECK(a(2, 10) == 5);
  const auto read = line.pass(array<const int>(a));
  CHECK(read(2, 10) == 5);
  CHECK(read.origin()->mode == mmap_mode::read);
}

TEST_CASE("passing: mapped files are opened again, if they are still there", "[parallel][passing]") {
  const scratch_dir dir;
  larder::dump(ramp({400'000}), dir / "a.larder");
  larder::dump(std::map<int, array<int>>{{1, ramp({300'000})}, {2, ramp({600, 600})}}, dir / "b.larder");
  worker_line line;

  const auto read = larder::load<array<const int>>(dir / "a.larder");
  const auto got = line.pass(read.slice(0, 1, 400'000));
  CHECK(line.last_files() == 1);
  CHECK(line.last_bytes() < 200);
  CHECK(same(got, read.slice(0, 1, 400'000)));
  const auto mine = line.pass_as<array<int>>(read);  // its type may be written to: in private
  mine(0) = 99;
  CHECK(read(0) == 0);

  const auto object = larder::load<std::map<int, array<const int>>>(dir / "b.larder");
  const auto both = line.pass(object);
  CHECK(line.last_files() == 1);
  CHECK(same(both.at(1), object.at(1)));
  CHECK(same(both.at(2), object.at(2)));

  const auto writable = larder::load<array<int>>(dir / "a.larder", {.mmap_mode = mmap_mode::read_write});
  line.pass(writable)(7) = 70;
  CHECK(writable(7) == 70);
  CHECK(read(7) == 70);

  const auto cow = larder::load<array<int>>(dir / "a.larder", {.mmap_mode = mmap_mode::copy_on_write});
  cow(8) = 80;
  const auto with_changes = line.pass(cow);
  CHECK(line.last_files() == 1);
  CHECK(with_changes(8) == 80);
  CHECK(with_changes(7) == 70);
  CHECK(read(8) == 8);
}

TEST_CASE("passing: the content of a file that was removed or replaced is copied", "[parallel][passing]") {
  const scratch_dir dir;
  worker_line line;
  for (const bool replace : {false, true}) {
    larder::dump(ramp({400'000}), dir / "a.larder");
    const auto a = larder::load<array<const int>>(dir / "a.larder");
    std::filesystem::remove(dir / "a.larder");
    if (replace) larder::dump(array<int>({400'000}), dir / "a.larder");
    const auto got = line.pass(a);
    CHECK(line.last_files() == 0);
    CHECK(same(got, a));
    std::filesystem::remove(dir / "a.larder");
  }
}

TEST_CASE("passing: a file that is being created can be filled by workers", "[parallel][passing]") {
  const scratch_dir dir;
  worker_line line;
  auto out = larder::create<int>(dir / "a.larder", {1000, 1000});
  line.pass(out.array())(5, 5) = 55;
  CHECK(out.array()(5, 5) == 55);
  const auto sealed = std::move(out).seal();
  CHECK(sealed(5, 5) == 55);
  CHECK(line.pass(sealed)(5, 5) == 55);
  CHECK(line.last_files() == 1);
}

TEST_CASE("passing: borrowed memory is copied, and refused with read_write", "[parallel][passing]") {
  std::vector<int> mine(500'000, 3);
  const auto borrowed = array<int>::borrow(mine, {500'000});
  const auto kept = array<int>::adopt(std::vector<int>(500'000, 4), {500'000});
  worker_line line;
  CHECK(line.pass(borrowed)(499'999) == 3);
  CHECK(line.last_files() == 0);
  CHECK(line.pass(kept)(499'999) == 4);

  worker_line writing(mmap_mode::read_write);
  for (const auto& each : {borrowed, kept}) {
    CHECK_THAT(refusal([&] { writing.pass(each); }),
               ContainsSubstring("belongs to others") && ContainsSubstring("array<T>::shared"));
  }
  CHECK(writing.pass(std::vector<int>(500'000, 5)).back() == 5);
  CHECK(writing.pass(std::map<int, std::vector<int>>{{1, std::vector<int>(500'000, 6)}}).at(1).back() == 6);
}

TEST_CASE("passing: small arrays on the heap are copied, and refused with read_write",
          "[parallel][passing]") {
  const auto a = ramp({100});
  worker_line line(mmap_mode::read, 10);
  const auto got = line.pass(a);
  CHECK_FALSE(got.is_mapped());
  CHECK(same(got, a));
  worker_line writing(mmap_mode::read_write, 10);
  CHECK_THAT(refusal([&] { writing.pass(a); }), ContainsSubstring("array<T>::shared"));
  writing.pass(array<int>::shared({100}))(0) = 1;
}

TEST_CASE("passing: a moved array of any size gives its memory back whole", "[parallel][passing]") {
  worker_line line(mmap_mode::read_write, 1000);
  std::vector<std::vector<char>> others;
  for (std::size_t round = 0; round < 300; ++round) {
    const std::size_t count = 16'384 + round * 777;
    auto a = ramp({count});
    CHECK(same(line.pass(a), a));
    REQUIRE(line.last_files() == 1);
    a = {};
    // Memory of the same sizes: what was in shared memory would be seen, and changed, by others.
    std::vector<char> next(count * sizeof(int), static_cast<char>(round));
    others.push_back(std::move(next));
    if (others.size() > 20) others.erase(others.begin());
  }
  for (std::size_t i = 0; i != others.size(); ++i) {
    CHECK(std::ranges::count(others[i], others[i][0]) == static_cast<std::ptrdiff_t>(others[i].size()));
  }
  const std::vector<char> before = others.back();
  child_process child([&] {
    std::ranges::fill(others.back(), 'x');
    return 0;
  });
  CHECK(child.wait() == 0);
  CHECK(others.back() == before);  // private to each process
}

TEST_CASE("passing: other threads read an array rightly while it is moved, and it is moved once",
          "[parallel][passing]") {
  for (const std::size_t count : {std::size_t{20'000}, std::size_t{200'000}, std::size_t{3'000'000}}) {
    const auto a = ramp({count});
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::atomic<int> rounds = 0;
    std::vector<std::jthread> readers;
    for (std::size_t t = 0; t < 2; ++t) {
      readers.emplace_back([&, t] {
        do {
          for (std::size_t i = t; i < count; i += 701) wrong += a(i) != static_cast<int>(i);
          ++rounds;
        } while (!stop);
      });
    }
    while (rounds < 2) std::this_thread::yield();
    std::array<std::uint64_t, 2> ids{};
    {
      std::vector<std::jthread> senders;
      for (std::size_t t = 0; t < 2; ++t) {
        senders.emplace_back([&, t] {
          argument_writer to({1000, mmap_mode::read, {}});
          write_travelling(a, to);
          ids[t] = to.take().files.at(0)->id();
        });
      }
    }
    const int then = rounds;
    while (rounds < then + 2) std::this_thread::yield();
    stop = true;
    readers.clear();
    CHECK(wrong == 0);
    CHECK(ids[0] == ids[1]);
  }
}

TEST_CASE("passing: thousands of arrays need few descriptors", "[parallel][passing]") {
  child_process child([] {
    ::rlimit few{256, 256};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
    const scratch_dir dir;
    const auto on_disk = ramp({50'000});
    for (int i = 0; i < 300; ++i) larder::dump(on_disk, dir / std::to_string(i));
    worker_line line(mmap_mode::read, 1000);
    // Both ends are here: the limit is on what the two sides have together.
    std::vector<array<const int>> sent;
    for (int i = 0; i < 2000; ++i) {
      const auto a = ramp({20'000});
      a(0) = i;
      sent.emplace_back(a);
    }
    for (int i = 0; i < 300; ++i) sent.push_back(larder::load<array<const int>>(dir / std::to_string(i)));
    argument_writer to({1000, mmap_mode::read, {}});
    for (const auto& each : sent) write_travelling(each, to);
    const auto message = to.take();
    if (message.files.size() > 300) return 2;
    if (open_descriptors() > 220) return 3;
    return 0;
  });
  CHECK(child.wait() == 0);

  // A worker at the other end of it.
  worker_line line(mmap_mode::read, 1000);
  const std::size_t before = open_descriptors();
  {
    std::vector<array<const int>> sent;
    for (int i = 0; i < 3000; ++i) {
      const auto a = ramp({20'000});
      a(0) = i;
      sent.emplace_back(a);
    }
    const auto got = line.pass(sent);
    for (std::size_t i = 0; i != got.size(); ++i) {
      REQUIRE(got[i](0) == static_cast<int>(i));
      REQUIRE(got[i](19'999) == 19'999);
    }
    CHECK(open_descriptors() < before + 400);
  }
  line.pass(array<const int>(ramp({20'000})));  // with it comes what is to be forgotten
  CHECK(open_descriptors() < before + 10);
}

TEST_CASE("passing: the other side is told of files that are gone, and forgets them", "[parallel][passing]") {
  static std::atomic<int> told = 0;
  on_files_gone([]() noexcept { ++told; });
  worker_line line;
  auto a = ramp({500'000});
  const auto got = line.pass(array<const int>(a));
  CHECK(line.sender().take_forgotten().empty());
  const int before = told;
  a = {};
  CHECK(told == before + 1);
  const auto forgotten = line.sender().take_forgotten();
  REQUIRE(forgotten.size() == 1);
  line.table().forget(forgotten[0]);
  CHECK(got(7) == 7);  // it has its memory for itself now
  CHECK(line.sender().take_forgotten().empty());
  auto unsent = ramp({500'000});
  place(array_access::raw(unsent), {});
  unsent = {};
  CHECK(told == before + 1);
}

TEST_CASE("passing: a file that is gone before the other side has looked is not kept there",
          "[parallel][passing]") {
  worker_line line;
  const std::size_t before = open_descriptors();
  for (const bool is_told : {true, false}) {
    line.sender().send(line.write(array<const int>(ramp({500'000}))).files);
    if (is_told) {
      for (const auto id : line.sender().take_forgotten()) line.table().forget(id);
    } else {
      line.table().clear();
    }
    line.table().receive_all();
    CHECK(open_descriptors() == before);
  }
}

TEST_CASE("passing: no memory to move to is an error, and the array is as before", "[parallel][passing]") {
  const scratch_dir dir;
  for (const std::string& folder : {std::string(), dir.path().string()}) {
    child_process child([&] {
      const auto a = ramp({5'000'000});
      const auto b = ramp({100'000});
      std::signal(SIGXFSZ, SIG_IGN);
      ::rlimit limit{200'000, 200'000};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
      worker_line line(mmap_mode::read, 1000, folder);
      for (const auto& each : {a, b}) {
        try {
          line.pass(each);
          return 2;
        } catch (const larder::io_error& e) {
          if (std::string(e.what()).find(std::to_string(each.nbytes()) + " bytes") == std::string::npos)
            return 3;
        }
        if (each.is_mapped() || !same(each, ramp(larder::extents(each.size())))) return 4;
        each.fill(7);
        if (each(each.size() - 1) != 7) return 5;
      }
      return 0;
    });
    CHECK(child.wait() == 0);
  }
  worker_line nowhere(mmap_mode::read, 1000, (dir / "none").string());
  CHECK_THROWS_AS(nowhere.pass(ramp({500'000})), larder::io_error);
}

TEST_CASE("passing: with temp_folder memory is moved to a file there that has no name",
          "[parallel][passing]") {
  const scratch_dir dir;
  worker_line line(mmap_mode::read_write, 1000, dir.path().string());
  for (const std::size_t count : {std::size_t{50'000}, std::size_t{3'000'000}}) {
    const auto a = ramp({count});
    const auto got = line.pass(a);
    got(5) = -5;
    CHECK(a(5) == -5);
    CHECK(a(count - 1) == static_cast<int>(count) - 1);
    CHECK(dir.names().empty());
  }
}

TEST_CASE("passing: what does not lie in its buffer is refused", "[parallel][passing]") {
  worker_line line;
  const auto a = ramp({1000, 1000});
  const auto message = line.write(array<const int>(a));
  line.send_files(message);
  CHECK(same(line.read<array<const int>>(message.bytes), a));
  // value kind, dtype, order, place, rank, 2 sizes, 2 strides, id, buffer offset, buffer size, offset, mode
  constexpr std::size_t k_sizes = 5;
  REQUIRE(message.bytes.size() == k_sizes + 8 * 8 + 1);
  const auto changed = [&](std::size_t word, std::uint64_t value) {
    std::string bytes = message.bytes;
    std::memcpy(bytes.data() + k_sizes + word * 8, &value, sizeof value);
    return bytes;
  };
  const auto minus = [](std::uint64_t n) { return ~n + 1; };
  const std::vector<std::pair<std::size_t, std::uint64_t>> bad = {{0, 1001},
                                                                  {1, 1001},
                                                                  {0, std::uint64_t{1} << 60},
                                                                  {2, 4004},
                                                                  {2, minus(4000)},
                                                                  {3, minus(4)},
                                                                  {2, std::uint64_t{1} << 62},
                                                                  {2, 4002},
                                                                  {4, 12345678},
                                                                  {5, 4096},
                                                                  {5, 1},
                                                                  {5, minus(4096)},
                                                                  {6, 4'000'001},
                                                                  {6, minus(1)},
                                                                  {6, 3'999'999},
                                                                  {6, 0},
                                                                  {7, 4},
                                                                  {7, 2},
                                                                  {7, minus(4)}};
  for (const auto& [word, value] : bad) {
    INFO(word << ' ' << value);
    CHECK_THROWS_AS(line.read<array<const int>>(changed(word, value)), larder::error);
    CHECK_THROWS_AS(line.read<array<int>>(changed(word, value)), larder::error);
  }
  std::string bytes = message.bytes;
  for (const char mode : {'\0', '\1', '\4', '\x7F'}) {
    bytes.back() = mode;
    CHECK_THROWS_AS(line.read<array<const int>>(bytes), larder::format_error);
  }
  for (std::size_t size = 0; size < message.bytes.size(); ++size) {
    REQUIRE_THROWS_AS(line.read<array<const int>>(message.bytes.substr(0, size)), larder::format_error);
  }
}

TEST_CASE("passing: files that are sent for long are forgotten at the other end, and sent again",
          "[parallel][passing]") {
  worker_line line(mmap_mode::read, 1000);
  std::vector<array<int>> all;
  for (int i = 0; i < 400; ++i) {
    const auto a = array<int>::shared({1000});
    a(0) = i;
    all.push_back(a);
  }
  const std::size_t before = open_descriptors();
  for (int round = 0; round < 4; ++round) {
    if (round == 2) line.receive_ahead();
    for (int i = 0; i < 400; ++i) {
      REQUIRE(line.pass(array<const int>(all[static_cast<std::size_t>(i)]))(0) == i);
      REQUIRE(open_descriptors() <= before + 257);
    }
  }
}
