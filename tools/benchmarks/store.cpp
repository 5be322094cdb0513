// Rows store-*: objects put, got and filled in place, against writing and filling the same bytes by hand.

#include <unistd.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <larder/store.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/floor.hpp"

namespace larder_bench {
namespace {

using array = larder::array<const double>;
using dictionary = std::map<std::string, array>;

/// Opened when it is first used, so that those who measure other groups make none.
class opened_store {
 public:
  opened_store(std::string directory, larder::store_options options)
      : directory_(std::move(directory)), options_(std::move(options)) {}

  const larder::store& operator()() {
    if (!store_) store_.emplace(larder::store::at(directory_, options_));
    return *store_;
  }

 private:
  std::string directory_;
  larder::store_options options_;
  std::optional<larder::store> store_;
};

/// 20 arrays of 80 MB, if a large array has 800.
class large_dictionary {
 public:
  explicit large_dictionary(std::size_t large_bytes) : count_(large_bytes / sizeof(double) / 10) {}

  const dictionary& operator()() {
    for (int i = static_cast<int>(arrays_.size()); i < 20; ++i) {
      auto a = larder::array<double>::uninitialized({count_});
      fill(a.flat(), i);
      arrays_.emplace("array" + std::to_string(i), a);
    }
    return arrays_;
  }

  static void fill(std::span<double> elements, double from) noexcept {
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = from + static_cast<double>(i);
  }

 private:
  std::size_t count_;
  dictionary arrays_;
};

void add_dictionary(bench& b, const std::string& directory, const std::shared_ptr<opened_store>& st) {
  const auto arrays = std::make_shared<large_dictionary>(b.set().large_bytes);
  b.add("store-put-dict/larder", [st, arrays] {
    (*st)().forget("dictionary");
    return once([&] { (*st)().put("dictionary", (*arrays)()); });
  });
  b.add("store-put-dict/floor", [arrays, path = b.file(directory, "store-by-hand")] {
    std::vector<std::span<const std::byte>> pieces;
    for (const auto& [name, each] : (*arrays)()) pieces.push_back(std::as_bytes(each.flat()));
    const double seconds = once([&] { floor::write_new_file(path, pieces, floor::space::as_written); });
    ::unlink(path.c_str());
    return seconds;
  });
  b.add("store-get-dict/larder", [st, arrays] {
    if (!(*st)().contains("dictionary")) (*st)().put("dictionary", (*arrays)());
    return per_call([&] { keep(std::uint64_t{(*st)().get<dictionary>("dictionary").size()}); });
  });
}

void add_small(bench& b, const std::string& directory, const std::shared_ptr<opened_store>& st) {
  const larder::array<double> page({512});
  const auto limited = std::make_shared<opened_store>(directory + "/larder_bench-store-limited",
                                                      larder::store_options{.capacity = "100M"});
  const auto replacing = [page](const std::shared_ptr<opened_store>& to) {
    return [page, to] {
      (*to)().put("page", page);
      return per_call([&] { (*to)().put("page", page); });
    };
  };
  b.add("store-put-small/larder", replacing(st));
  b.add("store-put-small-limited/larder", replacing(limited));
  const auto fresh =
      std::make_shared<opened_store>(directory + "/larder_bench-store-fresh", larder::store_options{});
  const auto new_names = [](const auto& put) {
    std::vector<std::string> names;
    for (int i = 0; i < 100'000; ++i) names.push_back("page" + std::to_string(i));
    return per_call([&, next = names.begin()]() mutable { put(*next++); });
  };
  b.add("store-put-small-new/larder", [page, fresh, new_names] {
    (*fresh)().clear();
    return new_names([&](const std::string& name) { (*fresh)().put(name, page); });
  });
  // As many bytes as larder's file has: a header, the page, and what is known of it.
  const std::string by_hand = directory + "/larder_bench-store-by-hand";
  const std::vector<std::byte> file(4416);
  b.add("store-put-small/floor", [file, by_hand] {
    floor::small_files files(by_hand);
    files.replace("page", file);
    return per_call([&] { files.replace("page", file); });
  });
  b.add("store-put-small-new/floor", [file, by_hand, new_names] {
    floor::small_files files(by_hand);
    return new_names([&](const std::string& name) { files.add(name, file); });
  });
  b.add("store-get-small/larder", [page, st] {
    (*st)().put("page", page);
    return per_call([&] { keep((*st)().get<array>("page")(7)); });
  });
}

}  // namespace

void add_store(bench& b) {
  const std::string& directory = b.quick_place();
  const auto st = std::make_shared<opened_store>(directory + "/larder_bench-store", larder::store_options{});
  add_dictionary(b, directory, st);
  add_small(b, directory, st);

  const std::size_t count = b.set().large_bytes / sizeof(double);
  b.add("store-create/larder", [st, count] {
    (*st)().forget("filled");
    const double seconds = once([&] {
      auto writer = (*st)().create<double>("filled", {count});
      large_dictionary::fill(writer.array().flat(), 1.5);
      std::move(writer).seal();
    });
    (*st)().forget("filled");
    return seconds;
  });
  b.add("store-create/floor", [count, path = b.file(directory, "store-filled-by-hand")] {
    const double seconds = once([&] {
      floor::fill_new_file(path, count * sizeof(double), [count](std::byte* data) {
        large_dictionary::fill({reinterpret_cast<double*>(data), count}, 1.5);
      });
    });
    ::unlink(path.c_str());
    return seconds;
  });
}

}  // namespace larder_bench
