#pragma once
// The program and its libraries as they are loaded.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <link.h>

#include <larder/digest.hpp>

namespace larder::detail {

/// The program itself or a library. Thread-safe.
class loaded_module {
 public:
  /// What dl_iterate_phdr says of it, called from there.
  explicit loaded_module(const dl_phdr_info& info, bool is_program);

  /// Absolute; empty for the program itself. Without a slash for what has no file: the kernel's own (vdso).
  const std::string& path() const noexcept { return path_; }
  bool is_program() const noexcept { return path_.empty(); }
  bool has_file() const noexcept { return is_program() || path_.find('/') != std::string::npos; }

  /// What is added to the addresses in `segments`.
  std::uintptr_t base() const noexcept { return base_; }
  const std::vector<ElfW(Phdr)>& segments() const noexcept { return segments_; }
  /// Where a segment lies in memory.
  std::uintptr_t begin(const ElfW(Phdr) & segment) const noexcept { return base_ + segment.p_vaddr; }
  bool holds(const ElfW(Phdr) & segment, std::uintptr_t address, std::size_t bytes = 1) const noexcept {
    const std::uintptr_t offset = address - begin(segment);
    return address >= begin(segment) && offset < segment.p_memsz && bytes <= segment.p_memsz - offset;
  }

  /// The linker's build id, as it is; empty if it has none.
  const std::string& build_id() const noexcept { return build_id_; }
  /// Of the file, and of what is loaded of it and never written to. Computed once. io_error where the file cannot be read,
  /// or where it is not loaded any more.
  digest content() const;
  /// Which build it is, readable: its build id, or else its content. io_error as content().
  std::string build() const;

 private:
  friend class module_table;
  bool is_same(const loaded_module& other) const noexcept {
    return base_ == other.base_ && loaded_as_ == other.loaded_as_;
  }
  /// Makes a relative path absolute.
  void find_path();

  std::string path_;
  std::string loaded_as_;
  std::uintptr_t base_;
  std::vector<ElfW(Phdr)> segments_;
  std::string build_id_;
  std::string build_id_text_;
  mutable std::optional<digest> content_;  // guarded by fork_safe_mutex
};

using module_list = std::vector<std::shared_ptr<const loaded_module>>;

/// Those that are loaded now, in the loader's order, in which the program is the first. What another thread unloads stays in
/// the list. Quick where nothing was loaded or unloaded since the last time, here and below.
std::shared_ptr<const module_list> loaded_modules();
/// The one in whose loaded segments an address lies, or null.
std::shared_ptr<const loaded_module> module_at(const void* address);

}  // namespace larder::detail
