#pragma once
// An exception on its way to another process.

#include <cstddef>
#include <exception>

#include "parallel/message_reader.hpp"
#include "parallel/message_writer.hpp"

namespace larder::detail {

/// Writes an exception that a task threw. Most exceptions of the standard and those of larder keep their type, if it is exactly that;
/// all others, also what is no std::exception, arrive as task_error with the name of their type and their text.
void write_thrown(const std::exception_ptr& thrown, std::size_t task, message_writer& to);

/// What write_thrown wrote.
std::exception_ptr read_thrown(message_reader& from);

}  // namespace larder::detail
