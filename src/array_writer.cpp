#include "src/array_writer.hpp"

#include "src/container.hpp"

namespace larder::detail {
namespace {

// Below this, asking for the space first costs more than it can save.
constexpr std::uint64_t k_reserve_bytes = std::uint64_t{1} << 20;

}  // namespace

void write_array(const atomic_file& file, const array_image& image, file_form form,
                 std::string_view metadata) {
  const bool container = form == file_form::container;
  const std::uint64_t bytes =
      image.bytes() + (container ? container_tail_bytes(image.bytes(), metadata.size()) : 0);
  if (bytes >= k_reserve_bytes) file.file().reserve_if_quick(bytes);
  const digest digest = image.write_to(file.file());
  if (container) {
    const auto header_bytes = static_cast<std::uint32_t>(image.header().size());
    file.file().write(text_bytes(container_tail(header_bytes, image.bytes(), digest, metadata)));
  }
}

}  // namespace larder::detail
