#include "src/modules.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <span>
#include <string_view>

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>

#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/fork_safety.hpp"
#include "src/hex.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

/// From the notes that are loaded with the module; empty if it has none.
std::string_view find_build_id(const loaded_module& m) {
  for (const ElfW(Phdr) & s : m.segments()) {
    if (s.p_type != PT_NOTE) continue;
    const std::size_t alignment = s.p_align == 8 ? 8 : 4;
    const auto padded = [alignment](std::size_t n) { return (n + alignment - 1) / alignment * alignment; };
    std::string_view notes(reinterpret_cast<const char*>(m.begin(s)), s.p_memsz);
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, notes.data(), sizeof note);
      const std::size_t content = sizeof note + padded(note.n_namesz);
      const std::size_t end = content + padded(note.n_descsz);
      if (content + note.n_descsz > notes.size()) break;
      if (note.n_type == NT_GNU_BUILD_ID &&
          notes.substr(sizeof note, note.n_namesz) == std::string_view("GNU", 4)) {
        return notes.substr(content, note.n_descsz);
      }
      notes.remove_prefix(std::min(end, notes.size()));
    }
  }
  return {};
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += hex_of(static_cast<unsigned char>(c));
  return text;
}

/// The path of the file that is mapped at an address, as the kernel knows it; empty if none is.
std::string mapped_path(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2 || address < begin || address >= end)
      continue;
    const std::size_t path = line.find('/');
    return path == std::string::npos ? std::string() : line.substr(path);
  }
  return {};
}

/// Keeps a library loaded while it is looked at.
class loaded_library {
 public:
  explicit loaded_library(const std::string& path)
      : handle_(::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD)) {
    if (handle_ == nullptr) throw io_error(path, "is not loaded any more", ENOENT);
  }
  loaded_library(const loaded_library&) = delete;
  loaded_library& operator=(const loaded_library&) = delete;
  ~loaded_library() { ::dlclose(handle_); }

 private:
  void* handle_;
};

/// Of what is loaded and never written to, code and constants, since the file may be another by now; and of the file,
/// for the initial values of variables.
digest content_digest(const loaded_module& m) {
  xxh3_stream stream;
  const auto file = descriptor::open(m.is_program() ? "/proc/self/exe" : m.path(), O_RDONLY);
  std::vector<std::byte> bytes(std::size_t{1} << 20);
  std::uint64_t offset = 0;
  while (const std::size_t n = file.read_at(bytes, offset)) {
    stream.update(std::span(bytes).first(n));
    offset += n;
  }
  for (const ElfW(Phdr) & s : m.segments()) {
    if (s.p_type != PT_LOAD || (s.p_flags & PF_W) != 0 || (s.p_flags & PF_R) == 0) continue;
    stream.update({reinterpret_cast<const std::byte*>(m.begin(s)), s.p_filesz});
  }
  return stream.finish();
}

}  // namespace

loaded_module::loaded_module(const dl_phdr_info& info, bool is_program)
    : path_(is_program             ? ""
            : *info.dlpi_name == 0 ? "[vdso]"
                                   : info.dlpi_name),  // static programs name none
      loaded_as_(path_),
      base_(info.dlpi_addr),
      segments_(info.dlpi_phdr, info.dlpi_phdr + info.dlpi_phnum),
      build_id_(find_build_id(*this)),
      build_id_text_("build id " + hex(build_id_)) {}

void loaded_module::find_path() {
  if (is_program() || !has_file() || path_.front() == '/') return;
  const auto code = std::ranges::find(segments_, ElfW(Word){PT_LOAD}, &ElfW(Phdr)::p_type);
  std::string path = code == segments_.end() ? std::string() : mapped_path(begin(*code));
  if (!path.empty()) path_ = std::move(path);
}

digest loaded_module::content() const {
  {
    const std::lock_guard lock(fork_safe_mutex());
    if (content_) return *content_;
  }
  std::optional<loaded_library> kept;
  if (!is_program()) kept.emplace(path_);
  const digest content = content_digest(*this);
  const std::lock_guard lock(fork_safe_mutex());
  content_ = content;
  return content;
}

std::string loaded_module::build() const {
  return build_id_.empty() ? "content " + content().hex() : build_id_text_;
}

/// What the loader said the last time. All under fork_safe_mutex, also the loader's own short lock, which a fork would leave
/// taken in the child for ever.
class module_table {
 public:
  const std::shared_ptr<const module_list>& modules() {
    update();
    return modules_;
  }

  std::shared_ptr<const loaded_module> at(std::uintptr_t address) {
    update();
    const auto after = std::ranges::upper_bound(ranges_, address, {}, &range::begin);
    if (after == ranges_.begin()) return nullptr;
    const range& last = *std::prev(after);
    return address < last.end ? (*modules_)[last.module] : nullptr;
  }

 private:
  struct range {
    std::uintptr_t begin;
    std::uintptr_t end;
    std::size_t module;
  };
  /// How many modules the loader has loaded and unloaded so far.
  struct changes {
    unsigned long long loaded = 0;
    unsigned long long unloaded = 0;

    friend bool operator==(const changes&, const changes&) = default;
  };

  void update() {
    changes now;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
          *static_cast<changes*>(out) = {info->dlpi_adds, info->dlpi_subs};
          return 1;  // the same for all
        },
        &now);
    if (modules_ && now == seen_) return;

    struct {
      changes at;
      std::vector<std::shared_ptr<loaded_module>> modules;
    } found;
    using result = decltype(found);
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* out) {
          auto& [at, modules] = *static_cast<result*>(out);
          at = {info->dlpi_adds, info->dlpi_subs};
          modules.push_back(std::make_shared<loaded_module>(*info, modules.empty()));
          return 0;
        },
        &found);

    auto modules = std::make_shared<module_list>();
    for (const std::shared_ptr<loaded_module>& each : found.modules)
      modules->push_back(known(each, found.at));
    std::vector<range> ranges;
    for (std::size_t i = 0; i < modules->size(); ++i) {
      const loaded_module& m = *(*modules)[i];
      for (const ElfW(Phdr) & s : m.segments()) {
        if (s.p_type == PT_LOAD) ranges.push_back({m.begin(s), m.begin(s) + s.p_memsz, i});
      }
    }
    std::ranges::sort(ranges, {}, &range::begin);
    modules_ = std::move(modules);
    ranges_ = std::move(ranges);
    seen_ = found.at;
  }

  /// The module, or what is known of it already. What lies at the same place may be another one once anything was unloaded; the
  /// program never is.
  std::shared_ptr<const loaded_module> known(const std::shared_ptr<loaded_module>& found,
                                             const changes& at) const {
    if (modules_) {
      for (const auto& each : *modules_) {
        if (each->is_same(*found) && (each->is_program() || at.unloaded == seen_.unloaded)) return each;
      }
    }
    found->find_path();
    return found;
  }

  std::shared_ptr<const module_list> modules_;
  std::vector<range> ranges_;  // in order
  changes seen_;
};

namespace {

/// Under fork_safe_mutex. It lasts as long as the process, whose last calls may come from destructors of the program's.
module_table& table() {
  static auto& the_table = *new module_table;
  return the_table;
}

}  // namespace

std::shared_ptr<const module_list> loaded_modules() {
  const std::lock_guard lock(fork_safe_mutex());
  return table().modules();
}

std::shared_ptr<const loaded_module> module_at(const void* address) {
  const std::lock_guard lock(fork_safe_mutex());
  return table().at(reinterpret_cast<std::uintptr_t>(address));
}

}  // namespace larder::detail
