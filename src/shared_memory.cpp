#include "src/shared_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/mman.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/mapping.hpp"

namespace larder::detail {
namespace {

class memfd_buffer final : public buffer {
 public:
  memfd_buffer(std::shared_ptr<const buffer> mapped, descriptor memfd) noexcept
      : buffer(mapped->data(), mapped->size()), mapped_(std::move(mapped)), memfd_(std::move(memfd)) {}

  std::optional<mapped_origin> origin() const override { return mapped_->origin(); }
  int shared_descriptor() const noexcept override { return memfd_.fd(); }

 private:
  std::shared_ptr<const buffer> mapped_;
  descriptor memfd_;
};

}  // namespace

std::shared_ptr<const buffer> shared_memory(std::size_t bytes) {
  const std::string name = "shared memory of " + std::to_string(bytes) + " bytes";
  const int fd = ::memfd_create("larder array", MFD_CLOEXEC);
  if (fd < 0) throw io_error(name, "cannot create", errno);
  descriptor memfd(fd, name);
  const std::size_t mapped_bytes = std::max<std::size_t>(bytes, 1);
  memfd.resize(mapped_bytes);
  auto mapped = map_file(memfd, mapped_bytes, mmap_mode::read_write, {});
  if (bytes >= k_huge_bytes) ::madvise(mapped->data(), bytes, MADV_HUGEPAGE);  // advice, as in heap_buffer
  return std::make_shared<memfd_buffer>(std::move(mapped), std::move(memfd));
}

}  // namespace larder::detail
