#pragma once
// The value of an option that people write as a number or as a word: 1000000 or "1M", 8 or "2*n_jobs", 16 or "auto".

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace larder {

class number_or_text {
 public:
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  number_or_text(Number number)
      : value_(to_number(number)) {}  // NOLINT(google-explicit-constructor): reads as a value
  number_or_text(std::string text) : value_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  number_or_text(std::string_view text) : value_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  number_or_text(const char* text) : value_(std::string(text)) {}       // NOLINT(google-explicit-constructor)

  /// Null where it is a text; a number beyond long long is the largest one.
  const long long* number() const noexcept { return std::get_if<long long>(&value_); }
  /// Null where it is a number.
  const std::string* text() const noexcept { return std::get_if<std::string>(&value_); }

 private:
  template <std::integral Number>
  static long long to_number(Number number) noexcept {
    constexpr long long k_most = 0x7FFFFFFFFFFFFFFF;
    return std::cmp_greater(number, k_most) ? k_most : static_cast<long long>(number);
  }

  std::variant<long long, std::string> value_;
};

}  // namespace larder
