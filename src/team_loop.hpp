#pragma once
// A loop whose rounds run on several threads of the team.
//
//   for_each_on_team(chunks, k_all_processors, [&](std::size_t i) { read_chunk(i); });

#include <cstddef>

#include <larder/detail/function_ref.hpp>

namespace larder::detail {

/// Calls body(i) for each i below `count`, once each, in no order, on as many threads as there are processors for it, but at
/// most `most`. The first exception
/// ends the loop and is rethrown here when no body runs any more. What the bodies wrote is visible afterwards.
void for_each_on_team(std::size_t count, unsigned most, function_ref<void(std::size_t i)> body);
inline constexpr unsigned k_all_processors = ~0U;

}  // namespace larder::detail
