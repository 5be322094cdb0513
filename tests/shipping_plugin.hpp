#pragma once
// What tests of shipping look up in their plugins.

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include <larder/detail/task_descriptor.hpp>

struct shipping_plugin {
  int (*times)(int);  // static in the plugin
  const larder::detail::task_descriptor* descriptor;
};

/// A plugin, loaded so that nothing else finds its symbols, for good.
inline shipping_plugin load_plugin(const std::string& path) {
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<shipping_plugin (*)()>(::dlsym(handle, "plugin"))();
}

/// Gives the file another inode, as installing a new version does.
inline void replace_file(const std::filesystem::path& path, const std::string& by) {
  const std::filesystem::path fresh = path.string() + ".new";
  std::filesystem::copy_file(by, fresh);
  std::filesystem::rename(fresh, path);
}
