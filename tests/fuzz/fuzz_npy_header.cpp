// Reads NPY headers. What is read is what would be written again.

#include <larder/error.hpp>

#include <algorithm>
#include <span>
#include <string>

#include "src/descriptor.hpp"
#include "src/npy_header.hpp"
#include "tests/fuzz/require.hpp"

using namespace larder::detail;

namespace {

const std::string k_path = "header.npy";

npy_header read(std::span<const std::byte> file) {
  const std::size_t bytes =
      npy_header_bytes(k_path, file.first(std::min(file.size(), k_npy_prefix_bytes)), file.size());
  fuzz::require(bytes <= file.size() && bytes <= k_npy_header_limit, "the header is within the file");
  return parse_npy_header(k_path, file.first(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const npy_header found = read(std::as_bytes(std::span(data, size)));
    std::uint64_t elements = 1;
    for (const std::size_t n : found.shape.sizes()) elements *= n;
    fuzz::require(found.data_bytes == elements * larder::item_size(found.dtype) &&
                      found.data_bytes < std::uint64_t{1} << 63,
                  "the data have the bytes of the shape");
    const std::string written = canonical_npy_header(found);
    const npy_header again = read(text_bytes(written));
    fuzz::require(again.bytes == written.size() && written.size() % 64 == 0 && again.dtype == found.dtype &&
                      again.fortran_order == found.fortran_order && again.shape == found.shape &&
                      again.data_bytes == found.data_bytes && !again.foreign_byte_order,
                  "a header that was read is written as the same header");
    fuzz::require(canonical_npy_header(again) == written, "canonical headers are written as they are");
  } catch (const larder::format_error&) {
  }
  return 0;
}
