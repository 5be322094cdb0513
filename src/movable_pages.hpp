#pragma once
// Pages of memory that are moved to where other processes can map them, while they are in use.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "src/shared_file.hpp"

namespace larder::detail {

/// The size of a page, and a number of bytes in whole pages.
std::size_t page_bytes() noexcept;
std::size_t whole_pages(std::size_t bytes) noexcept;

/// What a buffer keeps that is made of whole pages of its own: where they were moved, if they were.
class movable_pages {
 public:
  /// See place() of an array. `data` begins with a page, and `bytes` fill pages, up to the last one's end; `protection` as for
  /// mmap(2) is that of the pages. Without a value, too, where the system has no room for another mapping.
  std::optional<placed_buffer> place(std::byte* data, std::size_t bytes, int protection,
                                     detail::sharing sharing, const std::string& temp_folder,
                                     moving may_move) const;

  /// Whether they are pages of a file; for the one who unmaps them.
  bool have_moved() const noexcept { return file_ != nullptr; }

 private:
  // Under placing_mutex.
  mutable std::shared_ptr<const shared_file> file_;
  mutable std::uint64_t offset_ = 0;
};

}  // namespace larder::detail
