#include "parallel/argument_writer.hpp"

#include <algorithm>
#include <utility>

#include <larder/error.hpp>

#include "src/buffer.hpp"

namespace larder::detail {
namespace {

/// Who gets a message has all its files open at once. What is only read of further ones is copied.
constexpr std::size_t k_most_files = 128;

[[noreturn]] void refuse(const raw_array& a) {
  const std::string bytes = std::to_string(a.nbytes()) + " bytes";
  if (a.owner->is_foreign()) {
    throw value_error("parallel: an array of " + bytes +
                      " in memory that belongs to others cannot be passed with mmap_mode::read_write: "
                      "workers could not write to it. Use array<T>::shared, or pass a copy()");
  }
  throw value_error("parallel: an array of " + bytes +
                    " on the heap is too small to be passed with mmap_mode::read_write: use "
                    "array<T>::shared, or a larger max_nbytes");
}

}  // namespace

void argument_writer::put(const raw_array& a) {
  if (rules_.mmap_mode == mmap_mode::none) return put_here(a);
  // What was made to be shared is, whatever its size: what workers write to it must not be lost.
  const bool is_small = a.nbytes() <= rules_.max_nbytes;
  auto at = place(a, rules_.temp_folder, is_small ? moving::none : moving::allowed);
  if (is_small && (!at || at->sharing != sharing::read_write)) return put_here(a);
  if (!at) {
    // Without an owner it is a std::vector, of which workers get a copy in any case.
    if (a.owner && rules_.mmap_mode == mmap_mode::read_write) refuse(a);
    return put_here(a);
  }
  if (std::ranges::find(files_.rbegin(), files_.rend(), at->file) == files_.rend()) {
    if (at->sharing == sharing::read_only && files_on_disk_++ >= k_most_files) return put_here(a);
    files_.push_back(at->file);
  }
  const bool writes = at->sharing == sharing::read_write ||
                      (at->sharing == sharing::as_asked && rules_.mmap_mode == mmap_mode::read_write);
  put_in_file(a, *at, writes ? mmap_mode::read_write : mmap_mode::copy_on_write);
}

outgoing_message argument_writer::take() {
  std::ranges::sort(files_, {}, &shared_file::id_of);
  files_.erase(std::unique(files_.begin(), files_.end()), files_.end());
  files_on_disk_ = 0;
  return {std::exchange(message_, {}), std::exchange(files_, {})};
}

}  // namespace larder::detail
