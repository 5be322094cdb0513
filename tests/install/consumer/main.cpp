// A program outside this repository: the least that links and runs against the compiled part of larder.
#include <larder/larder.hpp>

#include <cstddef>
#include <vector>

int main(int argc, char** argv) {
  larder::init(argc, argv);
  if (argc != 2) return 2;
  larder::array<double> a({3, 2});
  a.fill(2.5);
  larder::dump(a, argv[1]);
  const auto b = larder::load<larder::array<const double>>(argv[1]);
  const bool is_same = b.shape(0) == 3 && b(2, 1) == 2.5 && larder::hash(a) == larder::hash(b);

  const larder::parallel pool({.n_jobs = 2, .backend = larder::backend::processes});
  const auto row_sums = pool.map(
      std::vector<std::size_t>{0, 1, 2},
      [](std::size_t row, const larder::array<const double>& of) { return of(row, 0) + of(row, 1); }, b);
  return is_same && row_sums == std::vector{5.0, 5.0, 5.0} ? 0 : 1;
}
