#pragma once
// Values on their way to another process of this machine, as one message after the other.
//
//   message_writer to(log, max_nbytes, files);
//   write_travelling(value, to);  to.bytes(&count, sizeof count);
//   to.finish();

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <larder/detail/travel.hpp>
#include <larder/mmap_mode.hpp>

#include "parallel/file_sender.hpp"
#include "parallel/shared_log.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

/// What a message is made of:
///   bytes    as they are
///   array    u8 dtype, u8 order (0 rows, 1 columns), u8 place, u8 rank, u64 sizes; then, by the place,
///            0 here: the data
///            1 in the log: the u64 offset of them
///            2 in a file: i64 strides, u64 id of the file, u64 offset and u64 size of the buffer, u64 offset in that of the first element, u8
///              mmap_mode of an array<T> (an array<const T> is mapped read-only)
///   value    u8 1, an array; or u8 2, an object: u32 schema, a text (the type), a text (the stream), u32 number of arrays, arrays
///   text     u64 length, bytes
/// All as this machine has them in memory, without gaps.
class message_encoder : public travel_writer, private value_sink {
 public:
  message_encoder(const message_encoder&) = delete;
  message_encoder& operator=(const message_encoder&) = delete;

  void bytes(const void* data, std::size_t count) override {
    message_.append(static_cast<const char*>(data), count);
  }
  template <class T>
  void number(T n) {
    bytes(&n, sizeof n);
  }
  void text(std::string_view text);
  value_sink& value() override { return *this; }

 protected:
  message_encoder() = default;
  ~message_encoder() = default;

  /// Where the data of an array go that is not empty; whoever overrides it calls one of the put functions.
  virtual void put(const raw_array& a) = 0;
  void put_here(const raw_array& a);
  void put_in_log(const raw_array& a, log_writer& log);
  void put_in_file(const raw_array& a, const placed_array& at, mmap_mode writable_as);

  std::string message_;

 private:
  void array(const raw_array& a) final;
  void object(const object_parts& object) final;
  void put_head(const raw_array& a, bool columns, std::uint8_t place);
};

/// Results. Arrays of more than max_nbytes whose memory others can map already go as a descriptor, if there are `files`. Others of
/// more than 64 KiB, or than max_nbytes, lie beside the message in the log; message_reader maps those of more than max_nbytes and
/// copies the rest.
class message_writer final : public message_encoder {
 public:
  message_writer(log_writer& log, std::uint64_t max_nbytes, file_sender* files) noexcept;

  /// Ends the message; io_error where there is no memory for it. The next one begins. Returns whether files go with it.
  bool finish();
  /// Begins it anew. The memory of a large one is not kept.
  void drop() noexcept {
    if (message_.capacity() > k_most_kept) std::string().swap(message_);  // an assignment would keep it
    message_.clear();
    sent_.clear();
    has_log_data_ = false;
  }

  /// What was written of it.
  std::span<const std::byte> so_far() const noexcept { return std::as_bytes(std::span(message_)); }
  /// Whether it refers to what does not lie in it.
  bool refers() const noexcept { return has_log_data_ || !sent_.empty(); }
  /// Lets go of the end of it, with all that it refers to.
  void cut(std::size_t bytes) {
    message_.resize(bytes);
    sent_.clear();
    has_log_data_ = false;
  }
  /// Where a number was written before.
  template <class T>
  void overwrite(std::size_t at, T n) {
    message_.replace(at, sizeof n, reinterpret_cast<const char*>(&n), sizeof n);
  }

 private:
  void put(const raw_array& a) override;
  bool goes_as_file(const raw_array& a);

  static constexpr std::size_t k_most_kept = std::size_t{1} << 20;

  log_writer& log_;
  std::uint64_t max_nbytes_;
  file_sender* files_;
  std::vector<std::uint64_t> sent_;  // ids of files of this message
  bool has_log_data_ = false;
};

enum class value_kind : std::uint8_t { array = 1, object = 2 };
enum class data_place : std::uint8_t { message = 0, log = 1, file = 2 };

}  // namespace larder::detail
