#pragma once
// Values on their way to another process of this machine, written to a log as one message.
//
//   message_writer to(log, max_nbytes);
//   write_travelling(value, to);  to.bytes(&count, sizeof count);
//   to.finish();

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <larder/detail/travel.hpp>

#include "parallel/shared_log.hpp"

namespace larder::detail {

/// Arrays of more than 64 KiB, or than max_nbytes, lie beside the message in the log; message_reader maps those of more than max_nbytes
/// and copies the others. What a message is made of:
///   bytes    as they are
///   array    u8 dtype, u8 order (0 rows, 1 columns), u8 place (0 here, 1 in the log), u8 rank, u64 sizes, and here the data, there
///            the u64 offset of them
///   value    u8 1, an array; or u8 2, an object: u32 schema, a text (the type), a text (the stream), u32 number of arrays, arrays
///   text     u64 length, bytes
/// All as this machine has them in memory, without gaps.
class message_writer final : public travel_writer, private value_sink {
 public:
  message_writer(log_writer& log, std::uint64_t max_nbytes) noexcept;

  void bytes(const void* data, std::size_t count) override {
    message_.append(static_cast<const char*>(data), count);
  }
  template <class T>
  void number(T n) {
    bytes(&n, sizeof n);
  }
  void text(std::string_view text);
  value_sink& value() override { return *this; }

  /// Ends the message; io_error where there is no memory for it. The next one begins.
  void finish();
  /// Begins it anew.
  void drop() noexcept { message_.clear(); }

 private:
  void array(const raw_array& a) override;
  void object(const object_parts& object) override;

  void put(const raw_array& a);

  log_writer& log_;
  std::size_t most_inside_;
  std::string message_;
};

enum class value_kind : std::uint8_t { array = 1, object = 2 };
enum class data_place : std::uint8_t { message = 0, log = 1 };

}  // namespace larder::detail
