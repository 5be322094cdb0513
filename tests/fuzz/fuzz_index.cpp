// Reads the structure of files: head, trailer, index, segments, headers, object and metadata; not the data of arrays.

#include <larder/error.hpp>

#include <unistd.h>

#include <span>

#include "src/descriptor.hpp"
#include "src/file_structure.hpp"
#include "tests/fuzz/allocation_peak.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/require.hpp"

using namespace larder::detail;

namespace {

constexpr std::uint64_t k_budget = std::uint64_t{1} << 20;
constexpr std::size_t k_overhead = std::size_t{16} << 20;

void check(const file_structure& found, std::uint64_t file_bytes) {
  fuzz::require(found.file_bytes == file_bytes && (found.is_object() || !found.arrays.empty()),
                "there is a value");
  fuzz::require(found.is_object() || found.arrays.size() == 1, "the value is an object or one array");
  std::uint64_t end = 0;
  found.for_each_segment([&](const segment& each) {
    fuzz::require(each.offset >= end && each.stored <= file_bytes && each.offset <= file_bytes - each.stored,
                  "segments ascend within the file");
    end = each.end();
  });
  for (const stored_segment& each : found.arrays) {
    fuzz::require(each.raw == each.header.bytes + each.header.data_bytes, "an array is its header and data");
    fuzz::require(each.codec != codec::raw || each.raw == each.stored, "what is raw is stored as it is");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::memory_file file;
  static const descriptor opened(::dup(file.fd()), "file.larder");
  file.assign(std::as_bytes(std::span(data, size)));
  const fuzz::allocation_peak peak;
  try {
    memory_budget budget(k_budget);
    check(read_structure(opened, trailer_demand::as_found, budget), size);
    check(read_structure(opened, trailer_demand::sealed), size);
  } catch (const larder::format_error&) {
  }
  fuzz::require(peak.bytes() <= k_budget + k_overhead, "memory stays within its budget");
  return 0;
}
