#pragma once
// Rows workload-*: things that people do with such a library, from end to end. What the Python peers are to compute, too, is
// written to the disk as the program begins, before theirs does.

#include <larder/array.hpp>

#include "tools/benchmarks/bench.hpp"

namespace larder_bench {

/// How large they are, at most 1: smaller by as much as the large arrays are.
double workload_share(const bench& b);

/// std::runtime_error where results are not what they should be: differ by more than 1e-9, or where they are large, that part of them.
void require_equal(const larder::array<const double>& found, const larder::array<const double>& expected);

void add_convolution(bench& b);
void add_grid(bench& b);
void add_row_sums(bench& b);

}  // namespace larder_bench
