#include "src/mapping.hpp"

#include <utility>

#include <sys/mman.h>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <larder/error.hpp>

namespace larder::detail {
namespace {

namespace ipc = boost::interprocess;

/// What mapped_region asks of the thing to map.
struct mappable {
  int fd;
  ipc::mapping_handle_t get_mapping_handle() const { return {fd, false}; }
};

class mapped_file final : public buffer {
 public:
  mapped_file(ipc::mapped_region region, mapped_origin origin)
      : buffer(static_cast<std::byte*>(region.get_address()), region.get_size()),
        region_(std::move(region)),
        origin_(std::move(origin)) {}

  std::optional<mapped_origin> origin() const override { return origin_; }

 private:
  ipc::mapped_region region_;
  mapped_origin origin_;
};

ipc::mode_t mode_of(mmap_mode mode) {
  switch (mode) {
    case mmap_mode::read:
      return ipc::read_only;
    case mmap_mode::read_write:
      return ipc::read_write;
    default:
      return ipc::copy_on_write;
  }
}

}  // namespace

std::shared_ptr<const buffer> map_file(const descriptor& file, std::size_t bytes, mmap_mode mode,
                                       std::string name) {
  // Private pages are paid for as they are written to: a file may be larger than the memory.
  const ipc::map_options_t options =
      mode == mmap_mode::copy_on_write ? MAP_NORESERVE : ipc::default_map_options;
  try {
    ipc::mapped_region region(mappable{file.fd()}, mode_of(mode), 0, bytes, nullptr, options);
    return std::make_shared<mapped_file>(std::move(region), mapped_origin{std::move(name), 0, mode});
  } catch (const ipc::interprocess_exception& e) {
    throw io_error(file.path(), "cannot map", e.get_native_error());
  }
}

}  // namespace larder::detail
