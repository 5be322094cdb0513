#pragma once
// A table of digests by digests, of fixed size, which forgets.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <larder/digest.hpp>

namespace larder::detail {

/// Thread-safe without locks: the four words of an entry are written one by one, and what a reader may find torn between
/// two entries does not answer to either name, since the name is stored combined with the value. Hence it is safe across
/// fork, too, whatever other threads were at: there is nothing that a child could find locked or half done but an entry
/// that is no longer found. Names are digests, as good as random.
class remembered_digests {
 public:
  constexpr remembered_digests() noexcept = default;
  remembered_digests(const remembered_digests&) = delete;
  remembered_digests& operator=(const remembered_digests&) = delete;

  std::optional<digest> find(const digest& name) const noexcept;
  /// In place of another entry where there is no room.
  void remember(const digest& name, const digest& value) noexcept;

  /// A name can be in any of so many entries of its own; that many, and all of them.
  static constexpr std::size_t k_ways = 8;
  static constexpr std::size_t k_entries = 4096;

 private:
  class entry {
   public:
    std::optional<digest> value_of(const digest& name) const noexcept;
    bool is_empty() const noexcept;
    void set(const digest& name, const digest& value) noexcept;

   private:
    std::array<std::atomic<std::uint64_t>, 4> words_{};
  };
  using row = std::array<entry, k_ways>;

  std::array<row, k_entries / k_ways> rows_{};
};

}  // namespace larder::detail
