#include "src/memory_budget.hpp"

#include <larder/error.hpp>

namespace larder::detail {

void memory_budget::refuse(const std::string& path, std::uint64_t bytes, const char* what) const {
  throw format_error(path, format_code::bomb,
                     std::string(what) + " needs " + std::to_string(bytes) +
                         " bytes of memory; of max_bytes, " + std::to_string(left_) + " are left");
}

}  // namespace larder::detail
