#include "tools/larder/fault.hpp"

#include <larder/error.hpp>

#include <cerrno>
#include <cstring>
#include <new>

namespace larder::command {
namespace {

std::string errno_name(int value) {
  const char* name = strerrorname_np(value);
  return name != nullptr ? name : "errno " + std::to_string(value);
}

}  // namespace

fault current_fault(const std::string& path) {
  try {
    throw;
  } catch (const format_error& e) {
    return {exit_status::damaged, std::string(name(e.code())), e.what()};
  } catch (const io_error& e) {
    return {exit_status::unusable, errno_name(e.errno_value()), e.what()};
  } catch (const error& e) {
    return {exit_status::unusable, errno_name(EINVAL), e.what()};
  } catch (const std::bad_alloc&) {
    return {exit_status::unusable, errno_name(ENOMEM), path + ": not enough memory"};
  }
}

}  // namespace larder::command
