#include "cache/unsealed_object.hpp"

#include <utility>

#include <larder/error.hpp>

namespace larder::detail {

object_in_place::object_in_place(std::shared_ptr<const store_state> state, std::string_view name,
                                 const put_options& options, dtype type, const extents& shape) {
  std::string path = state->path_of(name);
  object_ = std::make_unique<unsealed_object>(
      unsealed_object{std::move(state), std::move(path), options, std::nullopt});
  unsealed_object& made = *object_;
  made.state->open_with_space(made.path, array_in_file::file_bytes(type, shape), [&] {
    made.content.reset();
    made.content.emplace(made.path, k_object_mode, store_state::at_path(options), type, shape);
  });
}

object_in_place::object_in_place(object_in_place&&) noexcept = default;
object_in_place& object_in_place::operator=(object_in_place&&) noexcept = default;
object_in_place::~object_in_place() = default;

unsealed_object& object_in_place::unsealed() const {
  if (!object_)
    throw value_error("store_writer: the object is sealed already (or the writer was moved from)");
  return *object_;
}

const raw_array& object_in_place::array() const {
  if (unsealed().finished_bytes)
    throw value_error(
        "store_writer: the array is complete since seal() was called, which can be called again");
  return unsealed().content->array();
}

std::string object_in_place::seal() {
  unsealed_object& object = unsealed();
  if (!object.finished_bytes) {
    if (object.content->has_other_handles()) {
      throw value_error(
          object.path +
          ": cannot be sealed while there are other handles on its array: what is sealed cannot be "
          "written to; let all copies and views of the array go before");
    }
    object.finished_bytes = object.content->finish();
  }
  object.state->publish(object.content->file(), object.path, *object.finished_bytes, object.options);
  const auto sealed = std::move(object_);
  return std::move(sealed->path);
}

verification object_in_place::verification() const { return unsealed().state->verification(); }

}  // namespace larder::detail
