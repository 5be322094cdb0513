#include "src/array_loader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/array_digest.hpp"
#include "src/bool_check.hpp"
#include "src/byte_order.hpp"
#include "src/container.hpp"
#include "src/mapping.hpp"
#include "src/segment_data.hpp"

namespace larder::detail {
namespace {

/// Why an array cannot be used where it lies; empty if it can.
std::string_view unmappable(const stored_segment& of) {
  if (of.codec != codec::raw) return "it is compressed";
  if (of.header.foreign_byte_order) return "its byte order is big-endian";
  if ((of.offset + of.header.bytes) % std::min<std::size_t>(item_size(of.header.dtype), 8) != 0) {
    return "its data are not aligned";
  }
  return {};
}

layout layout_of(const npy_header& header) {
  const std::size_t item = item_size(header.dtype);
  return header.fortran_order ? layout::column_major(header.shape, item)
                              : layout::row_major(header.shape, item);
}

/// A sealed array in a file that is mapped read-only: its digest is that of the index as long as the state word says
/// that nobody mapped the file read_write. (Whoever does writes that word before the first element; the mapping is
/// shared, so it shows here.)
class sealed_array final : public buffer {
 public:
  sealed_array(std::shared_ptr<const buffer> file, std::uint64_t offset, const npy_header& header,
               const digest& sealed)
      : buffer(file->data() + offset, static_cast<std::size_t>(header.data_bytes)),
        file_(std::move(file)),
        dtype_(header.dtype),
        layout_(layout_of(header)),
        digest_(sealed) {}

  std::optional<mapped_origin> origin() const override {
    auto origin = file_->origin();
    if (origin) origin->offset += static_cast<std::uint64_t>(data() - file_->data());
    return origin;
  }

  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    return file_->place(temp_folder, may_move);
  }

  std::optional<digest> known_digest(const raw_array& a) const override {
    const bool whole = a.data == data() && a.dtype == dtype_ &&
                       std::ranges::equal(a.layout.shape(), layout_.shape()) &&
                       std::ranges::equal(a.layout.strides(), layout_.strides());
    if (!whole || is_dirty()) return std::nullopt;
    return digest_;
  }

 private:
  bool is_dirty() const noexcept {
    const std::byte* word = file_->data() + file_->size() - k_state_from_end;
    // Another process may be writing it.
    return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(word), __ATOMIC_ACQUIRE) != 0;
  }

  std::shared_ptr<const buffer> file_;
  larder::dtype dtype_;
  layout layout_;
  digest digest_;
};

}  // namespace

void check_mode(const std::string& path, mmap_mode mode, result_kind wanted) {
  if (wanted == result_kind::vector && mode != mmap_mode::none) {
    throw value_error(path + ": a std::vector is always a copy: leave mmap_mode unset, or load an array");
  }
  if (wanted == result_kind::writable_array && mode == mmap_mode::read) {
    throw value_error(
        path +
        ": mmap_mode::read needs array<const T>; an array<T> loads with copy_on_write, read_write or none");
  }
  if (wanted == result_kind::read_only_array && mode == mmap_mode::read_write) {
    throw value_error(
        path +
        ": mmap_mode::read_write needs array<T>; an array<const T> loads with read, copy_on_write or none");
  }
}

void refuse_sealed_for_good(const std::string& path) {
  throw io_error(path, "is sealed for good (read-only) and cannot be mapped read_write", EACCES);
}

std::optional<descriptor> open_to_load(const std::string& path, const load_options& options) {
  const bool writes = options.mmap_mode == mmap_mode::read_write;
  return descriptor::open_if_exists(path, writes ? O_RDWR : O_RDONLY);
}

array_loader::array_loader(const descriptor& file, const file_structure& structure,
                           const load_options& options, memory_budget& budget, const load_policy& policy)
    : file_(file), structure_(structure), options_(options), budget_(budget), policy_(policy) {
  if (options.mmap_mode == mmap_mode::read_write && structure.read_only) refuse_sealed_for_good(file.path());
}

mmap_mode array_loader::choose_mode(const stored_segment& of, result_kind wanted) const {
  const std::string_view obstacle = unmappable(of);
  if (auto asked = options_.mmap_mode) {
    // What cannot be written to by its type is mapped read-only beside what can.
    if (asked == mmap_mode::read_write && wanted == result_kind::read_only_array) asked = mmap_mode::read;
    check_mode(file_.path(), *asked, wanted);
    if (*asked != mmap_mode::none && !obstacle.empty()) {
      throw value_error(file_.path() + ": cannot be mapped, since " + std::string(obstacle) +
                        "; load it with mmap_mode::none, or without a mode");
    }
    return *asked;
  }
  const bool is_small =
      of.header.data_bytes < policy_.copy_below || (policy_.copy_small_files && !structure_.small.empty());
  if (!obstacle.empty() || is_small) return mmap_mode::none;
  return wanted == result_kind::read_only_array ? mmap_mode::read : mmap_mode::copy_on_write;
}

raw_array array_loader::load(const stored_segment& of, result_kind wanted) {
  const mmap_mode mode = choose_mode(of, wanted);
  if (mode == mmap_mode::none) return copy(of);
  // Writing through a mapping cannot report a full disk: the holes of a sparse file are filled first.
  if (mode == mmap_mode::read_write && structure_.sparse) file_.reserve(structure_.file_bytes);
  raw_array result;
  try {
    result = map(of, mode);
  } catch (const io_error& e) {
    // A process that has all the mappings it may have, or a file system that has none, can still be read.
    if (options_.mmap_mode) throw;
    return copy(of);
  }
  const verification policy = options_.verification;
  const bool verify = policy == verification::full ||
                      (policy == verification::automatic && of.header.data_bytes <= k_chunk_bytes);
  if (const auto expected = structure_.checked_digest(of); verify && expected) {
    // What is hashed are the very pages that the caller will read.
    check_data(file_, of, *expected, {result.data, static_cast<std::size_t>(of.header.data_bytes)});
  }
  check_bools(of, result.data);
  if (mode == mmap_mode::read_write) mark_dirty();
  return result;
}

void array_loader::load_vector(const stored_segment& of, const placement& place) {
  if (of.header.shape.rank() != 1) {
    throw layout_error(file_.path() + ": a std::vector loads from an array of one dimension, this one has " +
                       std::to_string(of.header.shape.rank()));
  }
  budget_.take(file_.path(), of.header.data_bytes, "an array");
  read_to(of, place(of.header.shape.count()));
}

raw_array array_loader::map(const stored_segment& of, mmap_mode mode) {
  auto& mapping = mappings_[static_cast<std::size_t>(mode)];
  if (!mapping) mapping = map_file(file_, structure_.file_bytes, mode, file_.path(), structure_.identity);
  const std::uint64_t offset = of.offset + of.header.bytes;
  raw_array a{mapping, mapping->data() + offset, of.header.dtype, layout_of(of.header)};
  if (const auto sealed = structure_.checked_digest(of); mode == mmap_mode::read && sealed) {
    a.owner = std::make_shared<sealed_array>(mapping, offset, of.header, *sealed);
  }
  return a;
}

raw_array array_loader::copy(const stored_segment& of) {
  budget_.take(file_.path(), of.header.data_bytes, "an array");
  raw_array result = allocate(of.header.dtype, of.header.shape, initial::unspecified);
  result.layout = layout_of(of.header);
  read_to(of, result.data);
  return result;
}

void array_loader::read_to(const stored_segment& of, std::byte* out) {
  const auto expected = structure_.checked_digest(of);
  if (of.codec == codec::raw && !structure_.small.empty()) {
    const auto data = std::span(structure_.small).subspan(of.offset + of.header.bytes, of.header.data_bytes);
    if (expected) check_data(file_, of, *expected, data);
    if (!data.empty()) std::memcpy(out, data.data(), data.size());
  } else {
    read_data(file_, of, expected, out, budget_.left());
  }
  if (of.header.foreign_byte_order) swap_byte_order(out, of.header.data_bytes, of.header.dtype);
  check_bools(of, out);
}

void array_loader::check_bools(const stored_segment& of, const std::byte* data) const {
  if (of.header.dtype != dtype::boolean || policy_.trusted) return;
  require_bools(file_.path(), {data, static_cast<std::size_t>(of.header.data_bytes)});
}

void array_loader::mark_dirty() {
  if (!structure_.container || structure_.dirty || marked_dirty_) return;
  file_.write_at(text_bytes(k_dirty), structure_.file_bytes - k_state_from_end);
  marked_dirty_ = true;
}

}  // namespace larder::detail
