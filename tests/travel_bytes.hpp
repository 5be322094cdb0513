#pragma once
// What travels, as bytes in memory: for what is not made of values.

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <larder/detail/travel.hpp>

class bytes_writer final : public larder::detail::travel_writer {
 public:
  void bytes(const void* data, std::size_t count) override {
    text.append(static_cast<const char*>(data), count);
  }
  larder::detail::value_sink& value() override { throw std::logic_error("a value"); }

  std::string text;
};

class bytes_reader final : public larder::detail::travel_reader {
 public:
  explicit bytes_reader(std::string text) : text_(std::move(text)) {}

  void bytes(void* data, std::size_t count) override {
    if (count > text_.size() - at_) throw std::out_of_range("no more bytes");
    std::memcpy(data, text_.data() + at_, count);
    at_ += count;
  }
  larder::detail::value_source& value() override { throw std::logic_error("a value"); }
  bool at_end() const noexcept { return at_ == text_.size(); }

 private:
  std::string text_;
  std::size_t at_ = 0;
};
