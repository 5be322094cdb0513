#include <larder/inspect.hpp>

#include <algorithm>
#include <array>

#include <fcntl.h>

#include <larder/error.hpp>

#include "src/array_loader.hpp"
#include "src/container_writer.hpp"
#include "src/file_inspection.hpp"
#include "src/segment_data.hpp"
#include "src/xxh3.hpp"

namespace larder {
namespace {

using detail::codec;
using detail::descriptor;
using detail::file_structure;
using detail::stored_segment;

array_info describe_array(const stored_segment& of) {
  array_info info;
  info.dtype = of.header.dtype;
  info.foreign_byte_order = of.header.foreign_byte_order;
  info.fortran_order = of.header.fortran_order;
  info.shape.assign(of.header.shape.sizes().begin(), of.header.shape.sizes().end());
  if (of.codec == codec::raw) info.data_offset = of.offset + of.header.bytes;
  info.data_bytes = of.header.data_bytes;
  return info;
}

file_info describe(file_structure file) {
  file_info info;
  info.state = !file.container ? file_state::plain : file.dirty ? file_state::dirty : file_state::sealed;
  info.file_bytes = file.file_bytes;
  file.for_each_segment([&](const detail::segment& each) {
    segment_info& added = info.segments.emplace_back();
    added.kind = each.kind;
    added.compressed = each.codec != codec::raw;
    added.offset = each.offset;
    added.stored_bytes = each.stored;
    added.raw_bytes = each.raw;
    if (each.has_digest) added.digest = each.digest;
  });
  for (std::size_t i = 0; i < file.arrays.size(); ++i)
    info.segments[i].array = describe_array(file.arrays[i]);
  info.type = std::move(file.type);
  info.metadata = std::move(file.metadata);
  return info;
}

file_structure structure_of(const descriptor& file) {
  return detail::read_structure(file, detail::trailer_demand::as_found);
}

/// Writes the content of a file to a new one, whose size it returns: of its arrays, those that `as_they_are` names are copied byte for byte.
template <class AsTheyAre>
std::uint64_t rewrite(const descriptor& from, const file_structure& structure, const detail::atomic_file& to,
                      int compress, AsTheyAre as_they_are) {
  const bool object = structure.is_object();
  // What is copied compressed is in a file with a head, too.
  const bool stays_compressed = !object && as_they_are(structure.sole_array());
  detail::container_writer out(to,
                               {.head = object || compress != 0 || stays_compressed, .compress = compress});
  detail::memory_budget unlimited;
  // Read-only mappings of what is uncompressed; whatever has a digest is compared with it.
  const load_options options{.verification = verification::full};
  detail::array_loader loader(from, structure, options, unlimited);
  for (const stored_segment& each : structure.arrays) {
    if (as_they_are(each)) {
      out.copy(from, each);
    } else {
      out.array(detail::array_image(loader.load(each, detail::result_kind::read_only_array)));
    }
  }
  if (object) out.text(segment_kind::object, structure.object);
  if (!structure.metadata.empty()) out.text(segment_kind::metadata, structure.metadata);
  return out.finish(object ? detail::xxh3_64(detail::text_bytes(structure.type)) : 0, structure.schema);
}

std::uint64_t write_npy(const descriptor& from, const file_structure& structure,
                        const detail::atomic_file& to) {
  if (structure.is_object()) {
    throw value_error(from.path() + ": a .npy holds one array, and this file holds " + structure.type);
  }
  detail::memory_budget unlimited;
  const load_options verified{.verification = verification::full};
  detail::array_loader loader(from, structure, verified, unlimited);
  const auto array = loader.load(structure.sole_array(), detail::result_kind::read_only_array);
  const detail::array_image image(array);
  detail::write_bare_npy(to, image);
  return image.bytes();
}

}  // namespace

std::string_view name(file_state state) noexcept {
  static constexpr std::array<std::string_view, 3> k_names = {"plain", "sealed", "dirty"};
  return k_names[static_cast<std::size_t>(state)];
}

std::string_view name(segment_kind kind) noexcept {
  static constexpr std::array<std::string_view, 3> k_names = {"array", "object", "metadata"};
  return k_names[static_cast<std::size_t>(kind) - 1];
}

file_info detail::inspect(const descriptor& file, trailer_demand demand) {
  return describe(read_structure(file, demand, object_demand::check));
}

file_info detail::verify(const descriptor& file, trailer_demand demand) {
  file_structure structure = read_structure(file, demand, object_demand::check);
  for (const stored_segment& each : structure.arrays) {
    if (const auto expected = structure.checked_digest(each)) verify_data(file, each, *expected);
  }
  return describe(std::move(structure));
}

file_info inspect(const std::filesystem::path& path) {
  return detail::inspect(descriptor::open(path.string(), O_RDONLY), detail::trailer_demand::as_found);
}

file_info verify(const std::filesystem::path& path) {
  return detail::verify(descriptor::open(path.string(), O_RDONLY), detail::trailer_demand::as_found);
}

void reseal(const std::filesystem::path& path) {
  const auto file = descriptor::open(path.string(), O_RDONLY);
  const file_structure structure = structure_of(file);
  const auto is_sealed = [&](const stored_segment& a) { return structure.checked_digest(a).has_value(); };
  if (std::ranges::all_of(structure.arrays, is_sealed)) return;
  detail::atomic_file sealed(path.string(), 0666);
  const auto is_compressed = [](const stored_segment& a) { return a.codec != codec::raw; };
  rewrite(file, structure, sealed, 0, is_compressed);
  sealed.commit(false);
}

std::uint64_t detail::convert(const descriptor& from, const atomic_file& to, const convert_options& options) {
  const file_structure structure = structure_of(from);
  if (options.bare_npy) return write_npy(from, structure, to);
  return rewrite(from, structure, to, options.compress, [](const stored_segment&) { return false; });
}

void convert(const std::filesystem::path& from, const std::filesystem::path& to,
             const convert_options& options) {
  detail::check_compress("convert", options.compress);
  if (options.bare_npy && options.compress != 0) {
    throw value_error("convert: a bare .npy cannot be compressed; set one of bare_npy and compress");
  }
  const auto file = descriptor::open(from.string(), O_RDONLY);
  detail::atomic_file written(to.string(), 0666);
  detail::convert(file, written, options);
  written.commit(options.durable);
}

}  // namespace larder
