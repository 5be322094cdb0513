#include "src/code_id.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <link.h>

#include <larder/detail/hash_stream.hpp>
#include <larder/error.hpp>

#include "src/descriptor.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

struct module {
  std::string path;  // empty for the program itself
  std::uintptr_t base = 0;
  std::vector<ElfW(Phdr)> segments;

  bool holds(std::uintptr_t address) const {
    return std::ranges::any_of(segments, [&](const ElfW(Phdr) & s) {
      return s.p_type == PT_LOAD && address >= base + s.p_vaddr && address - (base + s.p_vaddr) < s.p_memsz;
    });
  }

  bool belongs_to_system() const {
    return std::ranges::any_of(
        std::array{"/lib/", "/lib32/", "/lib64/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/"},
        [&](const char* directory) { return path.starts_with(directory); });
  }
};

std::vector<module> loaded_modules() {
  std::vector<module> modules;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        static_cast<std::vector<module>*>(out)->push_back(
            {info->dlpi_name, info->dlpi_addr, {info->dlpi_phdr, info->dlpi_phdr + info->dlpi_phnum}});
        return 0;
      },
      &modules);
  return modules;
}

/// The linker's build id, from the notes that are loaded with the module; empty if it has none.
std::string_view build_id(const module& m) {
  for (const ElfW(Phdr) & s : m.segments) {
    if (s.p_type != PT_NOTE) continue;
    const std::size_t alignment = s.p_align == 8 ? 8 : 4;
    const auto padded = [alignment](std::size_t n) { return (n + alignment - 1) / alignment * alignment; };
    std::string_view notes(reinterpret_cast<const char*>(m.base + s.p_vaddr), s.p_memsz);
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

/// The strings of a module's dynamic section under one tag: DT_NEEDED, the libraries that it asks for, or DT_SONAME,
/// the name under which others ask for it.
std::vector<std::string_view> dynamic_names(const module& m, ElfW(Sxword) tag) {
  std::vector<std::string_view> names;
  for (const ElfW(Phdr) & s : m.segments) {
    if (s.p_type != PT_DYNAMIC) continue;
    const auto* first = reinterpret_cast<const ElfW(Dyn)*>(m.base + s.p_vaddr);
    const char* strings = nullptr;
    for (const auto* d = first; d->d_tag != DT_NULL; ++d) {
      if (d->d_tag != DT_STRTAB) continue;
      // The loader has made it an address, except in the kernel's own module (vdso) and on some machines.
      const std::uintptr_t address = d->d_un.d_ptr < m.base ? m.base + d->d_un.d_ptr : d->d_un.d_ptr;
      strings = reinterpret_cast<const char*>(address);
    }
    if (strings == nullptr) continue;
    for (const auto* d = first; d->d_tag != DT_NULL; ++d) {
      if (d->d_tag == tag) names.emplace_back(strings + d->d_un.d_val);
    }
  }
  return names;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Whether a library is the one that others ask for by `name`: by its soname, or by its file.
bool answers_to(const module& m, std::string_view name) {
  const auto sonames = dynamic_names(m, DT_SONAME);
  return file_name(m.path) == file_name(name) || std::ranges::find(sonames, name) != sonames.end();
}

/// Of what is loaded and never written to, code and constants, since the file may be another by now; and of the file,
/// for the initial values of variables.
digest content_digest(const module& m) {
  xxh3_stream stream;
  const auto file = descriptor::open(m.path.empty() ? "/proc/self/exe" : m.path, O_RDONLY);
  std::vector<std::byte> bytes(std::size_t{1} << 20);
  std::uint64_t offset = 0;
  while (const std::size_t n = file.read_at(bytes, offset)) {
    stream.update(std::span(bytes).first(n));
    offset += n;
  }
  for (const ElfW(Phdr) & s : m.segments) {
    if (s.p_type != PT_LOAD || (s.p_flags & PF_W) != 0 || (s.p_flags & PF_R) == 0) continue;
    stream.update({reinterpret_cast<const std::byte*>(m.base + s.p_vaddr), s.p_filesz});
  }
  return stream.finish();
}

}  // namespace

std::string code_id(const void* address) {
  const std::vector<module> modules = loaded_modules();
  const auto holder = std::ranges::find_if(
      modules, [&](const module& m) { return m.holds(reinterpret_cast<std::uintptr_t>(address)); });
  if (holder == modules.end()) {
    throw value_error("cache: the function's code lies in no loaded module; give it a .version");
  }
  // The holder, then what it needs, each once, in the order of their dynamic sections.
  std::vector<const module*> parts = {&*holder};
  hash_stream stream;
  // Which of the module's functions: the same place in the same build is the same function.
  stream.unsigned_integer(reinterpret_cast<std::uintptr_t>(address) - holder->base, 8);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const module& part = *parts[i];
    if (const std::string_view id = build_id(part); !id.empty()) {
      stream.text(id);
    } else {
      stream.array(content_digest(part));
    }
    for (const std::string_view name : dynamic_names(part, DT_NEEDED)) {
      const auto library =
          std::ranges::find_if(modules, [&](const module& m) { return answers_to(m, name); });
      if (library == modules.end() || library->belongs_to_system()) continue;
      if (std::ranges::find(parts, &*library) == parts.end()) parts.push_back(&*library);
    }
  }
  return stream.finish().hex();
}

}  // namespace larder::detail
