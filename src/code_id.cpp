#include "src/code_id.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <elf.h>
#include <link.h>

#include <larder/detail/hash_stream.hpp>
#include <larder/error.hpp>

#include "src/modules.hpp"

namespace larder::detail {
namespace {

bool belongs_to_system(const loaded_module& m) {
  return std::ranges::any_of(
      std::array{"/lib/", "/lib32/", "/lib64/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/"},
      [&](const char* directory) { return m.path().starts_with(directory); });
}

/// The strings of a module's dynamic section under one tag: DT_NEEDED, the libraries that it asks for, or DT_SONAME,
/// the name under which others ask for it.
std::vector<std::string_view> dynamic_names(const loaded_module& m, ElfW(Sxword) tag) {
  std::vector<std::string_view> names;
  for (const ElfW(Phdr) & s : m.segments()) {
    if (s.p_type != PT_DYNAMIC) continue;
    const auto* first = reinterpret_cast<const ElfW(Dyn)*>(m.begin(s));
    const char* strings = nullptr;
    for (const auto* d = first; d->d_tag != DT_NULL; ++d) {
      if (d->d_tag != DT_STRTAB) continue;
      // The loader has made it an address, except in the kernel's own module (vdso) and on some machines.
      const std::uintptr_t address = d->d_un.d_ptr < m.base() ? m.base() + d->d_un.d_ptr : d->d_un.d_ptr;
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
bool answers_to(const loaded_module& m, std::string_view name) {
  const auto sonames = dynamic_names(m, DT_SONAME);
  return file_name(m.path()) == file_name(name) || std::ranges::find(sonames, name) != sonames.end();
}

}  // namespace

std::string code_id(const void* address) {
  const auto holder = module_at(address);
  if (!holder) {
    throw value_error("cache: the function's code lies in no loaded module; give it a .version");
  }
  const auto modules = loaded_modules();
  // The holder, then what it needs, each once, in the order of their dynamic sections.
  std::vector<const loaded_module*> parts = {holder.get()};
  hash_stream stream;
  // Which of the module's functions: the same place in the same build is the same function.
  stream.unsigned_integer(reinterpret_cast<std::uintptr_t>(address) - holder->base(), 8);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const loaded_module& part = *parts[i];
    if (!part.build_id().empty()) {
      stream.text(part.build_id());
    } else {
      stream.array(part.content());
    }
    for (const std::string_view name : dynamic_names(part, DT_NEEDED)) {
      const auto library =
          std::ranges::find_if(*modules, [&](const auto& m) { return answers_to(*m, name); });
      if (library == modules->end() || belongs_to_system(**library)) continue;
      if (std::ranges::find(parts, library->get()) == parts.end()) parts.push_back(library->get());
    }
  }
  return stream.finish().hex();
}

}  // namespace larder::detail
