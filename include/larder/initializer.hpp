#pragma once
// What each worker of a pool does before its first task.
//
//   larder::parallel pool({.initializer = [] { open_device(); }});

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <larder/detail/shipment.hpp>

namespace larder {

namespace detail {

/// A worker's own copy of it: run once, without input or result.
template <class F>
class shipped_initializer final : public shipped_call {
 public:
  explicit shipped_initializer(travel_reader& from) : f_(from) {}

  void run(travel_reader& /*input*/) override { std::invoke(f_.get()); }
  void write(travel_writer& /*to*/) override {}

 private:
  travelled<F> f_;
};

class held_initializer : public shipment {
 public:
  virtual ~held_initializer() = default;
  virtual void call() = 0;
};

template <class F>
class initializer_holder final : public held_initializer {
 public:
  template <class G>
  explicit initializer_holder(G&& f) : f_(std::forward<G>(f)) {}

  void call() override { std::invoke(f_); }

  const task_descriptor& descriptor() const override {
    return descriptor_of<shipped_initializer<F>, can_travel<F>>();
  }
  void write(travel_writer& to) const override {
    if constexpr (can_travel<F>) write_travelling(f_, to);
  }
  std::string why_not() const override { return why_not_travelling<F>(travel_role::initializer); }
  bool stays_same() const noexcept override { return true; }

 private:
  F f_;
};

}  // namespace detail

/// A function without arguments, or none. Copies share the function. Thread-safe if that is.
class worker_initializer {
 public:
  worker_initializer() = default;
  /// Of a std::function or a pointer that are empty: none.
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, worker_initializer> && std::invocable<std::decay_t<F>&>)
  worker_initializer(F&& f) {  // NOLINT(google-explicit-constructor): reads as a value
    using function = std::decay_t<F>;
    if constexpr (std::is_pointer_v<function> || detail::is_std_function<function>) {
      if (f == nullptr) return;
    }
    held_ = std::make_shared<detail::initializer_holder<function>>(std::forward<F>(f));
  }

  explicit operator bool() const noexcept { return held_ != nullptr; }
  /// Calls it, if there is one; what it throws passes through.
  void operator()() const {
    if (held_) held_->call();
  }

  /// How it goes to other processes, or why not; null if there is none. Lives as long as this.
  const detail::shipment* shipped() const noexcept { return held_.get(); }

 private:
  std::shared_ptr<detail::held_initializer> held_;
};

}  // namespace larder
