// expect: larder: a parameter of a cached function is a reference to a class with virtual functions
#include <vector>

#include <larder/fields.hpp>
#include <larder/memory.hpp>

#ifdef CONTROL
struct shape final {
#else
struct shape {
#endif
  virtual ~shape() = default;
  double size = 1;
  LARDER_FIELDS(size)
};

std::vector<double> outline(const shape& s);

auto cached(const larder::memory& mem) { return mem.cache("outline", outline); }
