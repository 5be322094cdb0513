#include "cache/byte_ledger.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include <unistd.h>

#include "cache/entry_directory.hpp"
#include "src/little_endian.hpp"

namespace larder::detail {
namespace {

constexpr std::string_view k_magic = "LRDBYTES";
constexpr std::uint64_t k_unknown = ~std::uint64_t{0};
constexpr std::uint64_t k_lock_byte = 0;

using count_text = std::array<std::byte, 16>;

/// Zeros where there is less.
count_text read_count(const lock_file& file) noexcept {
  count_text text{};
  if (::pread(file.fd(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) text = {};
  return text;
}

bool has_magic(const count_text& text) noexcept {
  return std::memcmp(text.data(), k_magic.data(), k_magic.size()) == 0;
}

}  // namespace

byte_ledger::byte_ledger(const cache_directory& directory, start how)
    : file_(std::make_unique<lock_file>(
          directory, how == start::anew ? lock_file::absent::make : lock_file::absent::leave)) {
  begin();
  if (kept_ || how != start::anew || !file_->is_open()) return;
  kept_ = true;
  write();
}

byte_ledger::byte_ledger(std::mutex& turn, kept_lock_files& files, int directory)
    : turn_(turn), file_(files, directory) {
  begin();
}

void byte_ledger::begin() noexcept {
  if (!file_->is_open()) return;
  (void)file_->lock(k_lock_byte, lock_file::kind::exclusive);  // where there are no locks, it is a guess
  const auto text = read_count(*file_);
  kept_ = has_magic(text);
  const auto bytes = get<std::uint64_t>(text, k_magic.size());
  if (kept_ && bytes != k_unknown) bytes_ = bytes;
}

bool byte_ledger::is_kept_in(const lock_file& file) noexcept {
  return file.is_open() && has_magic(read_count(file));
}

void byte_ledger::set(std::uint64_t bytes) noexcept {
  bytes_ = bytes;
  write();
}

void byte_ledger::add(std::uint64_t bytes) noexcept {
  if (bytes_ && bytes != 0) set(*bytes_ + bytes);
}

void byte_ledger::subtract(std::uint64_t bytes) noexcept {
  if (bytes_ && (bytes != 0 || !is_written_)) set(*bytes_ - std::min(bytes, *bytes_));
}

/// Where that fails, the count stays as it was: a walk comes at another time.
void byte_ledger::write() noexcept {
  if (!kept_) return;
  count_text text{};
  std::memcpy(text.data(), k_magic.data(), k_magic.size());
  put(text, k_magic.size(), bytes_.value_or(k_unknown));
  is_written_ = ::pwrite(file_->fd(), text.data(), text.size(), 0) == ssize_t{text.size()};
}

entry_totals remove_counted(const cache_directory& directory, function_ref<entry_totals()> remove) {
  byte_ledger ledger(directory, byte_ledger::start::if_kept);
  const entry_totals removed = remove();
  ledger.subtract(removed.bytes);
  return removed;
}

entry_totals remove_one_counted(const cache_directory& directory, const std::string& path) {
  return remove_counted(directory, [&path] { return remove_one_entry(path); });
}

}  // namespace larder::detail
