#pragma once
// What else keeps results on disk: databases, and serialization libraries with one file per result.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/benchmarks/bench.hpp"

namespace larder_bench {

/// Keeps results of a function of an int, under a hash of that, as all arguments have one. Nothing is synced, nor is it by
/// others here. One thread at a time. A std::runtime_error where the library fails.
class number_store {
 public:
  number_store() = default;
  number_store(const number_store&) = delete;
  number_store& operator=(const number_store&) = delete;
  virtual ~number_store() = default;

  virtual void put(int argument, int result) = 0;
  /// Looks at the result, if there is one: at its first byte, at least.
  virtual std::optional<std::uint64_t> find(int argument) = 0;

  std::uint64_t get(int argument);
};

/// Keeps bytes as well.
class database : public number_store {
 public:
  void put(int argument, int result) final;
  virtual void put_bytes(int argument, std::span<const std::byte> result) = 0;

  /// put(i) for each i < count, of which many go into one transaction: to prepare what is measured.
  void fill(int count, const std::function<void(int)>& put);

 protected:
  virtual void begin() = 0;
  virtual void commit() = 0;
};

/// One that is installed.
template <class Store>
struct store_maker {
  std::string name;
  std::function<std::unique_ptr<Store>(const std::string& path)>
      open;  // a file or directory of its own, which it makes
};

std::vector<store_maker<database>> databases();          // lmdb, sqlite
std::vector<store_maker<number_store>> number_stores();  // these, and cereal and boost-serialization
void add_result_store_versions(peer_versions& versions);

}  // namespace larder_bench
