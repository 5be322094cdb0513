#pragma once
// Shared ownership of the bytes under arrays: heap memory, shared memory, a mapped file, or something that belongs to others.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <larder/detail/raw_array.hpp>
#include <larder/digest.hpp>

#include "src/shared_file.hpp"

namespace larder::detail {

class buffer {
 public:
  virtual ~buffer() = default;
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

  /// For the bytes of a mapped file or of shared memory: which file, and the offset in it of data().
  virtual std::optional<mapped_origin> origin() const { return std::nullopt; }

  /// The digest of `a`, where it is known without reading the bytes; `a` lies in them.
  virtual std::optional<digest> known_digest(const raw_array& /*a*/) const { return std::nullopt; }

  /// For memory that was made to be shared: the descriptor that another process can map it by, open as long as the buffer; else -1.
  virtual int shared_descriptor() const noexcept { return -1; }

  /// Whether the memory belongs to somebody else.
  virtual bool is_foreign() const noexcept { return false; }
  /// Whether they live as long as this; else somebody has promised that they do.
  virtual bool keeps_bytes() const noexcept { return true; }

  /// Where other processes can map it: see place() of an array.
  virtual std::optional<placed_buffer> place(const std::string& /*temp_folder*/, moving /*may_move*/) const {
    return std::nullopt;
  }

 protected:
  buffer(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}

 private:
  std::byte* data_;
  std::size_t size_;
};

/// The same of any array.
inline std::optional<digest> known_digest_of(const raw_array& a) {
  return a.owner ? a.owner->known_digest(a) : std::nullopt;
}

/// Sizes from which heap memory is page-aligned and asks for huge pages: a fresh 4 KiB page costs about 2 us,
/// which is more than filling it.
inline constexpr std::size_t k_huge_bytes = std::size_t{4} << 20;

/// Sizes from which heap memory is made of whole pages of its own, and so can be moved to where other processes can map it.
inline constexpr std::size_t k_movable_bytes = std::size_t{64} << 10;

/// std::bad_alloc where there is no memory.
std::shared_ptr<const buffer> heap_buffer(std::size_t bytes, initial content);

/// Bytes that `owner` keeps alive, or that nobody has to.
std::shared_ptr<const buffer> foreign_buffer(const void* data, std::size_t bytes,
                                             std::shared_ptr<const void> owner);

}  // namespace larder::detail
