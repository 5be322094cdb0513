#include "src/buffer.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "src/movable_pages.hpp"

namespace larder::detail {
namespace {

constexpr std::size_t k_small_alignment = 64;
constexpr std::size_t k_huge_page = std::size_t{2} << 20;

class small_heap final : public buffer {
 public:
  small_heap(std::byte* data, std::size_t size) noexcept : buffer(data, size) {}
  ~small_heap() override { ::operator delete(data(), std::align_val_t(k_small_alignment)); }
};

/// Whole pages of the allocator's. It gets them back as it gave them, or not at all.
class heap_pages final : public buffer {
 public:
  heap_pages(std::byte* data, std::size_t size) noexcept : buffer(data, size) {}
  ~heap_pages() override {
    const bool is_mine = !pages_.have_moved() || put_memory_back();
    if (is_mine) ::operator delete(data(), std::align_val_t(page_bytes()));
  }

  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    return pages_.place(data(), size(), PROT_READ | PROT_WRITE, sharing::as_asked, temp_folder, may_move);
  }

 private:
  bool put_memory_back() const noexcept {
    return ::mmap(data(), whole_pages(size()), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
  }

  movable_pages pages_;
};

class anonymous_pages final : public buffer {
 public:
  anonymous_pages(std::byte* data, std::size_t size, void* mapping, std::size_t mapped) noexcept
      : buffer(data, size), mapping_(mapping), mapped_(mapped) {}
  ~anonymous_pages() override { ::munmap(mapping_, mapped_); }

  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    return pages_.place(data(), size(), PROT_READ | PROT_WRITE, sharing::as_asked, temp_folder, may_move);
  }

 private:
  movable_pages pages_;
  void* mapping_;
  std::size_t mapped_;
};

class foreign final : public buffer {
 public:
  foreign(std::byte* data, std::size_t size, std::shared_ptr<const void> owner) noexcept
      : buffer(data, size), owner_(std::move(owner)) {}

  bool is_foreign() const noexcept override { return true; }
  bool keeps_bytes() const noexcept override { return owner_.use_count() != 0; }

 private:
  std::shared_ptr<const void> owner_;
};

std::shared_ptr<const buffer> huge_buffer(std::size_t bytes) {
  // One huge page more than asked for, so that the data can start on one; untouched pages cost nothing.
  std::size_t mapped = 0;
  if (__builtin_add_overflow(bytes, k_huge_page, &mapped)) throw std::bad_alloc();
  void* mapping = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(mapping);
  auto* data = static_cast<std::byte*>(mapping) + ((k_huge_page - address % k_huge_page) % k_huge_page);
  ::madvise(data, bytes, MADV_HUGEPAGE);  // advice: where there are none, small pages do
  try {
    return std::make_shared<anonymous_pages>(data, bytes, mapping, mapped);
  } catch (...) {
    ::munmap(mapping, mapped);
    throw;
  }
}

/// From operator new, in a buffer that gives it back.
template <class Buffer>
std::shared_ptr<const buffer> new_buffer(std::size_t bytes, std::size_t taken, std::size_t alignment,
                                         initial content) {
  auto* data = static_cast<std::byte*>(::operator new(taken, std::align_val_t(alignment)));
  if (content == initial::zero) std::memset(data, 0, bytes);
  try {
    return std::make_shared<Buffer>(data, bytes);
  } catch (...) {
    ::operator delete(data, std::align_val_t(alignment));
    throw;
  }
}

}  // namespace

std::shared_ptr<const buffer> heap_buffer(std::size_t bytes, initial content) {
  if (bytes >= k_huge_bytes) return huge_buffer(bytes);  // the kernel's pages are zero
  if (bytes >= k_movable_bytes)
    return new_buffer<heap_pages>(bytes, whole_pages(bytes), page_bytes(), content);
  return new_buffer<small_heap>(bytes, bytes, k_small_alignment, content);
}

std::shared_ptr<const buffer> foreign_buffer(const void* data, std::size_t bytes,
                                             std::shared_ptr<const void> owner) {
  // Whether the elements may be written to is the business of the handle's type: see array::borrow.
  auto* bytes_of_others = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  return std::make_shared<foreign>(bytes_of_others, bytes, std::move(owner));
}

}  // namespace larder::detail
