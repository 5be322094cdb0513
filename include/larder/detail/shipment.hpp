#pragma once
// Calls of functions on their way to workers that are processes of their own: what is sent is the place in the program of a task
// descriptor, and what it makes the function and its shared arguments from.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <larder/detail/parallel_call.hpp>
#include <larder/detail/result_slot.hpp>
#include <larder/detail/task_descriptor.hpp>
#include <larder/detail/task_invoke.hpp>
#include <larder/detail/travel.hpp>

namespace larder::detail {

/// In a worker: a function with its shared arguments. Used by one thread.
class shipped_call {
 public:
  virtual ~shipped_call() = default;
  shipped_call(const shipped_call&) = delete;
  shipped_call& operator=(const shipped_call&) = delete;

  /// Reads the input of a task and calls the function with it. What either throws passes through.
  virtual void run(travel_reader& input) = 0;
  /// The result of the last task; where tasks make one together, that of all since the last let_go().
  virtual void write(travel_writer& to) = 0;
  /// After it was written and sent: what it owns, which may take long to be freed, is not kept until the next task.
  virtual void let_go() noexcept {}

 protected:
  shipped_call() = default;
};

/// A hash of the name of a type (FNV-1a). It may be the same for two types; of one it is the same in every process of a program.
template <class T>
consteval std::uint64_t type_signature() {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325;
  for (const char c : std::string_view(__PRETTY_FUNCTION__)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x0000'0100'0000'01B3;
  }
  return hash;
}

/// `Call` is a shipped_call that is made from a travel_reader.
template <class Call>
struct described_call {
  static std::unique_ptr<shipped_call> make(travel_reader& from) { return std::make_unique<Call>(from); }

  static inline char identity = 0;
  static inline constinit const task_descriptor descriptor{task_descriptor::k_magic, type_signature<Call>(),
                                                           &identity, &make};
};

/// In the process that calls: what a worker needs for a call before its first task.
class shipment {
 public:
  /// Where why_not() has nothing against it. It lives as long as the program, or the plugin that it lies in.
  virtual const task_descriptor& descriptor() const = 0;
  /// The function and its shared arguments. not_shippable for values that cannot travel.
  virtual void write(travel_writer& to) const = 0;
  /// Why it cannot go to another process: a text for an error. Empty where it can.
  virtual std::string why_not() const = 0;
  /// Whether tasks find it as it was written, whatever other tasks did with it: who has it can use it again for the same bytes.
  virtual bool stays_same() const noexcept = 0;

 protected:
  ~shipment() = default;
};

/// The descriptor of a `Call`, if that can be made at all.
template <class Call, bool k_can>
const task_descriptor& descriptor_of() {
  if constexpr (k_can) {
    return described_call<Call>::descriptor;
  } else {
    throw std::logic_error("larder: a call without a descriptor");
  }
}

/// The first of the reasons against, or none.
template <class... Text>
std::string first_reason(Text... text) {
  std::string first;
  ((first.empty() ? void(first = std::move(text)) : void()), ...);
  return first;
}

/// A function or an argument in a worker.
template <class T>
class travelled {
 public:
  explicit travelled(travel_reader& from) {
    read_travelling(from, value_);
    // Otherwise that has thrown: said to the compiler, which warns of what it cannot see, in programs of users.
    if (!value_) __builtin_unreachable();
  }
  const T& get() const noexcept { return *value_; }
  T& get() noexcept { return *value_; }

 private:
  std::optional<T> value_;
};
template <class T>
  requires std::is_function_v<T>
class travelled<T> {
 public:
  explicit travelled(travel_reader& from) : pointer_(from) {}
  T& get() const noexcept { return *pointer_.get(); }

 private:
  travelled<T*> pointer_;
};
template <class T, std::size_t k_count>
class travelled<T[k_count]> {
 public:
  explicit travelled(travel_reader& from) {
    for (T& each : values_) each = std::move(travelled<T>(from).get());
  }
  const T (&get() const noexcept)[k_count] { return values_; }

 private:
  T values_[k_count];
};

/// Of map and imap: f(element, shared...), where the element is passed as a `Passed`.
template <class Passed, class F, class... Shared>
class shipped_map final : public shipped_call {
  using function = parallel_call<F, Shared...>;
  using result = std::remove_cvref_t<task_invoke_result_t<const F&, Passed, const Shared&...>>;

 public:
  explicit shipped_map(travel_reader& from) : f_(from), shared_{travelled<Shared>(from)...} {}

  void run(travel_reader& input) override {
    travelled<std::remove_cvref_t<Passed>> element(input);
    result_.fill([&]() -> decltype(auto) { return call_(static_cast<Passed>(element.get())); });
  }
  void write(travel_writer& to) override { result_.write(to); }
  void let_go() noexcept override { result_.drop(); }

 private:
  const travelled<F> f_;
  const std::tuple<travelled<Shared>...> shared_;
  const function call_ =
      std::apply([this](const auto&... each) { return function(f_.get(), each.get()...); }, shared_);
  result_slot<result> result_;
};

/// Of map_reduce: results are combined into one.
template <class Passed, class T, class Op, class F, class... Shared>
class shipped_reduce final : public shipped_call {
  using function = parallel_call<F, Shared...>;

 public:
  explicit shipped_reduce(travel_reader& from) : f_(from), shared_{travelled<Shared>(from)...}, op_(from) {}

  void run(travel_reader& input) override {
    travelled<std::remove_cvref_t<Passed>> element(input);
    T next(call_(static_cast<Passed>(element.get())));
    if (value_) {
      *value_ = op_.get()(*std::move(value_), std::move(next));
    } else {
      value_.emplace(std::move(next));
    }
  }
  void write(travel_writer& to) override { write_travelling(*value_, to); }
  void let_go() noexcept override { value_.reset(); }

 private:
  const travelled<F> f_;
  const std::tuple<travelled<Shared>...> shared_;
  const travelled<Op> op_;
  const function call_ =
      std::apply([this](const auto&... each) { return function(f_.get(), each.get()...); }, shared_);
  std::optional<T> value_;
};

/// Of submit: a function that comes with its arguments, all of which it may take.
template <class F, class... Args>
class shipped_submit final : public shipped_call {
  using result = std::remove_cvref_t<std::invoke_result_t<F&&, Args&&...>>;

 public:
  explicit shipped_submit(travel_reader& /*from*/) {}

  void run(travel_reader& input) override {
    travelled<F> f(input);
    std::tuple<travelled<Args>...> args{travelled<Args>(input)...};
    result_.fill([&]() -> decltype(auto) {
      return std::apply(
          [&](auto&... each) -> decltype(auto) {
            return std::invoke(std::move(f.get()), std::move(each.get())...);
          },
          args);
    });
  }
  void write(travel_writer& to) override { result_.write(to); }
  void let_go() noexcept override { result_.drop(); }

 private:
  result_slot<result> result_;
};

/// f(element, shared...) and what it needs beside the elements; both live as long as the call.
template <class Passed, class F, class... Shared>
class map_shipment final : public shipment {
  using element = std::remove_cvref_t<Passed>;
  static constexpr bool k_can = can_travel<F> && can_travel<element> && (can_travel<Shared> && ...);

 public:
  explicit map_shipment(const parallel_call<F, Shared...>& call) noexcept : call_(call) {}

  const task_descriptor& descriptor() const override {
    return descriptor_of<shipped_map<Passed, F, Shared...>, k_can>();
  }
  void write(travel_writer& to) const override {
    if constexpr (k_can) call_.write(to);
  }
  std::string why_not() const override {
    return first_reason(why_not_travelling<F>(travel_role::function),
                        why_not_travelling<element>(travel_role::element),
                        why_not_travelling<Shared>(travel_role::argument)...);
  }
  bool stays_same() const noexcept override { return is_unchangeable<F> && (is_unchangeable<Shared> && ...); }

 private:
  const parallel_call<F, Shared...>& call_;
};

/// The same with an operation that combines results of type T.
template <class Passed, class T, class Op, class F, class... Shared>
class reduce_shipment final : public shipment {
  using element = std::remove_cvref_t<Passed>;
  static constexpr bool k_can =
      can_travel<F> && can_travel<Op> && can_travel<T> && can_travel<element> && (can_travel<Shared> && ...);

 public:
  reduce_shipment(const parallel_call<F, Shared...>& call, const Op& op) noexcept : call_(call), op_(op) {}

  const task_descriptor& descriptor() const override {
    return descriptor_of<shipped_reduce<Passed, T, Op, F, Shared...>, k_can>();
  }
  void write(travel_writer& to) const override {
    if constexpr (k_can) {
      call_.write(to);
      write_travelling(op_, to);
    }
  }
  std::string why_not() const override {
    return first_reason(why_not_travelling<F>(travel_role::function),
                        why_not_travelling<Op>(travel_role::function),
                        why_not_travelling<element>(travel_role::element),
                        why_not_travelling<Shared>(travel_role::argument)...);
  }
  bool stays_same() const noexcept override {
    return is_unchangeable<F> && is_unchangeable<Op> && (is_unchangeable<Shared> && ...);
  }

 private:
  const parallel_call<F, Shared...>& call_;
  const Op& op_;
};

/// The function and the arguments are the input of the one task.
template <class F, class... Args>
class submit_shipment final : public shipment {
 public:
  static constexpr bool k_can = can_travel<F> && (can_travel<Args> && ...);

  const task_descriptor& descriptor() const override {
    return descriptor_of<shipped_submit<F, Args...>, k_can>();
  }
  void write(travel_writer& /*to*/) const override {}
  std::string why_not() const override {
    return first_reason(why_not_travelling<F>(travel_role::function),
                        why_not_travelling<Args>(travel_role::argument)...);
  }
  bool stays_same() const noexcept override { return true; }
};

}  // namespace larder::detail
