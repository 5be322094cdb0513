#include "parallel/file_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <larder/error.hpp>

#include "parallel/descriptor_message.hpp"
#include "src/descriptor.hpp"
#include "src/movable_pages.hpp"

namespace larder::detail {
namespace {

constexpr const char* k_name = "an array from another process";

/// A process may have some 65,000 mappings, and others need some, too.
constexpr std::size_t k_most_mapped = 16'384;

[[noreturn]] void refuse(const std::string& detail) {
  throw format_error(k_name, format_code::object, detail);
}

class received_memory final : public buffer {
 public:
  /// `file` may be null: then nobody else can have it.
  received_memory(std::byte* data, std::size_t bytes, std::uint64_t offset, mmap_mode mode,
                  std::shared_ptr<const shared_file> file) noexcept
      : buffer(data, bytes), offset_(offset), mode_(mode), file_(std::move(file)) {}
  ~received_memory() override { ::munmap(data(), size()); }

  std::optional<mapped_origin> origin() const override { return mapped_origin{{}, offset_, mode_}; }

  std::optional<placed_buffer> place(const std::string& temp_folder, moving may_move) const override {
    if (mode_ == mmap_mode::copy_on_write)
      return pages_.place(data(), size(), PROT_READ | PROT_WRITE, sharing::as_asked, temp_folder, may_move);
    if (!file_) return std::nullopt;
    const bool writes = mode_ == mmap_mode::read_write;
    return placed_buffer{file_, offset_, size(), data(), writes ? sharing::read_write : sharing::read_only};
  }

 private:
  std::uint64_t offset_;
  mmap_mode mode_;
  std::shared_ptr<const shared_file> file_;
  movable_pages pages_;  // of a private mapping
};

std::shared_ptr<const buffer> map_part(const std::shared_ptr<const shared_file>& file, std::uint64_t offset,
                                       std::size_t bytes, mmap_mode mode) {
  const bool is_private = mode == mmap_mode::copy_on_write;
  const int protection = mode == mmap_mode::read ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const data = ::mmap(nullptr, bytes, protection, is_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED,
                            file->fd(), static_cast<off_t>(offset));
  if (data == MAP_FAILED) return nullptr;
  // Advice, for who touches pages first: who only reads finds those that are there.
  if (bytes >= k_huge_bytes && mode == mmap_mode::read_write) ::madvise(data, bytes, MADV_HUGEPAGE);
  try {
    return std::make_shared<received_memory>(static_cast<std::byte*>(data), bytes, offset, mode,
                                             file->keep() ? file : nullptr);
  } catch (...) {
    ::munmap(data, bytes);
    throw;
  }
}

}  // namespace

std::shared_ptr<const buffer> file_table::map(std::uint64_t id, std::uint64_t offset, std::uint64_t bytes,
                                              mmap_mode mode) {
  known_file& from = find(id);
  const part wanted{offset, bytes, mode};
  if (const auto there = from.mapped.find(wanted); there != from.mapped.end()) return there->second;

  struct ::stat status {};
  if (::fstat(from.file->fd(), &status) != 0) throw io_error(k_name, "cannot read the status", errno);
  const auto there = static_cast<std::uint64_t>(status.st_size);
  // A mapping beyond the end would be a signal when it is touched.
  if (bytes == 0 || offset % page_bytes() != 0 || offset > there || bytes > there - offset)
    refuse("it lies where its file has nothing");

  auto mapped = map_part(from.file, offset, static_cast<std::size_t>(bytes), mode);
  if (!mapped) {
    unmap_all();
    mapped = map_part(from.file, offset, static_cast<std::size_t>(bytes), mode);
  }
  if (!mapped) throw io_error(k_name, "cannot map", errno);
  if (mode == mmap_mode::copy_on_write) return mapped;
  if (mapped_ >= k_most_mapped) unmap_all();
  from.mapped.emplace(wanted, mapped);
  ++mapped_;
  return mapped;
}

void file_table::receive_all() {
  while (received_ != packets_.load() && receive()) {
  }
}

// What was sent before it was to be forgotten is here by now; were it still in the socket, it would stay for ever.
void file_table::forget(std::uint64_t id) noexcept {
  try {
    receive_all();
  } catch (...) {  // who needs what could not be taken is told
  }
  const auto known = files_.find(id);
  if (known == files_.end() || --known->second.times != 0) return;
  mapped_ -= known->second.mapped.size();
  files_.erase(known);
}

void file_table::forget_all() noexcept {
  files_.clear();
  mapped_ = 0;
}

void file_table::clear() noexcept {
  try {
    receive_all();
  } catch (...) {
  }
  forget_all();
}

void file_table::unmap_all() noexcept {
  for (auto& [id, known] : files_) known.mapped.clear();
  mapped_ = 0;
}

file_table::known_file& file_table::find(std::uint64_t id) {
  while (true) {
    if (const auto known = files_.find(id); known != files_.end()) return known->second;
    if (!receive()) refuse("the file that it lies in was not sent");
  }
}

// The descriptors of a message are in the socket before the message can be seen, so there is nothing to wait for.
bool file_table::receive() {
  std::array<std::uint64_t, k_most_descriptors> ids{};
  auto message = receive_descriptors(socket_, std::as_writable_bytes(std::span(ids)), when_blocked::give_up);
  if (!message) return false;
  ++received_;
  std::vector<descriptor>& files = message->descriptors;
  if (message->bytes != files.size() * sizeof(std::uint64_t)) refuse("a packet without its files");
  for (std::size_t i = 0; i != files.size(); ++i) {
    if (const auto known = files_.find(ids[i]); known != files_.end()) {
      ++known->second.times;  // it comes again before it was forgotten
    } else {
      files_.emplace(ids[i], known_file{std::make_shared<shared_file>(std::move(files[i])), 1, {}});
    }
  }
  return true;
}

}  // namespace larder::detail
