#include "cache/kept_lock_files.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "src/fork_safety.hpp"
#include "src/spare_descriptors.hpp"

namespace larder::detail {

/// Those of the whole process, under fork_safe_mutex.
class kept_lock_files::table {
 public:
  struct place {
    const kept_lock_files* owner = nullptr;
    kept_file kept;
    std::uint64_t given = 0;  // the larger, the later

    bool is_of(const kept_lock_files* who) const noexcept { return kept.file != nullptr && owner == who; }
    std::uint64_t age() const noexcept { return kept.file == nullptr ? 0 : given; }
  };

  /// Never destroyed: memories may live as long as the program.
  static table& of_process() noexcept {
    static auto& the_table = *new table;
    return the_table;
  }

  /// Closes those of one owner, or all of them. Whether there were any.
  static bool close(const kept_lock_files* owner) noexcept {
    std::array<kept_file, k_most> closed;  // after the mutex is free, which closing takes
    bool any = false;
    const std::lock_guard lock(fork_safe_mutex());
    for (std::size_t i = 0; i < k_most; ++i) {
      place& each = of_process().places[i];
      if (!each.is_of(owner != nullptr ? owner : each.owner)) continue;
      closed[i] = std::move(each.kept);
      any = true;
    }
    return any;
  }
  static bool close_all() noexcept { return close(nullptr); }

  static constexpr std::size_t k_most = 16;
  std::array<place, k_most> places;
  std::uint64_t given = 0;
};

kept_lock_files::~kept_lock_files() { table::close(this); }

kept_lock_files::kept_file kept_lock_files::take() noexcept {
  kept_file taken;
  do {
    taken.file.reset();  // one that the child of a fork inherited
    const std::lock_guard lock(fork_safe_mutex());
    auto& places = table::of_process().places;
    const auto found = std::ranges::find_if(places, [this](const auto& each) { return each.is_of(this); });
    if (found == places.end()) return {};
    taken = std::move(found->kept);
  } while (!taken.file->is_open());
  return taken;
}

void kept_lock_files::give_back(kept_file file) noexcept {
  set_spare_descriptors(table::close_all);
  // What it takes the place of comes out in `file`, and is closed after the mutex is free.
  const std::lock_guard lock(fork_safe_mutex());
  table& all = table::of_process();
  auto& oldest = *std::ranges::min_element(all.places, {}, &table::place::age);
  oldest.owner = this;
  std::swap(oldest.kept, file);
  oldest.given = ++all.given;
}

borrowed_lock_file::borrowed_lock_file(kept_lock_files& from, const cache_directory& directory)
    : from_(&from), kept_(from.take()) {
  constexpr std::chrono::milliseconds k_trusted{100};
  const auto now = std::chrono::steady_clock::now();
  const bool was_seen = now - kept_.seen < k_trusted;
  if (kept_.file && (was_seen ? !kept_.file->is_removed() : kept_.file->lies_in(directory.location))) {
    if (!was_seen) kept_.seen = now;
  } else {
    kept_ = {std::make_unique<lock_file>(directory), now};
  }
}

borrowed_lock_file::borrowed_lock_file(kept_lock_files& from, int directory)
    : from_(&from), kept_(from.take()) {
  if (!kept_.file) kept_.file = std::make_unique<lock_file>(directory);
}

borrowed_lock_file::~borrowed_lock_file() {
  if (from_ != nullptr && kept_.file->is_open() && kept_.file->unlock_all())
    from_->give_back(std::move(kept_));
}

}  // namespace larder::detail
