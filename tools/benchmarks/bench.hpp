#pragma once
// A program of measurements that tools/bench asks for one by one, so that it can interleave them with those of peers.
//
//   void add_hash(bench& b) {
//     b.add("hash-1t/floor", [&b] { return per_call([&] { copy(b.large()); }); });
//   }

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <larder/array.hpp>

namespace larder_bench {

/// How large, and where.
struct settings {
  std::size_t large_bytes = 800'000'000;
  std::string disk;   // directories that exist
  std::string tmpfs;  // empty: there is none
};

class bench {
 public:
  /// Measures once; in seconds, bytes, or processors. What it needs it makes at its first call: that is the warm-up.
  using measurement = std::function<double()>;

  explicit bench(settings s) : settings_(std::move(s)) {}
  bench(const bench&) = delete;
  bench& operator=(const bench&) = delete;
  ~bench();

  const settings& set() const noexcept { return settings_; }

  /// A size of a curve: n where large arrays have 800 MB, and smaller with them, but never so small that nothing is left.
  std::size_t scaled(std::size_t n) const noexcept;

  /// Names are "row/who" (tools/benchmarks/rows.py).
  void add(const std::string& name, measurement m) { measurements_[name] = std::move(m); }
  const std::map<std::string, measurement>& measurements() const noexcept { return measurements_; }

  /// The array that large rows share: numbers that do not repeat, in memory that was touched.
  const larder::array<double>& large();

  /// A path that is removed at the end.
  std::string file(const std::string& directory, const std::string& name);

  /// Where many small files go: the tmpfs, or without one the disk, which takes minutes for a million.
  const std::string& quick_place() const noexcept {
    return settings_.tmpfs.empty() ? settings_.disk : settings_.tmpfs;
  }

  /// (suffix of a row's name, directory) for the disk and, where there is one, tmpfs.
  std::vector<std::pair<std::string, std::string>> places() const;

 private:
  settings settings_;
  std::map<std::string, measurement> measurements_;
  larder::array<double> large_;
  std::vector<std::string> files_;
};

/// Of peers that larder_bench has itself; none: it was built without.
using peer_versions = std::map<std::string, std::optional<std::string>>;

/// So many numbers that are all the same, in memory that was touched.
larder::array<double> filled(std::size_t count);

/// Monotonic, in seconds.
double now() noexcept;

/// Seconds of one call.
double once(const std::function<void()>& body);

/// Mean seconds of a call, over enough calls for the clock to be no matter.
double per_call(const std::function<void()>& body);

/// Keeps the compiler from leaving out what nobody looks at.
void keep(std::uint64_t value) noexcept;
void keep(double value) noexcept;

/// While it lives, this thread and what counts its processors have one.
class one_cpu {
 public:
  one_cpu();
  ~one_cpu();
  one_cpu(const one_cpu&) = delete;
  one_cpu& operator=(const one_cpu&) = delete;

 private:
  struct mask;
  std::unique_ptr<mask> before_;
};

void add_warming(bench& b);
void add_cache(bench& b);
void add_control(bench& b);
void add_dump(bench& b);
void add_extra_memory(bench& b);
void add_growth_of_cache(bench& b);
void add_growth_of_parallel(bench& b);
void add_growth_of_processes(bench& b);
void add_growth_of_store(bench& b);
void add_hash(bench& b);
void add_load(bench& b);
void add_map(bench& b);
void add_parallel(bench& b);
void add_processes(bench& b);
void add_store(bench& b);
void add_workloads(bench& b);

}  // namespace larder_bench
