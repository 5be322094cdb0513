#include "src/code_address.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <larder/error.hpp>

#include "src/fork_safety.hpp"
#include "src/modules.hpp"

namespace larder::detail {
namespace {

// A place in a module:
//   u8 holder; and unless that is `none`:
//   text path (of a library only), text build, u64 offset from the module's base
// text: u32 length, bytes. As this machine has them in memory.
enum class holder : std::uint8_t { none = 0, program = 1, library = 2 };

// Longer paths than this cannot be opened, and longer build ids are nobody's.
constexpr std::uint32_t k_longest_text = 1 << 14;

template <class T>
void write_number(T n, travel_writer& to) {
  to.bytes(&n, sizeof n);
}
template <class T>
T read_number(travel_reader& from) {
  T n;
  from.bytes(&n, sizeof n);
  return n;
}

[[noreturn]] void refuse_bytes(const char* what) {
  throw not_shippable(std::string("parallel: what came from the other process is damaged: ") + what);
}

void write_text(std::string_view text, travel_writer& to) {
  if (text.size() > k_longest_text) {
    throw not_shippable("parallel: the path or the build id of a module has " + std::to_string(text.size()) +
                        " bytes, which is more than can go to another process");
  }
  write_number(static_cast<std::uint32_t>(text.size()), to);
  to.bytes(text.data(), text.size());
}
std::string read_text(travel_reader& from) {
  const auto size = read_number<std::uint32_t>(from);
  if (size > k_longest_text) refuse_bytes("a text of impossible length");
  std::string text(size, '\0');
  from.bytes(text.data(), size);
  return text;
}

std::string name_of(const std::string& path) { return path.empty() ? "the program" : path; }

/// The build for messages and comparison; what stands in the way of knowing it, as a not_shippable.
std::string build_of(const loaded_module& m) {
  try {
    return m.build();
  } catch (const io_error& e) {
    throw not_shippable(std::string("parallel: ") + name_of(m.path()) +
                        " has no build id, and its content cannot be read instead (" + e.what() +
                        "); link it with -Wl,--build-id");
  }
}

void require_build(const loaded_module& m, const std::string& expected) {
  const std::string found = build_of(m);
  if (found == expected) return;
  throw not_shippable("parallel: a worker has another build of " + name_of(m.path()) +
                      " than the program that started it: expected " + expected + ", found " + found +
                      "; if the file was replaced since the program started, start the program again");
}

// Libraries that were opened here under paths that the loader does not name them by: a place in each. Guarded by fork_safe_mutex; they
// stay open, and the map is there to the end.
std::map<std::string, const void*, std::less<>>& opened_libraries() {
  static auto& opened = *new std::map<std::string, const void*, std::less<>>;
  return opened;
}

std::shared_ptr<const loaded_module> find_module(const std::string& path) {
  const auto modules = loaded_modules();
  const auto found = std::ranges::find_if(*modules, [&](const auto& m) { return m->path() == path; });
  if (found != modules->end()) return *found;
  const void* inside = nullptr;
  {
    const std::lock_guard lock(fork_safe_mutex());
    const auto known = opened_libraries().find(path);
    if (known != opened_libraries().end()) inside = known->second;
  }
  return inside == nullptr ? nullptr : module_at(inside);
}

/// Opens a library that stays open if it is the build that was expected.
std::shared_ptr<const loaded_module> open_library(const std::string& path, const std::string& build) {
  if (!path.starts_with('/')) refuse_bytes("the path of a library is not absolute");
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = ::dlerror();
    throw not_shippable("parallel: " + path +
                        " holds code that was sent to a worker, which cannot open it: " +
                        (why != nullptr ? why : "dlopen gives no reason"));
  }
  try {
    link_map* map = nullptr;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) map = nullptr;
    const auto opened = map == nullptr ? nullptr : module_at(map->l_ld);
    if (!opened) {
      throw not_shippable("parallel: " + path +
                          " was opened in a worker, but the loader does not say where it lies");
    }
    require_build(*opened, build);
    const std::lock_guard lock(fork_safe_mutex());
    opened_libraries()[path] = map->l_ld;
    return opened;
  } catch (...) {
    ::dlclose(handle);
    throw;
  }
}

struct place {
  std::shared_ptr<const loaded_module> module;
  std::uintptr_t address = 0;

  [[noreturn]] void refuse(const char* what) const {
    char offset[2 * sizeof address + 3];
    std::snprintf(offset, sizeof offset, "0x%zx", static_cast<std::size_t>(address - module->base()));
    throw not_shippable(std::string("parallel: ") + what + " was sent, but there is none at offset " +
                        offset + " of " + name_of(module->path()));
  }

  /// Whether so many bytes from here lie in one loaded segment for which `allowed` holds.
  template <class Allowed>
  bool lies_in(std::size_t bytes, Allowed allowed) const {
    return std::ranges::any_of(module->segments(), [&](const ElfW(Phdr) & s) {
      return allowed(s) && module->holds(s, address, bytes);
    });
  }
};

void write_place(const void* address, travel_writer& to) {
  if (address == nullptr) return write_number(holder::none, to);
  const auto m = module_at(address);
  if (!m) {
    char text[2 * sizeof address + 3];
    std::snprintf(text, sizeof text, "%p", address);
    throw not_shippable(
        std::string("parallel: the function at ") + text +
        " lies in no loaded program or library (code that was made at run time?), so it cannot go to "
        "another process; use the backend fork or threads");
  }
  if (m->is_program()) {
    write_number(holder::program, to);
  } else {
    write_number(holder::library, to);
    write_text(m->path(), to);
  }
  write_text(build_of(*m), to);
  write_number(std::uint64_t{reinterpret_cast<std::uintptr_t>(address) - m->base()}, to);
}

/// Without a module where nothing was sent.
place read_place(travel_reader& from) {
  const auto which = read_number<holder>(from);
  if (which == holder::none) return {};
  if (which != holder::program && which != holder::library) refuse_bytes("an unknown kind of module");
  const std::string path = which == holder::library ? read_text(from) : std::string();
  if (which == holder::library && path.empty()) refuse_bytes("a library without a path");
  const std::string build = read_text(from);
  const auto offset = read_number<std::uint64_t>(from);
  std::shared_ptr<const loaded_module> m = find_module(path);
  if (m) {
    require_build(*m, build);
  } else {
    m = open_library(path, build);
  }
  const std::uintptr_t address = m->base() + static_cast<std::uintptr_t>(offset);
  return {std::move(m), address};
}

bool has(const ElfW(Phdr) & segment, ElfW(Word) flags) {
  return segment.p_type == PT_LOAD && (segment.p_flags & flags) == flags;
}

/// Whether it lies in memory that nobody writes to once the module is loaded. Constants that hold addresses are written by the
/// loader; in a module without PT_GNU_RELRO they lie among variables.
bool lies_in_constants(const place& at, std::size_t bytes) {
  const auto& segments = at.module->segments();
  const bool has_relro =
      std::ranges::find(segments, ElfW(Word){PT_GNU_RELRO}, &ElfW(Phdr)::p_type) != segments.end();
  if (!at.lies_in(bytes, [](const ElfW(Phdr) & s) { return has(s, PF_R); })) return false;
  return at.lies_in(bytes, [&](const ElfW(Phdr) & s) {
    return s.p_type == PT_GNU_RELRO || (s.p_type == PT_LOAD && (!has_relro || (s.p_flags & PF_W) == 0));
  });
}

/// Whether what lies there says that it is this one. It may be something else, or lie across several things, which the address
/// sanitizer would object to.
__attribute__((no_sanitize("address"))) bool is_descriptor(const task_descriptor& there,
                                                           std::uint64_t signature) {
  return there.magic == task_descriptor::k_magic && there.signature == signature;
}

/// Whether the pointer is one to a virtual function; `function` is then no address.
bool is_virtual(const member_function_parts& pointer) {
#if defined(__aarch64__) || defined(__arm__)
  return pointer.adjustment % 2 != 0;
#else
  return pointer.function % 2 != 0;
#endif
}

}  // namespace

void write_code_address(const void* address, travel_writer& to) { write_place(address, to); }

const void* read_code_address(travel_reader& from) {
  const place at = read_place(from);
  if (!at.module) return nullptr;
  if (!at.lies_in(1, [](const ElfW(Phdr) & s) { return has(s, PF_X); })) at.refuse("a function");
  return reinterpret_cast<const void*>(at.address);
}

void write_member_function(const member_function_parts& pointer, travel_writer& to) {
  write_number(pointer.adjustment, to);
  const bool no_code = is_virtual(pointer);
  write_number(std::uint8_t{no_code}, to);
  if (no_code) {
    write_number(pointer.function, to);
  } else {
    write_code_address(reinterpret_cast<const void*>(pointer.function), to);
  }
}

member_function_parts read_member_function(travel_reader& from) {
  member_function_parts pointer{};
  pointer.adjustment = read_number<std::ptrdiff_t>(from);
  const bool no_code = read_number<std::uint8_t>(from) != 0;
  pointer.function =
      no_code ? read_number<std::uintptr_t>(from) : reinterpret_cast<std::uintptr_t>(read_code_address(from));
  if (is_virtual(pointer) != no_code) refuse_bytes("a pointer to a member function");
  return pointer;
}

void write_descriptor(const task_descriptor& descriptor, travel_writer& to) {
  write_place(&descriptor, to);
  write_number(descriptor.signature, to);
}

const task_descriptor& read_descriptor(travel_reader& from) {
  const place at = read_place(from);
  const auto signature = read_number<std::uint64_t>(from);
  if (!at.module) refuse_bytes("a call without a descriptor");
  static constexpr const char* k_what = "the descriptor of a call";
  if (at.address % alignof(task_descriptor) != 0 || !lies_in_constants(at, sizeof(task_descriptor)))
    at.refuse(k_what);
  const auto& descriptor = *reinterpret_cast<const task_descriptor*>(at.address);
  if (!is_descriptor(descriptor, signature)) at.refuse(k_what);
  return descriptor;
}

void write_modules(travel_writer& to) {
  const auto modules = loaded_modules();
  for (const auto& m : *modules) {
    if (!m->has_file()) continue;
    std::string build;
    try {
      build = m->build();
    } catch (const io_error&) {
      continue;  // unloaded since, or without a file that could be compared: it is refused if code in it is sent
    }
    write_number(std::uint8_t{1}, to);
    write_text(m->path(), to);
    write_text(build, to);
  }
  write_number(std::uint8_t{0}, to);
}

void check_modules(travel_reader& from) {
  const auto modules = loaded_modules();
  while (read_number<std::uint8_t>(from) != 0) {
    const std::string path = read_text(from);
    const std::string build = read_text(from);
    const auto same = std::ranges::find_if(*modules, [&](const auto& m) { return m->path() == path; });
    if (same != modules->end()) require_build(**same, build);
  }
}

}  // namespace larder::detail
