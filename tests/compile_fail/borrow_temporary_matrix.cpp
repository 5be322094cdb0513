// expect: no matching function
#include <larder/interop/eigen.hpp>

Eigen::MatrixXd made();

larder::array<double> keep() {
#ifdef CONTROL
  return larder::adopt_eigen(made());
#else
  return larder::borrow_eigen(made());
#endif
}
