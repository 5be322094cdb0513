#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace larder_bench {

/// What a measurement needs and takes time to make: made at its first use, which is the warm-up. Copies are one.
template <class T>
class late {
 public:
  explicit late(std::function<std::unique_ptr<T>()> make)
      : state_(std::make_shared<state>(state{std::move(make), nullptr})) {}

  T& operator()() const {
    if (!state_->made) state_->made = state_->make();
    return *state_->made;
  }

 private:
  struct state {
    std::function<std::unique_ptr<T>()> make;
    std::unique_ptr<T> made;
  };
  std::shared_ptr<state> state_;
};

template <class T, class... Arguments>
late<T> make_late(Arguments... arguments) {
  return late<T>([... values = std::move(arguments)] { return std::make_unique<T>(values...); });
}

}  // namespace larder_bench
