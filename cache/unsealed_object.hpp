#pragma once
// An object of a store that is filled in place, before it is published.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cache/store_state.hpp"
#include "src/array_in_file.hpp"

namespace larder::detail {

struct unsealed_object {
  std::shared_ptr<const store_state> state;
  std::string path;
  put_options options;
  std::optional<array_in_file> content;           // always, once its space was taken
  std::optional<std::uint64_t> finished_bytes{};  // once it only has to be published
};

}  // namespace larder::detail
