// expect: larder: where a pointer points is no content
#include <memory>
#include <vector>

#include <larder/hash.hpp>

#ifdef CONTROL
using pointer = std::unique_ptr<double>;
#else
using pointer = const double*;
#endif

larder::digest of(const std::vector<pointer>& v) { return larder::hash(v); }
