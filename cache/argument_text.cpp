#include "cache/argument_text.hpp"

#include <array>
#include <charconv>

#include <larder/detail/describe_argument.hpp>

#include "src/shape_text.hpp"

// Arguments as a person reads them in the metadata of an entry.

namespace larder::detail {
namespace {

constexpr std::size_t k_longest_text = 60;

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

std::string cut_text(const std::string& text, std::size_t longest) {
  return text.size() <= longest ? text : text.substr(0, longest) + "…";
}

void describe_integer(std::string& out, std::int64_t value) { append_number(out, value); }
void describe_integer(std::string& out, std::uint64_t value) { append_number(out, value); }
void describe_real(std::string& out, double value) { append_number(out, value); }

void describe_complex(std::string& out, std::complex<double> value) {
  out += '(';
  append_number(out, value.real());
  out += ", ";
  append_number(out, value.imag());
  out += ')';
}

void describe_text(std::string& out, std::string_view value) {
  out += '"';
  out += value.substr(0, k_longest_text);
  out += value.size() > k_longest_text ? "…\"" : "\"";
}

void describe_array(std::string& out, const raw_array& value) {
  out += type_text(value.dtype) + shape_text(value.layout.shape());
}

}  // namespace larder::detail
