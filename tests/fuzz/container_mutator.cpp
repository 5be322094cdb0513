#include "tests/fuzz/container_mutator.hpp"

#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <string_view>

extern "C" {
[[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned seed);
}

namespace fuzz {
namespace {

constexpr std::size_t k_block = 64;
constexpr std::size_t k_most_segments = 64;
constexpr std::size_t k_most_raw = std::size_t{1} << 20;
constexpr std::string_view k_head_magic = "\xD3LRD\r\n\x1A\n";
constexpr std::uint8_t k_object = 2;

template <class U>
U get(std::string_view bytes, std::size_t at) {
  U value;
  std::memcpy(&value, bytes.substr(at, sizeof value).data(), sizeof value);
  return value;
}
template <class U>
void put(std::string& bytes, std::size_t at, U value) {
  std::memcpy(&bytes.at(at), &value, sizeof value);
}

std::uint64_t xxh3_64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

bool is_compressed(std::string_view entry) { return entry[29] != 0; }

/// Digest, and the fingerprint of an object: what is said elsewhere of a segment's bytes.
void repair_segment(std::string& entry, std::string& index_head, const std::string& stored) {
  const std::string raw = is_compressed(entry) ? decompressed(stored) : stored;
  if (entry[30] != 0) {
    const XXH128_hash_t digest = XXH3_128bits(raw.data(), raw.size());
    put(entry, 32, digest.low64);
    put(entry, 40, digest.high64);
  }
  if (entry[28] == k_object && raw.size() >= 4) {
    put(index_head, 16, xxh3_64(std::string_view(raw).substr(4, get<std::uint32_t>(raw, 0))));
  }
}

void repair_head(std::string& file) {
  if (file.size() >= k_block && file.starts_with(k_head_magic)) {
    put(file, 56, xxh3_64(std::string_view(file).substr(0, 56)));
  }
}

void pad(std::string& file, std::size_t alignment, std::size_t header) {
  while ((file.size() + header) % alignment != 0) file += '\0';
}

}  // namespace

std::string decompressed(const std::string& frames) {
  std::string raw;
  for (std::size_t at = 0; at < frames.size();) {
    const std::size_t stored = ZSTD_findFrameCompressedSize(&frames[at], frames.size() - at);
    const unsigned long long content = ZSTD_getFrameContentSize(&frames[at], frames.size() - at);
    if (ZSTD_isError(stored) != 0 || content > k_most_raw - raw.size()) return {};
    const std::size_t before = raw.size();
    raw.resize(before + static_cast<std::size_t>(content));
    if (ZSTD_isError(ZSTD_decompress(&raw[before], raw.size() - before, &frames[at], stored)) != 0) return {};
    at += stored;
  }
  return raw;
}

std::string compressed(const std::string& raw) {
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), raw.data(), raw.size(), 1));
  return frame;
}

bool take_apart(const std::string& file, container_parts& parts) {
  if (file.size() < 3 * k_block) return false;
  parts.trailer = file.substr(file.size() - k_block);
  const auto index = get<std::uint64_t>(parts.trailer, 0);
  const std::size_t end = file.size() - k_block;
  if (index > end - k_block || (end - index) % k_block != 0) return false;
  if ((end - index) / k_block - 1 > k_most_segments) return false;
  parts.head = file.starts_with(k_head_magic) ? file.substr(0, k_block) : std::string();
  parts.index_head = file.substr(index, k_block);
  for (std::size_t at = index + k_block; at < end; at += k_block) {
    const std::string entry = file.substr(at, k_block);
    const auto offset = get<std::uint64_t>(entry, 0);
    const auto stored = get<std::uint64_t>(entry, 8);
    if (offset > index || stored > index - offset) return false;
    parts.segments.push_back({entry, file.substr(offset, stored)});
  }
  return true;
}

std::string put_together(const container_parts& parts) {
  std::string file = parts.head;
  std::string index = parts.index_head;
  std::string entries;
  for (const auto& [old_entry, bytes] : parts.segments) {
    std::string entry = old_entry;
    const auto log2 = std::min<std::uint32_t>(get<std::uint32_t>(entry, 52), 12);
    pad(file, k_block, 0);
    if (!is_compressed(entry)) pad(file, std::size_t{1} << log2, get<std::uint32_t>(entry, 24) & 0xFFFF);
    put<std::uint64_t>(entry, 0, file.size());
    put<std::uint64_t>(entry, 8, bytes.size());
    put<std::uint64_t>(entry, 16, is_compressed(entry) ? decompressed(bytes).size() : bytes.size());
    repair_segment(entry, index, bytes);
    file += bytes;
    entries += entry;
  }
  pad(file, k_block, 0);
  put(index, 8, static_cast<std::uint32_t>(parts.segments.size()));
  put<std::uint64_t>(index, 32, file.size());
  std::string trailer = parts.trailer;
  put<std::uint64_t>(trailer, 0, file.size());
  put<std::uint64_t>(trailer, 8, k_block + entries.size());
  file += index + entries + trailer;
  repair_checksums(file);
  return file;
}

void repair_checksums(std::string& file) {
  repair_head(file);
  container_parts parts;
  if (file.size() < k_block) return;
  if (take_apart(file, parts)) {
    const auto index = get<std::uint64_t>(parts.trailer, 0);
    std::string entries;
    for (auto& [entry, bytes] : parts.segments) {
      repair_segment(entry, parts.index_head, bytes);
      entries += entry;
    }
    file.replace(index, k_block + entries.size(), parts.index_head + entries);
    put(file, file.size() - k_block + 16, xxh3_64(parts.index_head + entries));
  }
  const std::size_t trailer = file.size() - k_block;
  if (std::string_view(file).substr(trailer + 56) != "\r\nLRDEND") return;
  put<std::uint64_t>(file, trailer + 24, file.size());
  put(file, trailer + 48, xxh3_64(std::string_view(file).substr(trailer, 44)));
}

namespace {

std::string mutated(std::string bytes, std::size_t max_size) {
  if (max_size == 0) return {};
  const std::size_t size = std::min(bytes.size(), max_size);
  bytes.resize(max_size);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(bytes.data()), size, max_size));
  return bytes;
}

/// A container with one of its parts changed, and the rest made to fit it.
std::string part_mutated(container_parts parts, std::size_t room, std::minstd_rand& random) {
  auto& segments = parts.segments;
  const auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto fixed = [](std::string& part) { part = mutated(part, k_block), part.resize(k_block); };
  if (segments.empty()) {
    fixed(parts.index_head);
    return put_together(parts);
  }
  auto& chosen = segments[any(segments.size())];
  switch (any(12)) {
    case 0:
      fixed(chosen.entry);
      break;
    case 1:
      fixed(parts.index_head);
      break;
    case 2:
      fixed(parts.trailer);
      std::memcpy(&parts.trailer[56], "\r\nLRDEND", 8);
      break;
    case 3:
      segments.insert(segments.begin() + static_cast<std::ptrdiff_t>(any(segments.size() + 1)), chosen);
      break;
    case 4:
      segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(any(segments.size())));
      break;
    case 5:
      std::swap(chosen, segments[any(segments.size())]);
      break;
    case 6: {  // the other codec, and the head that the form of the file asks for
      chosen.bytes = is_compressed(chosen.entry) ? decompressed(chosen.bytes) : compressed(chosen.bytes);
      chosen.entry[29] = static_cast<char>(is_compressed(chosen.entry) ? 0 : 1);
      break;
    }
    default:
      if (is_compressed(chosen.entry) && any(4) != 0) {
        chosen.bytes = compressed(mutated(decompressed(chosen.bytes), room));
      } else {
        chosen.bytes = mutated(chosen.bytes, room);
      }
  }
  return put_together(parts);
}

std::string any_mutation(const std::string& file, std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  const unsigned kind = static_cast<unsigned>(random() % 8);
  container_parts parts;
  if (kind >= 3 && take_apart(file, parts)) {
    const std::size_t used = std::min(file.size(), max_size);
    return part_mutated(std::move(parts), max_size - used + k_block, random);
  }
  std::string changed = mutated(file, max_size);
  if (kind != 0) repair_checksums(changed);
  return changed;
}

}  // namespace
}  // namespace fuzz

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                    unsigned seed) {
  const std::string file(reinterpret_cast<const char*>(data), size);
  const std::string changed = fuzz::any_mutation(file, max_size, seed);
  const std::size_t changed_size = std::min(changed.size(), max_size);
  std::memcpy(data, changed.data(), changed_size);
  return changed_size;
}
