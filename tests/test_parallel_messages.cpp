#include "parallel/message_reader.hpp"
#include "parallel/message_writer.hpp"
#include "parallel/shared_log.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <larder/array.hpp>
#include <larder/error.hpp>

#include "tests/catch.hpp"
#include "tests/child_process.hpp"

using namespace larder::detail;
using larder::array;

namespace {

constexpr std::uint64_t k_map_none = std::numeric_limits<std::uint64_t>::max();

/// One process's log with both its ends.
struct channel {
  explicit channel(std::uint64_t max_nbytes)
      : most(max_nbytes), writer(log->fd()), to(writer, max_nbytes, nullptr) {}

  template <class T>
  void send(const T& value) {
    write_travelling(value, to);
    to.finish();
  }
  template <class T>
  T receive() {
    std::optional<T> value;
    message_reader from(log.get(), reader.next(writer.end()).value(), most, received, nullptr);
    read_travelling(from, value);
    from.finish();
    return std::move(*value);
  }
  std::uint64_t bytes_held() const {
    struct ::stat status {};
    ::fstat(log->fd(), &status);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }

  std::uint64_t most;
  std::shared_ptr<shared_log> log = std::make_shared<shared_log>();
  log_writer writer;
  message_writer to;
  log_reader reader{log};
  bytes_received received;
};

array<const int> ramp(std::size_t count, int first) {
  array<int> a({count});
  for (std::size_t i = 0; i < count; ++i) a(i) = first + static_cast<int>(i);
  return a;
}

bool is_ramp(const array<const int>& a, std::size_t count, int first) {
  return a.size() == count && a(0) == first && a(count / 2) == first + static_cast<int>(count / 2) &&
         a(count - 1) == first + static_cast<int>(count) - 1;
}

}  // namespace

TEST_CASE("messages: values come back in order, with the data of arrays between them",
          "[parallel][messages]") {
  for (const std::uint64_t most : {std::uint64_t{0}, std::uint64_t{100'000}, k_map_none}) {
    channel c(most);
    for (int i = 0; i < 50; ++i) {
      const auto n = static_cast<std::size_t>(i);
      c.send(i);
      c.send(std::string(n * 1000, 'x'));
      c.send(ramp(1 + n * 1000, i));
      c.send(std::map<int, array<const int>>{{1, ramp(1 + n * 1000, i)}, {2, ramp(5, i)}});
      if (i % 2 == 0) continue;
      for (int k = i - 1; k <= i; ++k) {
        const auto m = static_cast<std::size_t>(k);
        REQUIRE(c.receive<int>() == k);
        REQUIRE(c.receive<std::string>() == std::string(m * 1000, 'x'));
        REQUIRE(is_ramp(c.receive<array<const int>>(), 1 + m * 1000, k));
        const auto both = c.receive<std::map<int, array<const int>>>();
        REQUIRE(is_ramp(both.at(1), 1 + m * 1000, k));
        REQUIRE(is_ramp(both.at(2), 5, k));
      }
    }
    CHECK_FALSE(c.reader.next(c.writer.end()).has_value());
    CHECK((c.received.mapped == 0) == (most == k_map_none));
  }
}

TEST_CASE("messages: one after the other, over some megabytes, whose memory is given back",
          "[parallel][messages]") {
  channel c(k_map_none);
  for (int i = 0; i < 20'000; ++i) {
    c.send(std::to_string(i) + std::string(static_cast<std::size_t>(i % 400), 'x'));
    REQUIRE(c.receive<std::string>() ==
            std::to_string(i) + std::string(static_cast<std::size_t>(i % 400), 'x'));
  }
  CHECK(c.writer.end() > (std::uint64_t{3} << 20));
  CHECK(c.bytes_held() <= (std::uint64_t{3} << 20));
}

TEST_CASE("messages: an end beyond that of the log is an error", "[parallel][messages]") {
  const auto before = GENERATE(0, 1, 20);
  channel c(k_map_none);
  for (int i = 0; i < before; ++i) {
    c.send(i);
    REQUIRE(c.receive<int>() == i);
  }
  const std::uint64_t end = c.writer.end();
  for (const std::uint64_t further : {std::uint64_t{1} << 16, std::uint64_t{1} << 22, std::uint64_t{1} << 40})
    REQUIRE_THROWS_AS(c.reader.next(end + further), larder::format_error);
}

TEST_CASE("messages: what is not published is not seen, also if its writer has died",
          "[parallel][messages]") {
  channel c(0);
  c.send(1);
  const std::uint64_t published = c.writer.end();
  c.to.text("begun");
  CHECK(c.receive<int>() == 1);
  c.send(std::string(100'000, 'x'));
  CHECK_FALSE(c.reader.next(published).has_value());
}

TEST_CASE("messages: memory is free again when what was in it has been read or let go",
          "[parallel][messages]") {
  constexpr std::size_t k_count = 1'000'000;
  constexpr std::uint64_t k_slack = std::uint64_t{4} << 20;
  channel c(1000);
  std::vector<array<const int>> kept;
  for (int i = 0; i < 4; ++i) c.send(ramp(k_count, i));
  for (int i = 0; i < 4; ++i) kept.push_back(c.receive<array<const int>>());
  CHECK(c.bytes_held() >= 4 * k_count * sizeof(int));
  kept.erase(kept.begin());
  kept.erase(kept.begin() + 1);
  CHECK(c.bytes_held() < 2 * k_count * sizeof(int) + k_slack);
  CHECK(is_ramp(kept[0], k_count, 1));
  CHECK(is_ramp(kept[1], k_count, 3));
  kept.clear();
  CHECK(c.bytes_held() < k_slack);

  for (int i = 0; i < 100; ++i) {  // 10 MB of messages without arrays, and as much of vectors
    c.send(std::string(100'000, 'x'));
    CHECK(c.receive<std::string>().size() == 100'000);
    c.send(std::vector<int>(25'000, i));
    CHECK(c.receive<std::vector<int>>().back() == i);
  }
  CHECK(c.bytes_held() < 2 * k_slack);
}

TEST_CASE("messages: a mapped array outlives its log", "[parallel][messages]") {
  auto c = std::make_unique<channel>(0);
  c->send(ramp(100'000, 3));
  const auto a = c->receive<array<const int>>();
  c.reset();
  CHECK(is_ramp(a, 100'000, 3));
}

TEST_CASE("messages: handles on one view share it, of whatever constness they are", "[parallel][messages]") {
  using pair = std::pair<array<const int>, std::pair<array<int>, array<const int>>>;
  channel c(1000);
  const array<int> a = ramp(100'000, 3).copy();
  c.send(pair(a, {a, a}));
  auto [first, rest] = c.receive<pair>();
  CHECK(first.data() == rest.second.data());
  rest.first.fill(0);
  CHECK(is_ramp(first, 100'000, 3));
  first = {};
  rest.second = {};
  CHECK(std::ranges::count(rest.first.flat(), 0) == 100'000);
}

TEST_CASE("messages: another type than was written is refused", "[parallel][messages]") {
  channel c(0);
  const auto refuses = [&]<class Written, class Read>(const Written& value, std::type_identity<Read>) {
    c.send(value);
    try {
      c.receive<Read>();
    } catch (const larder::type_mismatch&) {
      return true;
    }
    return false;
  };
  CHECK(refuses(std::string("x"), std::type_identity<std::vector<std::string>>()));
  CHECK(refuses(std::string("x"), std::type_identity<array<int>>()));
  CHECK(refuses(ramp(3, 0), std::type_identity<array<double>>()));
  CHECK(refuses(ramp(3, 0), std::type_identity<std::string>()));
  CHECK(refuses(ramp(3, 0), std::type_identity<std::vector<double>>()));
}

TEST_CASE("messages: a message that was cut short is refused, wherever that was", "[parallel][messages]") {
  channel c(k_map_none);
  c.send(std::map<int, array<const int>>{{1, ramp(10, 0)}, {2, ramp(20, 5)}});
  const auto bytes = c.reader.next(c.writer.end()).value();
  const std::vector<std::byte> whole(bytes.begin(), bytes.end());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    message_reader from(c.log.get(), std::span(whole).first(size), c.most, c.received, nullptr);
    std::optional<std::map<int, array<const int>>> value;
    REQUIRE_THROWS_AS(read_travelling(from, value), larder::format_error);
  }
}

TEST_CASE("messages: one process reads what another one writes meanwhile", "[parallel][messages]") {
  const auto log = std::make_shared<shared_log>();
  const process_signal written;
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  child_process child([&] {
    log_writer writer(log->fd());
    message_writer to(writer, 1000, nullptr);
    for (int i = 0; i < 200; ++i) {
      write_travelling(ramp(1 + static_cast<std::size_t>(i) * 100, i), to);
      to.finish();
      const std::uint64_t end = writer.end();
      if (::write(ends[1], &end, sizeof end) != sizeof end) return 1;
    }
    return 0;
  });
  log_reader reader(log);
  bytes_received received;
  for (int i = 0; i < 200; ++i) {
    std::uint64_t end = 0;
    REQUIRE(::read(ends[0], &end, sizeof end) == sizeof end);
    message_reader from(log.get(), reader.next(end).value(), 1000, received, nullptr);
    std::optional<array<const int>> a;
    read_travelling(from, a);
    REQUIRE(is_ramp(*a, 1 + static_cast<std::size_t>(i) * 100, i));
  }
  CHECK(child.wait() == 0);
  ::close(ends[0]);
  ::close(ends[1]);
}
