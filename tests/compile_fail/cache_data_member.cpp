// expect: larder: a pointer to a data member is no function
#include <vector>

#include <larder/fields.hpp>
#include <larder/memory.hpp>

struct table {
  std::vector<double> values;
  LARDER_FIELDS(values)
  std::vector<double> get() const { return values; }
};

auto cached(const larder::memory& mem) {
#ifdef CONTROL
  return mem.cache<std::vector<double>(const table&)>("values", &table::get);
#else
  return mem.cache<std::vector<double>(const table&)>("values", &table::values);
#endif
}
