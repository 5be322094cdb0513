#include <larder/detail/travel.hpp>

#include "src/readable_name.hpp"

namespace larder::detail {

std::string not_travelling_text(travel_role role, const std::type_info& type) {
  const std::string name = readable_name(type);
  switch (role) {
    case travel_role::function:
      return "parallel: the function (" + name +
             ") cannot go to another process: a lambda must not have captures (pass what it captures as "
             "arguments after "
             "the function), a function object has to be storable (LARDER_FIELDS); or use the backend fork, "
             "which takes "
             "any function";
    case travel_role::initializer:
      return "parallel: the initializer (" + name +
             ") cannot go to another process: a lambda must not have captures, a function object has to be "
             "storable "
             "(LARDER_FIELDS); or use the backend fork, which takes any function";
    case travel_role::element:
    case travel_role::argument:
      return std::string("parallel: ") + (role == travel_role::element ? "elements" : "an argument") +
             " of type " + name +
             " cannot go to another process: pass something that can be stored (numbers, strings, arrays, "
             "containers of "
             "them, structs with LARDER_FIELDS), or use the backend fork or threads";
    case travel_role::result:
      break;
  }
  return "parallel: the tasks return " + name +
         ", which cannot come from another process: return something that can be stored (numbers, strings, "
         "arrays, containers of "
         "them, structs with LARDER_FIELDS), or use the backend threads";
}

}  // namespace larder::detail
