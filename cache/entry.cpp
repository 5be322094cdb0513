#include "cache/entry.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"
#include "src/array_file.hpp"
#include "src/array_image.hpp"
#include "src/array_reader.hpp"
#include "src/array_writer.hpp"
#include "src/atomic_file.hpp"
#include "src/descriptor.hpp"

namespace larder::detail {
namespace {

/// Computations of this length bear an fsync, which takes some ms.
constexpr double k_durable_seconds = 0.1;

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string json_text(const entry_metadata& m) {
  const nlohmann::json json = {{"function", m.function}, {"code", m.code},    {"arguments", m.arguments},
                               {"seconds", m.seconds},   {"time", utc_now()}, {"host", host_name()}};
  // Arguments are any bytes; what is not UTF-8 in them is replaced.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

atomic_file new_entry(const std::string& location, const std::string& path) {
  constexpr mode_t k_sealed = 0444;
  // Whoever clears the cache may remove the directory just after it was made.
  for (int attempts = 8; attempts > 0; --attempts) {
    try {
      return {path, k_sealed};
    } catch (const io_error& e) {
      if (e.errno_value() != ENOENT) throw;
    }
    make_entry_directory(location, path);
  }
  return {path, k_sealed};
}

}  // namespace

std::optional<raw_array> load_entry(const std::string& path, dtype type, handle wanted, verification verify,
                                    const placement* place) {
  return read_array(path, trailer_demand::required, type, wanted, {.verification = verify}, place);
}

bool has_entry(const std::string& path) {
  try {
    const auto file = descriptor::open_if_exists(path, O_RDONLY);
    if (!file) return false;
    read_structure(*file, trailer_demand::required);
    return true;
  } catch (const error&) {
    return false;  // what cannot be used is computed again: it counts as absent
  }
}

void store_entry(const std::string& location, const std::string& path, const raw_array& value,
                 const entry_metadata& metadata) {
  atomic_file file = new_entry(location, path);
  write_array(file, array_image(value), file_form::container, json_text(metadata));
  file.commit(metadata.seconds >= k_durable_seconds, existing::keep);
}

void remove_entry(const std::string& path) {
  std::error_code fault;
  std::filesystem::remove_all(path, fault);  // a directory in an entry's place is no entry either
  if (fault) throw io_error(path, "cannot remove", fault.value());
}

}  // namespace larder::detail
