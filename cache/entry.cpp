#include "cache/entry.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <larder/error.hpp>

#include "cache/entry_directory.hpp"
#include "src/array_file.hpp"
#include "src/array_image.hpp"
#include "src/atomic_file.hpp"
#include "src/container_writer.hpp"
#include "src/descriptor.hpp"
#include "src/file_structure.hpp"

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

/// Does what needs the directory of an entry, making it where it is missing. Again where somebody who clears the
/// cache removes it in between, which cannot go on for ever: each time, an entry of somebody came and went.
template <class Action>
auto in_entry_directory(const std::string& location, const std::string& path, Action action) {
  for (int attempts = 1000;; --attempts) {
    try {
      return action();
    } catch (const io_error& e) {
      if (e.errno_value() != ENOENT || attempts == 0) throw;
    }
    try {
      make_entry_directory(location, path);
    } catch (const io_error& e) {
      if (e.errno_value() != ENOENT) throw;
    }
  }
}

}  // namespace

std::optional<raw_array> load_entry(const std::string& path, dtype type, result_kind wanted,
                                    verification verify, const placement* place) {
  const load_options options{.verification = verify};
  return read_array_file(path, type,
                         {.wanted = wanted,
                          .options = options,
                          .place = place,
                          .demand = trailer_demand::sealed,
                          .copy_below = k_mapped_bytes});
}

bool has_entry(const std::string& path) {
  try {
    const auto file = descriptor::open_if_exists(path, O_RDONLY);
    if (!file) return false;
    read_structure(*file, trailer_demand::sealed);
    return true;
  } catch (const error&) {
    return false;  // what cannot be used is computed again: it counts as absent
  }
}

void store_entry(const std::string& location, const std::string& path, const raw_array& value, int compress,
                 const entry_metadata& metadata) {
  constexpr mode_t k_sealed = 0444;
  atomic_file file = in_entry_directory(location, path, [&] { return atomic_file(path, k_sealed); });
  write_array(file, array_image(value), compress, json_text(metadata));
  const bool durable = metadata.seconds >= k_durable_seconds;
  in_entry_directory(location, path, [&] { file.commit(durable, existing::keep); });
}

}  // namespace larder::detail
