#pragma once
// Makes std::chrono's durations and time points storable, as their numbers of ticks. The unit is part of the type; of a
// time point, the clock is not.

#include <chrono>
#include <cstdint>
#include <ratio>
#include <string>

#include <larder/detail/stored_type.hpp>

namespace larder::detail {

template <class R, std::intmax_t Num, std::intmax_t Den>
struct stored<std::chrono::duration<R, std::ratio<Num, Den>>> {
  using duration = std::chrono::duration<R, std::ratio<Num, Den>>;
  using parts = types<R>;
  static std::string name() { return "duration"; }
  static std::string suffix() { return std::to_string(Num) + "/" + std::to_string(Den); }
  static void save(auto& out, const duration& v) { out.value(v.count()); }
  static void load(object_reader& in, duration& v) {
    R ticks{};
    in.value(ticks);
    v = duration(ticks);
  }
};

template <class Clock, class Duration>
struct stored<std::chrono::time_point<Clock, Duration>> {
  using point = std::chrono::time_point<Clock, Duration>;
  using parts = types<Duration>;
  static std::string name() { return "time_point"; }
  static void save(auto& out, const point& v) { out.value(v.time_since_epoch()); }
  static void load(object_reader& in, point& v) {
    Duration since{};
    in.value(since);
    v = point(since);
  }
};

}  // namespace larder::detail
