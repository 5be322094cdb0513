#include <larder/view.hpp>

#include <string>

#include <larder/error.hpp>

namespace larder::detail {

void refuse_view(std::size_t rank, std::size_t array_rank) {
  if (rank != array_rank) {
    throw layout_error("view<" + std::to_string(rank) + ">: the array has " + std::to_string(array_rank) +
                       " dimensions");
  }
  throw layout_error(
      "view: neighbours along the last dimension are not neighbours in memory, as inner::contiguous needs; "
      "view a.copy(), a.transpose() if the array is in Fortran order, or without inner::contiguous");
}

}  // namespace larder::detail
