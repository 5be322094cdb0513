// expect: imap keeps the range that it is given, and this one cannot be copied: pass std::move
#include <memory>
#include <utility>
#include <vector>

#include <larder/parallel.hpp>

auto fed(const larder::parallel& pool, std::vector<std::unique_ptr<int>> xs) {
  const auto f = [](const std::unique_ptr<int>& x) { return *x; };
#ifdef CONTROL
  return pool.imap(std::move(xs), f);
#else
  return pool.imap(xs, f);
#endif
}
