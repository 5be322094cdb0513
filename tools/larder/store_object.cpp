#include "tools/larder/store_object.hpp"

#include <algorithm>
#include <cerrno>
#include <tuple>

#include <sys/stat.h>

#include <larder/error.hpp>

#include "cache/object_use.hpp"
#include "src/object_name.hpp"
#include "tools/larder/quantity.hpp"
#include "tools/larder/store_arguments.hpp"
#include "tools/larder/streams.hpp"

namespace larder::command {
namespace {

store_object describe(const std::string& location, detail::catalog_object found) {
  store_object object{.name = detail::object_name(found.file).value_or(""),
                      .path = location + "/" + found.file,
                      .found = std::move(found)};
  object.in_use = detail::use_of(object.path) == detail::file_use::used;
  return object;
}

}  // namespace

std::vector<store_object> read_store(const detail::store_state& state) {
  const std::string location = state.location().string();
  std::vector<store_object> objects;
  for (auto& each : detail::read_objects(location)) objects.push_back(describe(location, std::move(each)));
  std::ranges::sort(objects, {}, [](const store_object& each) {
    return std::tuple(each.name.empty(), std::tie(each.name, each.found.file));
  });
  return objects;
}

store_object find_object(const detail::store_state& state, const std::string& space,
                         const std::string& name) {
  const std::string path = state.path_of(name);
  struct ::stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) refuse_absent(space, name);
    throw io_error(path, "cannot look at", errno);
  }
  return describe(state.location().string(),
                  detail::describe_object(path.substr(path.rfind('/') + 1), status));
}

std::string label_of(const std::string& name, const std::string& file) {
  if (!name.empty()) return printable(name);
  constexpr std::size_t k_mark = 2;  // "%r"
  constexpr std::size_t k_digits = 8;
  return "(ref) " + file.substr(k_mark, k_digits) + "\u2026";
}

std::string marks_of(const store_object& object) {
  std::string marks = object.found.pinned ? "pinned" : "";
  if (object.in_use) marks += marks.empty() ? "in use" : ", in use";
  return marks;
}

nlohmann::json name_json(std::string_view name) {
  return name.empty() ? nlohmann::json() : nlohmann::json(name);
}

nlohmann::json object_json(const store_object& object) {
  return {{"name", name_json(object.name)},
          {"path", object.path},
          {"bytes", object.found.bytes},
          {"created", time_text(object.found.created)},
          {"last_used", time_text(object.found.last_used)},
          {"pinned", object.found.pinned},
          {"in_use", object.in_use}};
}

}  // namespace larder::command
