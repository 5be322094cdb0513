#pragma once
// Mutations that get behind the checksums of a container: for targets whose input is a whole file. Linking the
// implementation is enough, it defines libFuzzer's LLVMFuzzerCustomMutator.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fuzz {

/// What a container is made of, taken apart without the library under test and without judging it.
struct container_parts {
  struct part {
    std::string entry;  // of the index, 64 bytes
    std::string bytes;  // as stored
  };
  std::string head;  // 64 bytes, or nothing
  std::vector<part> segments;
  std::string index_head;
  std::string trailer;
};

/// False where the bytes are too far from a container.
bool take_apart(const std::string& file, container_parts& parts);

/// Lays the parts out one after the other and makes offsets, lengths and checksums fit.
std::string put_together(const container_parts& parts);

/// Makes the checksums fit, and nothing else: of head, segments, index and trailer; and the length of the file.
void repair_checksums(std::string& file);

/// The raw bytes of zstd frames, at most 1 MiB; nothing where they are damaged. And back, at level 1.
std::string decompressed(const std::string& frames);
std::string compressed(const std::string& raw);

}  // namespace fuzz
