#pragma once
// A file mapped into memory, as the buffer of an array.

#include <cstddef>
#include <memory>
#include <string>

#include <larder/mmap_mode.hpp>

#include "src/buffer.hpp"
#include "src/descriptor.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

/// Maps the first `bytes` (at least 1) of an open file; the mapping does not need the descriptor afterwards.
/// `mode` is not none, and `name` is what origin() says: the path, or empty. By the identity of the file, if it is known, others can map
/// it, too. io_error where the system refuses.
std::shared_ptr<const buffer> map_file(const descriptor& file, std::size_t bytes, mmap_mode mode,
                                       std::string name, const file_identity& identity);

/// The same, read_write, of one that is open as long as it is mapped, so that others can map it as it is.
std::shared_ptr<const buffer> map_shared(std::shared_ptr<const shared_file> file, std::size_t bytes,
                                         std::string name);

}  // namespace larder::detail
