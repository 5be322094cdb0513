// Every call that docs/store.md shows, in its order and its words, with what it leaves out.

#include <larder/larder.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <ranges>
#include <string>
#include <utility>

namespace {

double row_sum(int row, const larder::array<const double>& table) {
  const auto numbers = table.sub(static_cast<std::size_t>(row)).flat();
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

larder::array<double> ramp() {
  larder::array<double> numbers({3, 1000});
  std::iota(numbers.data(), numbers.data() + numbers.size(), 0.0);
  return numbers;
}

void one_program(const larder::array<double>& weights) {
  larder::store st("run42", {.capacity = "8G"});
  st.put("weights", weights);
}

double another_program() {
  larder::store st("run42");
  auto weights = st.get<larder::array<const double>>("weights");  // mapped
  return weights(2, 999);
}

void objects(const larder::store& st, const larder::array<const double>& weights,
             const larder::array<const double>& better) {
  const auto bias = better;
  std::map<std::string, larder::array<const double>> layers = {{"first", weights}, {"second", bias}};
  st.put("layers", layers);
  auto again = st.get<std::map<std::string, larder::array<const double>>>("layers");  // both mapped, at once
  std::printf("%g, mapped: %d\n", again.at("second")(0, 1), again.at("second").is_mapped());

  auto maybe = st.find<int>("answer");  // empty
  if (!st.wait_for("answer", std::chrono::milliseconds(1))) std::puts("no answer yet");
  std::printf("found: %d\n", maybe.has_value());

  auto before = st.get<larder::array<const double>>("weights");
  st.put("weights", better);                        // `before` is as it was
  st.put("weights", weights, {.if_absent = true});  // does nothing: there is one
  std::printf("%g before, %g now\n", before(0, 1), st.get<larder::array<const double>>("weights")(0, 1));
  st.forget("weights");
}

void references(const larder::store& st, const larder::array<const double>& weights) {
  larder::object_ref ref = st.put(weights);
  auto same = ref.get();
  std::printf("%g\n", same(2, 999));

  const larder::parallel pool({.n_jobs = 2});
  auto sums =
      pool.map(std::views::iota(0, 3), row_sum, ref);  // row_sum(int, const larder::array<const double>&)
  std::printf("%g %g %g\n", sums[0], sums[1], sums[2]);
}

void in_place(const larder::store& st) {
  auto writer = st.create<double>("field", {1000, 1000});
  auto field = writer.array();
  field.fill(0.5);
  field = {};  // what is sealed cannot be written to: let go of it first
  larder::object_ref sealed = std::move(writer).seal();
  std::printf("%s: %g\n", sealed.name().c_str(), sealed.get()(999, 999));
}

void room_and_errors(const larder::store& st, const larder::array<const double>& weights) {
  st.clear();
  st.put("keep", weights, {.pinned = true});
  const std::string used = std::to_string(st.used()) + " of " + std::to_string(st.capacity());
  std::printf("%s bytes\n", used.c_str());

  larder::store scratch("scratch", {.lifetime = larder::lifetime::last_user});

  st.put("layers", std::string("not an int"));
  try {
    st.get<int>("layers");
  } catch (const larder::type_mismatch& other) {
    std::printf("it is a %s\n", other.found().c_str());
  }
}

}  // namespace

int main() {
  // Of its own, so that stores of others who run this program are left alone.
  ::setenv("LARDER_STORE_DIR", (std::filesystem::current_path() / "stores").c_str(), 1);
  const auto weights = ramp();
  auto better = ramp();
  better(0, 1) = 1.5;

  one_program(weights);
  std::printf("%g\n", another_program());
  const larder::store st("run42");
  objects(st, weights, better);
  references(st, weights);
  in_place(st);
  room_and_errors(st, weights);
  larder::store::remove("run42");
}
