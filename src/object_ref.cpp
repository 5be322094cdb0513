#include <larder/object_ref.hpp>

#include <cerrno>

#include <larder/error.hpp>

#include "src/object_name.hpp"
#include "src/sealed_file.hpp"

namespace larder::detail {

bool load_object(const std::string& path, bool is_object, verification verify,
                 function_ref<void(value_source&)> take) {
  if (path.empty()) refuse_absent_object(path);
  // Small objects are copied, which takes half the time of mapping them. Nobody minds, then, that they are not in use.
  return with_sealed_file(path, is_object ? object_demand::keep : object_demand::check, verify,
                          {.copy_small_files = true}, use_mark::always,
                          [&](value_file& file) { take(file); });
}

void refuse_absent_object(const std::string& path) {
  if (path.empty()) throw value_error("an object_ref that refers to nothing has no object");
  const std::string name = object_name_of(path);
  throw io_error(path,
                 name.empty() ? "there is no such object in the store"
                              : "there is no object \"" + name + "\" in the store",
                 ENOENT);
}

std::string object_name_of(const std::string& path) {
  return object_name(std::string_view(path).substr(path.rfind('/') + 1)).value_or("");
}

}  // namespace larder::detail
