#include <larder/detail/travel.hpp>

namespace larder::detail {

void write_code_address(const void* address, travel_writer& to) { to.bytes(&address, sizeof address); }

const void* read_code_address(travel_reader& from) {
  const void* address = nullptr;
  from.bytes(&address, sizeof address);
  return address;
}

}  // namespace larder::detail
