// Inspects, verifies, loads in all modes and as several types, and converts whole files. All ways agree on what is in a
// file whose digests hold.

#include <larder/hash.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>

#include <larder/dump.hpp>
#include <larder/error.hpp>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/fuzz/allocation_peak.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/rich_value.hpp"
#include "tests/scratch_dir.hpp"

using larder::array;
using larder::mmap_mode;
using larder::verification;

namespace {

constexpr std::uint64_t k_budget = std::uint64_t{64} << 20;
constexpr std::size_t k_overhead = std::size_t{16} << 20;

struct point {
  double x = 0;
  std::string name;
  LARDER_FIELDS(x, name)
};
using arrays_by_name = std::map<std::string, array<const double>>;
using mixed = std::map<std::string, std::pair<array<double>, std::optional<point>>>;

/// What `action` gives; nothing where the file is refused.
template <class Action>
auto accepted(Action action) -> std::optional<decltype(action())> {
  try {
    return action();
  } catch (const larder::format_error&) {
  } catch (const larder::value_error&) {   // an array that cannot be mapped
  } catch (const larder::layout_error&) {  // a vector from an array of several dimensions
  }
  return std::nullopt;
}

template <class T>
std::optional<larder::digest> loaded(const std::string& path, larder::load_options options) {
  options.max_bytes = k_budget;
  const fuzz::allocation_peak peak;
  auto found = accepted([&] {
    const T value = larder::load<T>(path, options);
    fuzz::require(peak.bytes() <= k_budget + k_overhead, "memory stays within its budget");
    return larder::hash(value);
  });
  if (!found) fuzz::require(peak.bytes() <= k_budget + k_overhead, "memory stays within its budget");
  return found;
}

class all_ways {
 public:
  all_ways(const fuzz::memory_file& file, std::span<const std::byte> bytes) : file_(file), bytes_(bytes) {
    file_.assign(bytes_);
  }

  void run() {
    const auto info = accepted([&] { return larder::inspect(path_); });
    const auto verified = accepted([&] { return larder::verify(path_); });
    fuzz::require(info || !verified, "what cannot be inspected cannot be verified");
    state_ = info ? info->state : larder::file_state::plain;
    whole_ = verified.has_value();
    as<array<const double>>(mmap_mode::read, info);
    as<array<const std::int16_t>>(mmap_mode::read, info);
    as<arrays_by_name>(mmap_mode::read, info);
    as<mixed>(mmap_mode::copy_on_write, info);
    as<fuzz::rich>(std::nullopt, info);
    if (info && info->type == "array<f64>") {
      loaded<std::vector<double>>(path_, {});
      loaded<array<double>>(path_, {.mmap_mode = mmap_mode::copy_on_write});
      loaded<array<double>>(path_, {.mmap_mode = mmap_mode::read_write});
      file_.assign(bytes_);  // it may be marked dirty now
    }
    if (verified && ++verified_files() % 16 == 0) convert(*verified);
  }

 private:
  /// Loads the file as T, as a copy and mapped. One wrong type is refused like all of them: tried where there is no other.
  template <class T>
  void as(std::optional<mmap_mode> mapped, const std::optional<larder::file_info>& info) {
    static const std::string type = larder::type_text<T>();
    if (info && info->type != type && seen_wrong_type_) return;
    const auto copied = loaded<T>(path_, {.mmap_mode = mmap_mode::none});
    if (!info || info->type != type) {
      fuzz::require(!copied, "only the type that is there can be loaded");
      seen_wrong_type_ = true;
      return;
    }
    const auto structure = loaded<T>(path_, {.mmap_mode = mapped, .verification = verification::structure});
    const auto full = loaded<T>(path_, {.mmap_mode = mapped, .verification = verification::full});
    const auto automatic = loaded<T>(path_, {});
    fuzz::require(!full || structure, "what is checked is not less than what is not");
    if (!whole_ || state_ != larder::file_state::sealed) return;
    for (const auto& other : {structure, full, automatic}) {
      fuzz::require(!other || !copied || *other == *copied, "copied and mapped are the same");
    }
  }

  void convert(const larder::file_info& before) {
    static const scratch_dir dir;
    static const auto to = dir / "converted";
    // What is written of a dirty or plain file has digests for the first time; the value stays.
    const auto first = hash_of(path_, before.type);
    for (const int level : {0, 1}) {
      const bool done = accepted([&] {
                          larder::convert(path_, to, {.compress = level});
                          return true;
                        }).has_value();
      if (!done) continue;
      const auto after = larder::verify(to);
      fuzz::require(after.type == before.type && after.metadata == before.metadata,
                    "converting keeps type and metadata");
      fuzz::require(hash_of(to.string(), after.type) == first, "converting keeps the value");
    }
  }

  static std::optional<larder::digest> hash_of(const std::string& path, const std::string& type) {
    if (type == "array<f64>") return loaded<array<const double>>(path, {});
    if (type == larder::type_text<arrays_by_name>()) return loaded<arrays_by_name>(path, {});
    if (type == larder::type_text<fuzz::rich>()) return loaded<fuzz::rich>(path, {});
    return std::nullopt;
  }

  static unsigned& verified_files() {
    static unsigned count = 0;
    return count;
  }

  const fuzz::memory_file& file_;
  std::span<const std::byte> bytes_;
  std::string path_ = file_.path();
  larder::file_state state_ = larder::file_state::plain;
  bool whole_ = false;
  bool seen_wrong_type_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One thread: what the threads of the team take would be counted at any time.
  static const bool alone = ::setenv("LARDER_MAX_CPUS", "1", 1) == 0;
  static const fuzz::memory_file file;
  fuzz::require(alone, "setenv");
  all_ways(file, std::as_bytes(std::span(data, size))).run();
  return 0;
}
