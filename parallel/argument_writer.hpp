#pragma once
// Functions, arguments and inputs on their way to workers. A message is written once, whoever gets it.
//
//   argument_writer to(rules);
//   write_travelling(value, to);
//   outgoing_message message = to.take();
//   sender.send(message.files);   // to each of those who get the bytes

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <larder/mmap_mode.hpp>

#include "parallel/message_writer.hpp"
#include "src/shared_file.hpp"

namespace larder::detail {

/// Which arrays are mapped, and how.
struct passing_rules {
  std::uint64_t max_nbytes;  // arrays of more
  larder::mmap_mode mmap_mode;
  std::string temp_folder;  // for memory that is moved; empty: none
};

struct outgoing_message {
  std::string bytes;
  std::vector<std::shared_ptr<const shared_file>> files;  // each once
};

/// Arrays of more than max_nbytes are moved to where other processes can map them, if they do not lie there already; from then on
/// children of fork share them, too. Copied into the message are: smaller ones, but not of memory that was made to be shared or of a file that is mapped to be written to; all where the mmap_mode is none; memory that belongs to others, and
/// arrays on the heap of less than 64 KiB, for both of which read_write is a value_error; what is in a file that is no longer at its path.
/// io_error where there is no memory to move to.
class argument_writer final : public message_encoder {
 public:
  explicit argument_writer(const passing_rules& rules) : rules_(rules) {}

  /// What was written; the next message begins.
  outgoing_message take();
  /// Begins it anew, after what was written has thrown.
  void drop() noexcept { take(); }

 private:
  void put(const raw_array& a) override;

  passing_rules rules_;
  std::vector<std::shared_ptr<const shared_file>> files_;
  std::size_t files_on_disk_ = 0;
};

}  // namespace larder::detail
