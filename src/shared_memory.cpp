#include "src/shared_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/mman.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/mapping.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

std::shared_ptr<const buffer> shared_memory(std::size_t bytes) {
  const std::string name = "shared memory of " + std::to_string(bytes) + " bytes";
  const int fd = ::memfd_create("larder array", MFD_CLOEXEC);
  if (fd < 0) throw io_error(name, "cannot create", errno);
  descriptor memfd(fd, name);
  const std::size_t mapped_bytes = std::max<std::size_t>(bytes, 1);
  memfd.resize(mapped_bytes);
  auto mapped = map_shared(std::make_shared<shared_file>(std::move(memfd)), mapped_bytes, {});
  if (bytes >= k_huge_bytes) ::madvise(mapped->data(), bytes, MADV_HUGEPAGE);  // advice, as in heap_buffer
  return mapped;
}

}  // namespace larder::detail
