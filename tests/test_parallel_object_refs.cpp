// References to objects of a store as arguments and elements of tasks: the objects arrive. Functions have no captures, so that they go
// to worker processes.

#include <larder/parallel.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <larder/array.hpp>
#include <larder/delayed.hpp>
#include <larder/error.hpp>
#include <larder/memory.hpp>
#include <larder/object_ref.hpp>
#include <larder/store.hpp>

#include "tests/catch.hpp"
#include "tests/pools.hpp"
#include "tests/scratch_dir.hpp"

using larder::array;
using larder::backend;
using larder::object_ref;
using larder::parallel;
using larder::store;

namespace {

constexpr std::array k_all_backends{backend::sequential, backend::threads, backend::fork, backend::processes};

std::string name_of_any(backend which) { return which == backend::processes ? "processes" : name_of(which); }

parallel pool_on(backend which) { return parallel(on(which, {.n_jobs = 2, .batch_size = 1})); }

struct a_store {
  scratch_dir dir;
  store objects = store::at(dir / "objects");
};

/// More than max_nbytes, so that it is mapped wherever it goes.
constexpr int k_count = 200'000;

array<double> filled_with(double value) {
  array<double> a({k_count});
  a.fill(value);
  return a;
}

using numbers_ref = object_ref<array<double>>;

/// Objects full of 0, 1, 2 and so on.
std::vector<numbers_ref> objects_in(const store& st, int count) {
  std::vector<numbers_ref> refs;
  for (int i = 0; i < count; ++i) refs.push_back(st.put(filled_with(i)));
  return refs;
}

/// What a task sees of an array: its first element, or -1 if that is not mapped.
double first_mapped(const array<const double>& a) { return a.is_mapped() ? a(0) : -1; }

double plus_first_mapped(int i, const array<const double>& a) { return first_mapped(a) + i; }

template <class Call>
bool finds_nothing(Call call) {
  const auto thrown = caught<larder::io_error>(call);
  return thrown && thrown->errno_value() == ENOENT;
}

template <class Results>
std::vector<double> listed_results(Results results) {
  std::vector<double> all;
  for (const double each : results) all.push_back(each);
  return all;
}

}  // namespace

TEST_CASE("object_ref: a shared one arrives in tasks as the object, mapped", "[parallel][store]") {
  const a_store st;
  const numbers_ref ref = st.objects.put("five", filled_with(5));
  const std::vector<double> expected{5, 6, 7, 8};
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.map(numbers(4), plus_first_mapped, ref) == expected);
    CHECK(pool.map(listed(4), plus_first_mapped, ref) == expected);
    CHECK(pool.map_with_stats(numbers(4), plus_first_mapped, ref).first == expected);
    CHECK(listed_results(pool.imap(numbers(4), plus_first_mapped, ref)) == expected);
    auto any_order = listed_results(pool.imap_unordered(listed(4), plus_first_mapped, ref));
    std::ranges::sort(any_order);
    CHECK(any_order == expected);
    CHECK(pool.map_reduce(numbers(4), plus_first_mapped, 0.0, std::plus<>(), ref) == 26);
    CHECK(pool.map_reduce_with_stats(listed(4), plus_first_mapped, 0.0, std::plus<>(), ref).first == 26);
  }
}

TEST_CASE("object_ref: elements arrive as their objects, mapped", "[parallel][store]") {
  const a_store st;
  const std::vector<numbers_ref> refs = objects_in(st.objects, 5);
  const std::list<numbers_ref> in_a_list(refs.begin(), refs.end());
  const std::vector<double> expected{0, 1, 2, 3, 4};
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.map(refs, first_mapped) == expected);
    CHECK(pool.map(in_a_list, first_mapped) == expected);
    CHECK(
        pool.map(numbers(5) | std::views::transform([&](int i) { return refs[static_cast<std::size_t>(i)]; }),
                 first_mapped) == expected);
    CHECK(listed_results(pool.imap(refs, first_mapped)) == expected);
    auto any_order = listed_results(pool.imap_unordered(in_a_list, first_mapped));
    std::ranges::sort(any_order);
    CHECK(any_order == expected);
    CHECK(pool.map_reduce(refs, first_mapped, 0.0, std::plus<>()) == 10);
    CHECK(pool.map_reduce(in_a_list, first_mapped, 0.0, std::plus<>()) == 10);
  }
}

TEST_CASE("object_ref: an element and a shared argument arrive together", "[parallel][store]") {
  const a_store st;
  std::vector<numbers_ref> refs = objects_in(st.objects, 3);
  const auto sum = [](const array<const double>& a, double by, array<const double> b) {
    return first_mapped(a) + by * first_mapped(b);
  };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    CHECK(pool_on(where).map(refs, sum, 10.0, refs[2]) == std::vector<double>{20, 21, 22});
  }
}

TEST_CASE("object_ref: submitted and delayed calls are given the object", "[parallel][store]") {
  const a_store st;
  const numbers_ref ref = st.objects.put(filled_with(7));
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.submit(first_mapped, ref).get() == 7);
    CHECK(pool.submit(plus_first_mapped, 2, numbers_ref(ref)).get() == 9);
    const std::vector tasks{larder::delayed(plus_first_mapped)(1, ref),
                            larder::delayed(plus_first_mapped)(2, ref)};
    CHECK(pool(tasks) == std::vector<double>{8, 9});
    CHECK(pool(std::vector(tasks)) == std::vector<double>{8, 9});
  }
  CHECK(larder::delayed(first_mapped)(ref)() == 7);
}

TEST_CASE("object_ref: the arrays in an object arrive mapped", "[parallel][store]") {
  using table = std::map<std::string, array<const double>>;
  const a_store st;
  const object_ref ref = st.objects.put("table", table{{"a", filled_with(1)}, {"b", filled_with(2)}});
  const std::vector<object_ref<table>> refs(3, ref);
  const auto b_of = [](const table& t) { return first_mapped(t.at("b")); };
  const auto b_plus = [](int i, const table& t) { return first_mapped(t.at("b")) + i; };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.map(refs, b_of) == std::vector<double>{2, 2, 2});
    CHECK(pool.map(numbers(3), b_plus, ref) == std::vector<double>{2, 3, 4});
    CHECK(pool.submit(b_of, ref).get() == 2);
  }
}

TEST_CASE("object_ref: a function that asks for the reference is given it, and nothing is loaded",
          "[parallel][store]") {
  const a_store st;
  const std::vector<numbers_ref> refs(3, st.objects.ref<array<double>>("nothing"));
  const std::string path = refs[0].path();
  const auto path_of = [](const numbers_ref& ref) { return ref.path(); };
  const auto path_of_shared = [](int, numbers_ref ref) { return ref.path(); };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.map(refs, path_of) == std::vector(3, path));
    CHECK(pool.map(numbers(3), path_of_shared, refs[0]) == std::vector(3, path));
    CHECK(pool.submit(path_of, refs[0]).get() == path);
    CHECK(pool(std::vector{larder::delayed(path_of)(refs[0])}) == std::vector{path});
  }
}

TEST_CASE("object_ref: references inside of other values stay references", "[parallel][store]") {
  const a_store st;
  const std::vector<numbers_ref> refs = objects_in(st.objects, 3);
  const auto load = [](std::size_t i, const std::vector<numbers_ref>& all) {
    return first_mapped(all[i].get<array<const double>>());
  };
  const auto load_second = [](const std::pair<int, numbers_ref>& each) {
    return first_mapped(each.second.get<array<const double>>());
  };
  const std::vector<std::pair<int, numbers_ref>> pairs{{0, refs[2]}, {1, refs[1]}};
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    CHECK(pool_on(where).map(std::vector<std::size_t>{2, 0}, load, refs) == std::vector<double>{2, 0});
    CHECK(pool_on(where).map(pairs, load_second) == std::vector<double>{2, 1});
  }
}

TEST_CASE("object_ref: where there is no object the call fails with io_error", "[parallel][store]") {
  const a_store st;
  const numbers_ref ref = st.objects.put("gone", filled_with(1));
  REQUIRE(st.objects.forget("gone"));
  const std::vector<numbers_ref> refs(3, ref);
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(finds_nothing([&] { pool.map(refs, first_mapped); }));
    CHECK(finds_nothing([&] { pool.map_reduce(refs, first_mapped, 0.0, std::plus<>()); }));
    CHECK(finds_nothing([&] { pool(std::vector{larder::delayed(first_mapped)(ref)}); }));
    CHECK(finds_nothing([&] { listed_results(pool.imap(refs, first_mapped)); }));
    // What all tasks share is looked for by the call itself.
    CHECK(finds_nothing([&] { pool.map(numbers(0), plus_first_mapped, ref); }));
    CHECK(finds_nothing([&] { pool.map_reduce(numbers(0), plus_first_mapped, 0.0, std::plus<>(), ref); }));
    CHECK(finds_nothing([&] { (void)pool.imap(numbers(3), plus_first_mapped, ref); }));
    CHECK(finds_nothing([&] { (void)pool.submit(first_mapped, ref); }));
    CHECK(pool.map(numbers(2), [](int i) { return i; }) == std::vector{0, 1});  // the pool goes on
  }
}

TEST_CASE("object_ref: an object of another type fails the call with type_mismatch", "[parallel][store]") {
  const a_store st;
  st.objects.put("text", std::string("no array"));
  const std::vector<numbers_ref> refs(2, st.objects.ref<array<double>>("text"));
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    CHECK_THROWS_AS(pool_on(where).map(refs, first_mapped), larder::type_mismatch);
    CHECK_THROWS_AS(pool_on(where).map(numbers(2), plus_first_mapped, refs[0]), larder::type_mismatch);
  }
}

TEST_CASE("object_ref: a generic function is given the object", "[parallel][store]") {
  const a_store st;
  std::vector<numbers_ref> refs = objects_in(st.objects, 2);
  const auto element = [](auto& a) { return first_mapped(a); };
  const auto shared = [](int i, const auto& a) { return first_mapped(a) + i; };
  const auto given_away = [](auto&& a) { return first_mapped(a); };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.map(refs, element) == std::vector<double>{0, 1});
    CHECK(pool.map(numbers(2), shared, refs[1]) == std::vector<double>{1, 2});
    CHECK(pool.submit(given_away, refs[1]).get() == 1);
  }
}

TEST_CASE("object_ref: all tasks of a call share one object, whatever becomes of its name",
          "[parallel][store]") {
  const a_store st;
  const auto read_and_overwrite = [](int i, const array<const double>& a, const std::string& directory) {
    store::at(directory).put("name", filled_with(100 + i));
    return a(0);
  };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const numbers_ref ref = st.objects.put("name", filled_with(1));
    const std::string directory = (st.dir / "objects").string();
    CHECK(pool_on(where).map(numbers(8), read_and_overwrite, ref, directory) == std::vector(8, 1.0));
    CHECK(ref.get<array<const double>>()(0) >= 100);
  }
}

TEST_CASE("object_ref: what a function returns a reference to is copied before its object goes",
          "[parallel][store]") {
  const a_store st;
  const object_ref ref = st.objects.put("names", std::vector<std::string>{std::string(100, 'a')});
  const auto first = [](const std::vector<std::string>& names) -> const std::string& { return names[0]; };
  static_assert(std::is_same_v<decltype(larder::delayed(first)(ref)()), std::string>);
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    CHECK(pool_on(where).map(std::vector(2, ref), first) == std::vector(2, std::string(100, 'a')));
    CHECK(pool_on(where).submit(first, ref).get() == std::string(100, 'a'));
  }
  CHECK(larder::delayed(first)(ref)() == std::string(100, 'a'));
}

TEST_CASE("object_ref: the object of a reference that is given away can be taken", "[parallel][store]") {
  using owners = std::vector<std::unique_ptr<int>>;
  const a_store st;
  owners values;
  values.push_back(std::make_unique<int>(42));
  const object_ref ref = st.objects.put("values", values);
  const auto take = [](owners taken) { return *taken.at(0); };
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const parallel pool = pool_on(where);
    CHECK(pool.submit(take, ref).get() == 42);
    CHECK(pool.map(numbers(2) | std::views::transform([&](int) { return ref; }), take) ==
          std::vector{42, 42});
  }
  CHECK(larder::delayed(take)(ref)() == 42);
}

TEST_CASE("object_ref: cached functions are called with the objects, and their keys are those of the objects",
          "[parallel][store]") {
  const a_store st;
  const std::vector<numbers_ref> refs = objects_in(st.objects, 3);
  const std::vector<double> expected{0, 1, 2};
  for (const auto where : k_all_backends) {
    INFO(name_of_any(where));
    const scratch_dir cache;
    larder::memory mem(cache.path());
    const auto cached = mem.cache("first", [](array<const double> a) { return first_mapped(a); });
    const auto cached_plus = mem.cache("plus_first", plus_first_mapped);
    const parallel pool = pool_on(where);
    CHECK(pool.map(refs, cached) == expected);
    CHECK(cached.check_call_in_cache(filled_with(2)));
    CHECK(pool.map(refs, cached) == expected);
    CHECK(pool.map(numbers(3), cached_plus, refs[1]) == std::vector<double>{1, 2, 3});
    CHECK(cached_plus.check_call_in_cache(2, filled_with(1)));
  }
}
