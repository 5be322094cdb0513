#pragma once
// The bytes of a container of one array, read and changed field by field, and made from nothing, after
// docs/format.md and without the library under test. Checksums come from xxhash itself.

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <larder/digest.hpp>

class container_bytes {
 public:
  /// Of a file whose trailer and index are sound.
  explicit container_bytes(std::string file) : file_(std::move(file)) {
    index_ = get<std::uint64_t>(trailer());
    index_length_ = get<std::uint64_t>(trailer() + 8);
  }

  /// Of a .npy with a header of `npy_header` bytes, and metadata where there are any.
  static container_bytes made_of(std::string npy, std::size_t npy_header, std::string_view metadata = {}) {
    const std::size_t array_length = npy.size();
    std::string file = std::move(npy);
    file.resize(round_up(file.size()));
    const std::size_t metadata_at = file.size();
    file += metadata;
    file.resize(round_up(file.size()));
    const std::size_t index = file.size();
    const std::uint32_t count = metadata.empty() ? 1 : 2;
    file.resize(index + 64 + 64 * count + 64);

    container_bytes made(std::move(file), index, 64 + 64 * count);
    made.set_text(index, "LRDINDEX");
    made.set<std::uint32_t>(index + 8, count);
    made.set<std::uint32_t>(index + 12, 64);
    made.set<std::uint64_t>(index + 32, index);
    made.set_segment(0, 0, array_length, static_cast<std::uint32_t>(npy_header), 1);
    if (count == 2) made.set_segment(1, metadata_at, metadata.size(), 0, 3);

    const std::size_t end = made.trailer();
    made.set<std::uint64_t>(end, index);
    made.set<std::uint64_t>(end + 8, made.index_length_);
    made.set<std::uint64_t>(end + 24, made.file_.size());
    made.set<std::uint16_t>(end + 40, 1);
    made.set_text(end + 56, "\r\nLRDEND");
    made.repair();
    return made;
  }

  const std::string& file() const noexcept { return file_; }
  std::string& file() noexcept { return file_; }

  std::size_t index() const noexcept { return index_; }
  std::size_t entry(std::size_t segment) const noexcept { return index_ + 64 + 64 * segment; }
  std::size_t trailer() const noexcept { return file_.size() - 64; }

  template <class U>
  U get(std::size_t at) const {
    U value;
    std::memcpy(&value, file_.substr(at, sizeof(U)).data(), sizeof(U));
    return value;
  }
  template <class U>
  void set(std::size_t at, U value) {
    std::memcpy(&file_.at(at), &value, sizeof(U));
    (void)file_.at(at + sizeof(U) - 1);
  }
  std::string text(std::size_t at, std::size_t length) const { return file_.substr(at, length); }
  void set_text(std::size_t at, std::string_view text) { file_.replace(at, text.size(), text); }
  void flip(std::size_t bit) { file_.at(bit / 8) = static_cast<char>(file_.at(bit / 8) ^ (1 << (bit % 8))); }

  std::uint64_t index_checksum() const { return XXH3_64bits(&file_[index_], index_length_); }
  std::uint64_t trailer_checksum() const { return XXH3_64bits(&file_[trailer()], 44); }
  larder::digest segment_digest(std::size_t segment) const {
    const auto offset = get<std::uint64_t>(entry(segment));
    const XXH128_hash_t hash = XXH3_128bits(&file_.at(offset), get<std::uint64_t>(entry(segment) + 8));
    return {hash.low64, hash.high64};
  }

  void repair_digest(std::size_t segment) {
    const larder::digest digest = segment_digest(segment);
    set(entry(segment) + 32, digest.low);
    set(entry(segment) + 40, digest.high);
  }
  void repair_index() { set(trailer() + 16, index_checksum()); }
  void repair_trailer() { set(trailer() + 48, trailer_checksum()); }
  /// Index and trailer, so that a damage is met by the check that is about it.
  void repair() {
    repair_index();
    repair_trailer();
  }

 private:
  container_bytes(std::string file, std::size_t index, std::size_t index_length)
      : file_(std::move(file)), index_(index), index_length_(index_length) {}

  static std::size_t round_up(std::size_t size) { return (size + 63) / 64 * 64; }

  void set_segment(std::size_t segment, std::uint64_t offset, std::uint64_t length, std::uint32_t npy_header,
                   std::uint8_t kind) {
    const std::size_t at = entry(segment);
    set<std::uint64_t>(at, offset);
    set<std::uint64_t>(at + 8, length);
    set<std::uint64_t>(at + 16, length);
    set<std::uint32_t>(at + 24, npy_header);
    set<std::uint8_t>(at + 28, kind);
    set<std::uint8_t>(at + 30, 2);
    set<std::uint32_t>(at + 52, 6);
    repair_digest(segment);
  }

  std::string file_;
  std::size_t index_ = 0;
  std::size_t index_length_ = 0;
};
