// Every call that the README's tour shows, in its order and its words, with what it leaves out.

#include <larder/larder.hpp>

#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace larder;

namespace {

struct particle {
  double mass = 0;
  std::vector<double> track;
  LARDER_FIELDS(mass, track)  // now it is storable, and so is a map of it
};

/// x'x + ridge
array<double> covariance(const array<const double>& x, double ridge) {
  const std::size_t n = x.shape(1);
  array<double> c({n, n});
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      c(i, j) = i == j ? ridge : 0;
      for (std::size_t row = 0; row < x.shape(0); ++row) c(i, j) += x(row, i) * x(row, j);
    }
  }
  return c;
}

double f(std::size_t row, const array<const double>& shared) { return shared(row, row); }

}  // namespace

int main(int argc, char** argv) {
  init(argc, argv);

  array<double> a({1000, 64});  // zeroed, row-major; a(i, j), a.slice(...), a.transpose(), ...
  a.fill(2);
  dump(a, "a.npy");  // NumPy opens and maps it, too

  // Mapped read-only, in microseconds, whatever the size; mapped copy-on-write: the file stays as it is;
  // mapped for writing; a copy in memory, with every byte verified.
  auto ro = load<array<const double>>("a.npy");
  auto cow = load<array<double>>("a.npy");
  auto rw = load<array<double>>("a.npy", {.mmap_mode = mmap_mode::read_write});
  auto mem = load<array<double>>("a.npy", {.mmap_mode = mmap_mode::none});
  std::printf("%g %g %g %g\n", ro(0, 0), cow(1, 1), rw(2, 2), mem(3, 3));

  std::map<std::string, particle> particles = {{"pion", {139.57, {0, 1, 2}}}};
  dump(particles, "particles.larder", {.compress = 3});  // zstd; without it, the arrays inside are mapped
  auto again = load<std::map<std::string, particle>>("particles.larder");
  std::printf("%g\n", again["pion"].mass);

  auto out = create<double>("out.npy", {1000, 64});  // filled in place, and only there once it is sealed
  out.array().fill(3);
  std::move(out).seal();
  verify("out.npy");  // throws where a single bit is wrong

  digest d = hash(a, 0.5, "ridge", particles);
  std::printf("%s\n", d.hex().c_str());

  memory cache("cache-dir");
  auto cov = cache.cache("stats.covariance", covariance, {.version = "2"});
  auto c = cov(a, 0.5);  // computed once, by whichever process came first
  std::printf("%g\n", c(0, 0));

  std::vector<std::size_t> rows = {0, 5, 7};
  const array<const double> shared = c;
  parallel pool({.n_jobs = -1});
  std::vector<double> r = pool.map(rows, f, shared);  // f(row, shared), in order, on all cores
  double total = 0;
  for (double each : pool.imap(rows, f, shared)) total += each;  // as they come, a little ahead
  double sum = pool.map_reduce(rows, f, 0.0, std::plus<>(), shared);
  std::printf("%g %g %g, together %g and %g\n", r[0], r[1], r[2], total, sum);

  parallel apart({.backend = backend::processes});  // where main begins with init(argc, argv)
  auto same = apart.map(rows, f, shared);  // a crash ends its own task; `shared` is mapped, not copied
  std::printf("%s\n", same == r ? "the same" : "different");

  store st("run42", {.capacity = "8G"});  // objects in shared memory, without a server
  object_ref x = st.put("x", a);
  auto theirs = st.get<array<const double>>("x");  // in any program of this user: mapped
  auto more = apart.map(rows, f, x);               // the object itself, mapped, in each worker
  std::printf("%g %g\n", theirs(4, 4), more[0]);
  store::remove("run42");
}
