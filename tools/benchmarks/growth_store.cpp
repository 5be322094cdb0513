// Curves grow-put and grow-get: objects of 4 KiB, against how many there are.

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <larder/store.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"
#include "tools/benchmarks/growth.hpp"
#include "tools/benchmarks/late.hpp"
#include "tools/benchmarks/result_stores.hpp"
#include "tools/benchmarks/shuffled.hpp"

namespace larder_bench {
namespace {

constexpr std::array<double, 512> k_page{};

// Each of these has so many objects, which it puts when it is made.

class larder_objects {
 public:
  larder_objects(const std::string& directory, int count) : store_(larder::store::at(directory)) {
    for (int i = 0; i < count; ++i) names_.push_back(std::to_string(i));
    for (int i = 0; i < count; ++i) put(i);
  }
  void put(int i) { store_.put(name(i), page_); }
  std::uint64_t get(int i) {
    return static_cast<std::uint64_t>(store_.get<larder::array<const double>>(name(i))(7));
  }

 private:
  const std::string& name(int i) const { return names_[static_cast<std::size_t>(i)]; }

  larder::store store_;
  larder::array<double> page_{{k_page.size()}};
  std::vector<std::string> names_;
};

/// A file per object, which is written under another name first.
class objects_by_hand {
 public:
  objects_by_hand(const std::string& directory, int count) : temporary_(directory + "/new") {
    std::filesystem::create_directories(directory);
    for (int i = 0; i < count; ++i) paths_.push_back(directory + "/" + std::to_string(i));
    for (int i = 0; i < count; ++i) put(i);
  }
  void put(int i) {
    floor::write_new_file(temporary_, std::as_bytes(std::span(k_page)), floor::space::as_written);
    std::rename(temporary_.c_str(), path(i).c_str());
  }
  std::uint64_t get(int i) { return floor::read_file(path(i)); }

 private:
  const std::string& path(int i) const { return paths_[static_cast<std::size_t>(i)]; }

  std::string temporary_;
  std::vector<std::string> paths_;
};

class database_objects {
 public:
  database_objects(const store_maker<database>& maker, const std::string& path, int count)
      : database_(maker.open(path)) {
    database_->fill(count, [this](int i) { put(i); });
  }
  void put(int i) { database_->put_bytes(i, std::as_bytes(std::span(k_page))); }
  std::uint64_t get(int i) { return database_->get(i); }

 private:
  std::unique_ptr<database> database_;
};

template <class Objects>
void add_who(bench& b, const std::string& who, std::size_t point, int count,
             const late<Objects>& late_objects) {
  shuffled order(static_cast<std::size_t>(count));
  b.add(point_name("grow-put", point, who), [late_objects, order]() mutable {
    Objects& objects = late_objects();
    return per_call([&] { objects.put(order.next()); });
  });
  b.add(point_name("grow-get", point, who), [late_objects, order]() mutable {
    Objects& objects = late_objects();
    return per_call([&] { keep(objects.get(order.next())); });
  });
}

}  // namespace

void add_growth_of_store(bench& b) {
  const std::string& directory = b.quick_place();
  const auto all = databases();
  for (const std::size_t point : powers_of_ten(1, 5)) {
    const int count = static_cast<int>(b.scaled(point));
    const std::string path = directory + "/larder_bench-grow-" + std::to_string(point) + "-";
    add_who(b, "larder", point, count, make_late<larder_objects>(path + "larder", count));
    add_who(b, "floor", point, count, make_late<objects_by_hand>(path + "floor", count));
    for (const auto& maker : all) {
      add_who(b, maker.name, point, count, make_late<database_objects>(maker, path + maker.name, count));
    }
  }
}

}  // namespace larder_bench
