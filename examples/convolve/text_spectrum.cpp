#include "examples/convolve/text_spectrum.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "examples/convolve/sample.hpp"

namespace convolve {

namespace {

constexpr std::string_view k_blanks = " \t\r";

/// Takes the next word off the front of `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(k_blanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(k_blanks));
  line.remove_prefix(word.size());
  return word;
}

double number(std::string_view word) {
  // from_chars takes no plus sign.
  const std::string_view digits = word.starts_with('+') && !word.starts_with("+-") ? word.substr(1) : word;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size();
  if (whole && error == std::errc()) return value;
  std::string shown(word.substr(0, 40));
  if (shown.size() < word.size()) shown += "...";
  if (whole && error == std::errc::result_out_of_range) throw text_fault("'" + shown + "' is out of range");
  throw text_fault("'" + shown + "' is not a number" +
                   (word.find_first_of(",;") == word.npos ? "" : "; columns are separated by blanks"));
}

/// Appends the sample of one line, if it has one.
void parse_line(std::string_view line, std::vector<double>& samples) {
  line = line.substr(0, line.find('#'));
  double columns[2] = {};
  std::size_t count = 0;
  for (std::string_view word; !(word = next_word(line)).empty(); ++count) {
    const double value = number(word);
    if (count < 2) columns[count] = value;
  }
  if (count == 0) return;
  if (count != 2) throw text_fault("expected 2 columns, found " + std::to_string(count));
  const double before = samples.empty() ? 0 : samples[samples.size() - 2];
  const std::string fault = fault_of_sample(columns[0], columns[1], before);
  if (!fault.empty()) throw text_fault(fault);
  samples.insert(samples.end(), columns, columns + 2);
}

}  // namespace

larder::array<const double> parse_text(const std::string& text) {
  std::vector<double> samples;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // a byte order mark, as some editors write it
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    try {
      parse_line(line, samples);
    } catch (const text_fault& fault) {
      throw text_fault("line " + std::to_string(number) + ": " + fault.what());
    }
  }
  const std::size_t count = samples.size() / 2;
  if (count < 2) throw text_fault("expected at least 2 samples, found " + std::to_string(count));
  return larder::array<double>::adopt(std::move(samples), {count, 2});
}

}  // namespace convolve
