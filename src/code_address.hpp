#pragma once
// The places of code on their way to another process: descriptors of tasks, and the builds that both have to agree on.

#include <larder/detail/task_descriptor.hpp>
#include <larder/detail/travel.hpp>

namespace larder::detail {

/// A descriptor's place, as write_code_address writes one, and its signature. not_shippable where it lies in no module.
void write_descriptor(const task_descriptor& descriptor, travel_writer& to);
/// The same descriptor here. Nothing is believed: not_shippable as of read_code_address, and where it is no descriptor, or that of
/// another call.
const task_descriptor& read_descriptor(travel_reader& from);

/// The program and its libraries, with the builds of those that have a file.
void write_modules(travel_writer& to);
/// Compares those that are loaded here as well: not_shippable names the first that is of another build.
void check_modules(travel_reader& from);

}  // namespace larder::detail
