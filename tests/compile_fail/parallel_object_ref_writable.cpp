// expect: neither with the objects that each object_ref stands for, of which an array is an array<const T>
#include <ranges>

#include <larder/object_ref.hpp>
#include <larder/parallel.hpp>

#ifdef CONTROL
using given = larder::array<const double>;
#else
using given = larder::array<double>;
#endif

double total(int, const given& a) { return a(0); }

auto mapped(const larder::parallel& pool, const larder::object_ref<larder::array<double>>& ref) {
  return pool.map(std::views::iota(0, 3), total, ref);
}
