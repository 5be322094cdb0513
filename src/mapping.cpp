#include "src/mapping.hpp"

#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include <larder/error.hpp>

#include "src/movable_pages.hpp"

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
  mapped_file(ipc::mapped_region region, mapped_origin origin, const file_identity& identity)
      : buffer(static_cast<std::byte*>(region.get_address()), region.get_size()),
        region_(std::move(region)),
        origin_(std::move(origin)),
        identity_(identity) {}

  std::optional<mapped_origin> origin() const override { return origin_; }

  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    if (origin_.mode == mmap_mode::copy_on_write)
      return pages_.place(data(), size(), PROT_READ | PROT_WRITE, sharing::as_asked, temp_folder, may_move);
    if (!identity_.is_known()) return std::nullopt;
    const bool writes = origin_.mode == mmap_mode::read_write;
    const std::lock_guard lock(placing_mutex(this));
    if (!file_) file_ = std::make_shared<shared_file>(origin_.path, writes ? O_RDWR : O_RDONLY, identity_);
    if (!file_->is_there()) return std::nullopt;
    return placed_buffer{file_, 0, size(), data(), writes ? sharing::read_write : sharing::read_only};
  }

 private:
  ipc::mapped_region region_;
  mapped_origin origin_;
  file_identity identity_;
  movable_pages pages_;  // of a private mapping
  mutable std::shared_ptr<const shared_file>
      file_;  // of the others, once it was asked for; under placing_mutex
};

class mapped_shared_file final : public buffer {
 public:
  mapped_shared_file(ipc::mapped_region region, std::string name, std::shared_ptr<const shared_file> file)
      : buffer(static_cast<std::byte*>(region.get_address()), region.get_size()),
        region_(std::move(region)),
        name_(std::move(name)),
        file_(std::move(file)) {}

  std::optional<mapped_origin> origin() const override {
    return mapped_origin{name_, 0, mmap_mode::read_write};
  }
  int shared_descriptor() const noexcept override { return file_->fd(); }
  std::optional<placed_buffer> place(const std::string& /*temp_folder*/, moving /*may_move*/) const override {
    return placed_buffer{file_, 0, size(), data(), sharing::read_write};
  }

 private:
  ipc::mapped_region region_;
  std::string name_;
  std::shared_ptr<const shared_file> file_;
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

/// `name` is what an error calls it.
ipc::mapped_region map_region(int fd, const std::string& name, std::size_t bytes, mmap_mode mode) {
  // Private pages are paid for as they are written to: a file may be larger than the memory.
  const ipc::map_options_t options =
      mode == mmap_mode::copy_on_write ? MAP_NORESERVE : ipc::default_map_options;
  try {
    return ipc::mapped_region(mappable{fd}, mode_of(mode), 0, bytes, nullptr, options);
  } catch (const ipc::interprocess_exception& e) {
    throw io_error(name, "cannot map", e.get_native_error());
  }
}

}  // namespace

std::shared_ptr<const buffer> map_file(const descriptor& file, std::size_t bytes, mmap_mode mode,
                                       std::string name, const file_identity& identity) {
  return std::make_shared<mapped_file>(map_region(file.fd(), file.path(), bytes, mode),
                                       mapped_origin{std::move(name), 0, mode}, identity);
}

std::shared_ptr<const buffer> map_shared(std::shared_ptr<const shared_file> file, std::size_t bytes,
                                         std::string name) {
  const std::string what = name.empty() ? "shared memory of " + std::to_string(bytes) + " bytes" : name;
  auto region = map_region(file->fd(), what, bytes, mmap_mode::read_write);
  return std::make_shared<mapped_shared_file>(std::move(region), std::move(name), std::move(file));
}

}  // namespace larder::detail
