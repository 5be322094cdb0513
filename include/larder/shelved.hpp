#pragma once
// A reference to a result in the cache: small, storable, and loaded when it is asked for.
//
//   auto later = cov.call_and_shelve(x, ridge);    // computed if need be, not loaded
//   auto c = later.get();

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <larder/detail/cached_core.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/digest.hpp>
#include <larder/load.hpp>
#include <larder/storable.hpp>

namespace larder {

/// Refers to an entry by its place: it can be stored, be part of other values, and go to any process that sees the cache
/// directory. It keeps no entry alive. Where the result could not be stored (no location, read-only, disk full) it holds
/// the result itself. Thread-safe as a std::string is.
template <class R>
class shelved {
 public:
  shelved() = default;  ///< refers to nothing

  /// The result, as the cached function returns it: mapped if it is large. io_error where there is none any more,
  /// format_error where it is damaged, type_mismatch where it is of another type, value_error where this refers to nothing.
  /// A result that is held and cannot be copied can be had once; value_error then.
  R get() const {
    if (held_) return held();
    std::optional<R> value;
    detail::load_entry(path_, !detail::array_like<R>, verification_,
                       [&value](detail::value_source& from) { detail::read_value(from, value); });
    return *std::move(value);
  }

  /// Removes the entry; where there is none, that is fine. io_error.
  void clear() {
    if (!path_.empty()) detail::remove_shelved(path_);
    held_.reset();
  }

  /// The key of the call.
  const digest& key() const noexcept { return key_; }
  /// Of the entry; empty where the result is held, or there is none.
  const std::string& path() const noexcept { return path_; }

 private:
  template <class, class>
  friend class cached_function;
  friend struct detail::stored<shelved>;

  R held() const {
    if constexpr (std::is_copy_constructible_v<R>) {
      return **held_;
    } else {
      if (!*held_) detail::refuse_taken();
      R value = *std::move(*held_);
      held_->reset();
      return value;
    }
  }

  std::string path_;
  digest key_;
  larder::verification verification_ = larder::verification::automatic;
  std::shared_ptr<std::optional<R>> held_;
};

template <class R>
struct detail::stored<shelved<R>> {
  using parts = types<R>;
  static std::string name() { return "shelved"; }
  static void save(auto& out, const shelved<R>& v) {
    out.structure(name(), [&] { out(v.path_, v.key_.low, v.key_.high, v.verification_, v.held_); });
  }
  static void load(object_reader& in, shelved<R>& v) {
    in.structure([&] { in(v.path_, v.key_.low, v.key_.high, v.verification_, v.held_); });
  }
};

}  // namespace larder
