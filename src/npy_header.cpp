#include "src/npy_header.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <larder/error.hpp>

#include "src/little_endian.hpp"
#include "src/shape_text.hpp"

namespace larder::detail {
namespace {

struct dtype_name {
  dtype type;
  std::string_view kind_and_size;
};
constexpr std::array<dtype_name, 15> k_dtype_names = {{{dtype::i8, "i1"},
                                                       {dtype::i16, "i2"},
                                                       {dtype::i32, "i4"},
                                                       {dtype::i64, "i8"},
                                                       {dtype::u8, "u1"},
                                                       {dtype::u16, "u2"},
                                                       {dtype::u32, "u4"},
                                                       {dtype::u64, "u8"},
                                                       {dtype::f32, "f4"},
                                                       {dtype::f64, "f8"},
                                                       {dtype::f16, "f2"},
                                                       {dtype::bf16, "V2"},
                                                       {dtype::c64, "c8"},
                                                       {dtype::c128, "c16"},
                                                       {dtype::boolean, "b1"}}};

/// Whether a byte order means nothing to NumPy: to single bytes, and to its "void" of two, which stands for bfloat16.
bool is_without_order(dtype type) noexcept { return item_size(type) == 1 || type == dtype::bf16; }

/// Magic, version and length, before the text.
constexpr std::size_t prefix_bytes(std::uint8_t major) noexcept { return major == 1 ? 10 : 12; }

/// Reads the dictionary: only the Python that NumPy writes, and white space between its tokens.
class dictionary_parser {
 public:
  dictionary_parser(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  void parse(npy_header& header) {
    bool descr = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!next_is('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(descr, true)) {
        parse_descr(header);
      } else if (key == "fortran_order" && !std::exchange(order, true)) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(shape, true)) {
        parse_shape(header);
      } else {
        fail(format_code::npy_keys, "the NPY header has a key '" + std::string(key) + "' too many");
      }
      if (!next_is('}')) expect(',');
    }
    expect('}');
    skip_space();
    if (!text_.empty()) fail(format_code::npy_header, "the NPY header goes on after its dictionary");
    if (!descr || !order || !shape) {
      fail(format_code::npy_keys, "the NPY header lacks one of descr, fortran_order and shape");
    }
  }

 private:
  [[noreturn]] void fail(format_code code, const std::string& detail) const {
    throw format_error(path_, code, detail);
  }

  void skip_space() {
    // Half of a header is padding, and string_view's search asks memchr about each character.
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    text_.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(text_, is_space) - text_.begin()));
  }

  bool next_is(char c) {
    skip_space();
    return !text_.empty() && text_.front() == c;
  }

  void expect(char c) {
    if (!next_is(c))
      fail(format_code::npy_header, std::string("the NPY header lacks a '") + c + "' where one has to be");
    text_.remove_prefix(1);
  }

  std::string_view quoted() {
    const char quote = next_is('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote);
    if (end == std::string_view::npos)
      fail(format_code::npy_header, "the NPY header has a string without an end");
    const std::string_view value = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return value;
  }

  bool boolean() {
    skip_space();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.starts_with(word)) {
        text_.remove_prefix(word.size());
        return value;
      }
    }
    fail(format_code::npy_header, "fortran_order in the NPY header is neither True nor False");
  }

  void parse_descr(npy_header& header) {
    if (next_is('[')) fail(format_code::dtype, "records (structured dtypes) are not supported");
    const std::string_view descr = quoted();
    const auto* known = std::ranges::find(k_dtype_names, descr.substr(std::min<std::size_t>(1, descr.size())),
                                          &dtype_name::kind_and_size);
    const char order = descr.empty() ? '\0' : descr.front();
    const bool no_order = known != k_dtype_names.end() && is_without_order(known->type);
    if (known == k_dtype_names.end() || !(order == '<' || order == '>' || (order == '|' && no_order))) {
      fail(format_code::dtype,
           "dtype '" + std::string(descr) +
               "' is not supported; bool, integers of 8 to 64 bits, floats of 16 to 64, "
               "complex numbers of 64 and 128, and |V2, which is taken for bfloat16, are");
    }
    header.dtype = known->type;
    header.foreign_byte_order = order == '>' && !no_order;
  }

  void parse_shape(npy_header& header) {
    std::array<std::size_t, k_max_rank> sizes{};
    std::size_t rank = 0;
    bool comma = true;  // whether a dimension may follow
    expect('(');
    while (!next_is(')')) {
      if (!comma) fail(format_code::npy_header, "the shape in the NPY header lacks a comma");
      std::size_t size = 0;
      const auto [end, fault] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (fault == std::errc::result_out_of_range || size > std::numeric_limits<std::int64_t>::max())
        fail(format_code::shape_overflow, "a dimension is 2^63 or more");
      if (fault != std::errc())
        fail(format_code::npy_header, "a dimension in the NPY header is not a number");
      if (rank == k_max_rank) fail(format_code::ndim, "the array has more than 32 dimensions");
      sizes[rank++] = size;
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      if (text_.starts_with('L')) text_.remove_prefix(1);  // as Python 2 wrote it
      comma = next_is(',');
      if (comma) expect(',');
    }
    if (rank == 1 && !comma) fail(format_code::npy_header, "the shape in the NPY header is not a tuple");
    expect(')');
    header.shape = extents(std::span<const std::size_t>(sizes).first(rank));
  }

  const std::string& path_;
  std::string_view text_;
};

/// The bytes that the data need. Zeros do not hide an overflow of the other dimensions: strides are computed
/// from them.
std::uint64_t data_bytes_of(const std::string& path, const npy_header& header) {
  std::uint64_t bytes = item_size(header.dtype);
  bool empty = false;
  for (const std::uint64_t n : header.shape.sizes()) {
    if (n == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, n, &bytes) || bytes > std::numeric_limits<std::int64_t>::max()) {
      throw format_error(path, format_code::shape_overflow,
                         "shape " + shape_text(header.shape.sizes()) + " is more than 2^63 bytes");
    }
  }
  return empty ? 0 : bytes;
}

}  // namespace

std::string canonical_npy_header(dtype type, bool fortran_order, std::span<const std::size_t> shape) {
  const std::size_t prefix = prefix_bytes(1);
  std::string header;
  header.reserve(128);  // enough for ordinary shapes
  header += k_npy_magic;
  header.append({'\1', '\0', '\0', '\0'});  // the version, and the length, which is not known yet
  header += "{'descr': '";
  header += is_without_order(type) ? '|' : '<';
  header += k_dtype_names[static_cast<std::size_t>(type)].kind_and_size;
  header += "', 'fortran_order': ";
  header += fortran_order ? "True" : "False";
  header += ", 'shape': " + shape_text(shape) + ", }";
  if (!shape.empty()) {
    // NumPy leaves room for the dimension that grows when a file is appended to, to have 21 digits.
    constexpr std::size_t k_growth_digits = 21;
    const std::size_t growing = fortran_order ? shape.back() : shape.front();
    header.append(k_growth_digits - std::to_string(growing).size(), ' ');
  }
  constexpr std::size_t k_alignment = 64;
  // NumPy pads by 1 to 64 bytes, newline not counted.
  header.append(k_alignment - (header.size() + 1) % k_alignment, ' ');
  header += '\n';
  const std::size_t length = header.size() - prefix;
  header[prefix - 2] = static_cast<char>(length & 0xFF);
  header[prefix - 1] = static_cast<char>(length >> 8);
  return header;
}

std::string canonical_npy_header(const npy_header& header) {
  return canonical_npy_header(header.dtype, header.fortran_order, header.shape.sizes());
}

std::size_t npy_header_bytes(const std::string& path, std::span<const std::byte> front,
                             std::uint64_t file_bytes) {
  const auto require = [&](std::uint64_t bytes) {
    if (bytes > file_bytes)
      throw format_error(path, format_code::truncated, "the file ends within its NPY header");
  };
  require(10);
  const auto major = get<std::uint8_t>(front, 6);
  const auto minor = get<std::uint8_t>(front, 7);
  if (major < 1 || major > 3 || minor != 0) {
    throw format_error(path, format_code::npy_version,
                       "NPY version " + std::to_string(major) + "." + std::to_string(minor) +
                           "; 1.0, 2.0 and 3.0 are known");
  }
  const std::uint64_t prefix = prefix_bytes(major);
  require(prefix);
  const std::uint64_t bytes =
      prefix + (major == 1 ? get<std::uint16_t>(front, 8) : get<std::uint32_t>(front, 8));
  if (bytes > k_npy_header_limit) {
    throw format_error(path, format_code::npy_hdrsize,
                       "an NPY header of " + std::to_string(bytes) + " bytes; " +
                           std::to_string(k_npy_header_limit) + " is the limit");
  }
  require(bytes);
  return static_cast<std::size_t>(bytes);
}

npy_header parse_npy_header(const std::string& path, std::span<const std::byte> bytes) {
  const std::size_t prefix = prefix_bytes(get<std::uint8_t>(bytes, 6));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + prefix, bytes.size() - prefix);
  if (!text.ends_with('\n'))
    throw format_error(path, format_code::npy_header, "the NPY header does not end in a newline");
  npy_header header;
  dictionary_parser(path, text).parse(header);
  header.bytes = bytes.size();
  header.data_bytes = data_bytes_of(path, header);
  return header;
}

}  // namespace larder::detail
