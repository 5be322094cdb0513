#include "parallel/worker_count.hpp"

#include <algorithm>

#include "src/team.hpp"

namespace larder::detail {

unsigned worker_count(const parallel_settings& settings) noexcept {
  return std::min(settings.workers, nested_allowance());
}

}  // namespace larder::detail
