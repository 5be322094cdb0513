#include "parallel/thrown.hpp"

#include <any>
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <variant>

#include <cxxabi.h>

#include <larder/error.hpp>

#include "src/readable_name.hpp"

namespace larder::detail {

/// Makes an exception of larder from its text and its data, which its public constructors would compose anew.
class thrown_again {
 public:
  template <class E, class... Parts>
  static std::exception_ptr make(Parts&&... parts) {
    return std::make_exception_ptr(E(std::forward<Parts>(parts)...));
  }
};

namespace {

/// How one type of exception travels; `write` has one of exactly this type.
struct travelling {
  const std::type_info* type;
  void (*write)(const std::exception& e, message_writer& to);
  std::exception_ptr (*read)(message_reader& from);
};

/// Those that are nothing but a text.
template <class E>
constexpr travelling with_text() {
  return {&typeid(E), [](const std::exception& e, message_writer& to) { to.text(e.what()); },
          [](message_reader& from) { return std::make_exception_ptr(E(from.text())); }};
}
/// Those that are nothing but their type.
template <class E>
constexpr travelling without_data() {
  return {&typeid(E), [](const std::exception&, message_writer&) {},
          [](message_reader&) { return std::make_exception_ptr(E()); }};
}
/// Those with more in them, by functions for their own type.
template <class E, void (*k_write)(const E&, message_writer&), std::exception_ptr (*k_read)(message_reader&)>
constexpr travelling with_data() {
  return {&typeid(E),
          [](const std::exception& e, message_writer& to) { k_write(dynamic_cast<const E&>(e), to); },
          k_read};
}

// std::system_error and those that are one: a code, and a text that ends with the code's own, which their constructors add.

enum class category : std::uint8_t { other, generic, system, iostream, future };

category category_of(const std::error_code& code) noexcept {
  if (code.category() == std::generic_category()) return category::generic;
  if (code.category() == std::system_category()) return category::system;
  if (code.category() == std::iostream_category()) return category::iostream;
  if (code.category() == std::future_category()) return category::future;
  return category::other;
}

/// What a system_error was given beside its code; empty where nothing.
std::string given_text(const std::system_error& e) {
  const std::string whole = e.std::runtime_error::what();
  const std::string code = ": " + e.code().message();
  return whole.ends_with(code) ? whole.substr(0, whole.size() - code.size()) : std::string();
}

void write_code(const std::error_code& code, message_writer& to) {
  to.number(category_of(code));
  to.number(code.value());
}

std::error_code read_code(message_reader& from) {
  const auto which = from.number<category>();
  const int value = from.number<int>();
  switch (which) {
    case category::system:
      return {value, std::system_category()};
    case category::iostream:
      return {value, std::iostream_category()};
    case category::future:
      return {value, std::future_category()};
    default:
      return {value, std::generic_category()};
  }
}

void write_system_error(const std::system_error& e, message_writer& to) {
  write_code(e.code(), to);
  to.text(given_text(e));
}

std::exception_ptr read_system_error(message_reader& from) {
  const auto code = read_code(from);
  const std::string text = from.text();
  return std::make_exception_ptr(text.empty() ? std::system_error(code) : std::system_error(code, text));
}

void write_ios_failure(const std::ios_base::failure& e, message_writer& to) { write_system_error(e, to); }

std::exception_ptr read_ios_failure(message_reader& from) {
  const auto code = read_code(from);
  return std::make_exception_ptr(std::ios_base::failure(from.text(), code));
}

using std::filesystem::filesystem_error;

void write_filesystem_error(const filesystem_error& e, message_writer& to) {
  write_system_error(e, to);
  to.text(e.path1().native());
  to.text(e.path2().native());
}

std::exception_ptr read_filesystem_error(message_reader& from) {
  const auto code = read_code(from);
  const std::string text = from.text();
  const std::filesystem::path first = from.text();
  const std::filesystem::path second = from.text();
  if (!second.empty()) return std::make_exception_ptr(filesystem_error(text, first, second, code));
  if (!first.empty()) return std::make_exception_ptr(filesystem_error(text, first, code));
  return std::make_exception_ptr(filesystem_error(text, code));
}

void write_future_error(const std::future_error& e, message_writer& to) { write_code(e.code(), to); }
std::exception_ptr read_future_error(message_reader& from) {
  return std::make_exception_ptr(std::future_error(static_cast<std::future_errc>(read_code(from).value())));
}

// larder's own that have more than a text.

void write_io_error(const io_error& e, message_writer& to) {
  to.text(e.what());
  to.number(e.errno_value());
  to.text(e.path());
}
std::exception_ptr read_io_error(message_reader& from) {
  const std::string text = from.text();
  const int value = from.number<int>();
  return thrown_again::make<io_error>(text, value, from.text());
}

void write_timeout_error(const timeout_error& e, message_writer& to) {
  to.text(e.what());
  to.number(e.task());
}
std::exception_ptr read_timeout_error(message_reader& from) {
  const std::string text = from.text();
  return thrown_again::make<timeout_error>(text, from.number<std::size_t>());
}

void write_task_error(const task_error& e, message_writer& to) {
  to.text(e.what());
  to.number(e.task());
  to.text(e.type());
}
std::exception_ptr read_task_error(message_reader& from) {
  const std::string text = from.text();
  const auto task = from.number<std::size_t>();
  return thrown_again::make<task_error>(text, task, from.text());
}

void write_worker_died(const worker_died& e, message_writer& to) {
  to.text(e.what());
  to.number(e.worker());
  to.number(e.pid());
  to.number(e.signal());
  to.number(e.status());
  to.number(e.task());
}
std::exception_ptr read_worker_died(message_reader& from) {
  const std::string text = from.text();
  const auto worker = from.number<unsigned>();
  const auto pid = from.number<long>();
  const auto signal = from.number<int>();
  const auto status = from.number<int>();
  return thrown_again::make<worker_died>(text, worker, pid, signal, status, from.number<std::size_t>());
}

void write_format_error(const format_error& e, message_writer& to) {
  to.number(e.code());
  to.text(e.what());
  to.text(e.path());
}
std::exception_ptr read_format_error(message_reader& from) {
  const auto code = from.number<format_code>();
  const std::string text = from.text();
  return thrown_again::make<format_error>(code, text, from.text());
}

void write_type_mismatch(const type_mismatch& e, message_writer& to) {
  to.text(e.path());
  to.text(e.expected());
  to.text(e.found());
}
std::exception_ptr read_type_mismatch(message_reader& from) {
  const std::string path = from.text();
  const std::string expected = from.text();
  return std::make_exception_ptr(type_mismatch(path, expected, from.text()));
}

// A message has a number of this table; both sides are the same program.
constexpr std::array k_travelling = {
    with_text<std::runtime_error>(),
    with_text<std::logic_error>(),
    with_text<std::invalid_argument>(),
    with_text<std::domain_error>(),
    with_text<std::length_error>(),
    with_text<std::out_of_range>(),
    with_text<std::range_error>(),
    with_text<std::overflow_error>(),
    with_text<std::underflow_error>(),
    without_data<std::bad_alloc>(),
    without_data<std::bad_array_new_length>(),
    without_data<std::bad_cast>(),
    without_data<std::bad_typeid>(),
    without_data<std::bad_function_call>(),
    without_data<std::bad_weak_ptr>(),
    without_data<std::bad_optional_access>(),
    without_data<std::bad_variant_access>(),
    without_data<std::bad_any_cast>(),
    with_data<std::system_error, write_system_error, read_system_error>(),
    with_data<std::ios_base::failure, write_ios_failure, read_ios_failure>(),
    with_data<filesystem_error, write_filesystem_error, read_filesystem_error>(),
    with_data<std::future_error, write_future_error, read_future_error>(),
    with_text<error>(),
    with_text<value_error>(),
    with_text<layout_error>(),
    with_text<not_shippable>(),
    without_data<task_cancelled>(),
    with_data<io_error, write_io_error, read_io_error>(),
    with_data<timeout_error, write_timeout_error, read_timeout_error>(),
    with_data<task_error, write_task_error, read_task_error>(),
    with_data<worker_died, write_worker_died, read_worker_died>(),
    with_data<format_error, write_format_error, read_format_error>(),
    with_data<type_mismatch, write_type_mismatch, read_type_mismatch>(),
};
constexpr std::uint8_t k_other = 0xFF;

/// k_other where it does not keep its type.
std::uint8_t number_of(const std::exception& e) {
  // What the streams of libstdc++ throw is one of a type of their own.
  const bool from_stream = std::string_view(typeid(e).name()) == "St13__ios_failure";
  const std::type_info& type = from_stream ? typeid(std::ios_base::failure) : typeid(e);
  if (const auto* const coded = dynamic_cast<const std::system_error*>(&e);
      coded != nullptr && category_of(coded->code()) == category::other) {
    return k_other;
  }
  for (std::size_t i = 0; i < k_travelling.size(); ++i) {
    if (*k_travelling[i].type == type) return static_cast<std::uint8_t>(i);
  }
  return k_other;
}

void write_other(std::size_t task, const std::string& type, std::string_view text, message_writer& to) {
  to.number(k_other);
  to.number(task);
  to.text(type);
  to.text(text);
}

}  // namespace

void write_thrown(const std::exception_ptr& thrown, std::size_t task, message_writer& to) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    const std::uint8_t number = number_of(e);
    if (number == k_other) {
      write_other(task, readable_name(typeid(e)), e.what() != nullptr ? e.what() : "", to);
    } else {
      to.number(number);
      k_travelling[number].write(e, to);
    }
  } catch (const std::string& text) {
    write_other(task, "std::string", text, to);
  } catch (const char* text) {
    write_other(task, "char const*", text != nullptr ? text : "", to);
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    write_other(task, type != nullptr ? readable_name(*type) : "of an unknown type", {}, to);
  }
}

std::exception_ptr read_thrown(message_reader& from) {
  const auto number = from.number<std::uint8_t>();
  if (number < k_travelling.size()) return k_travelling[number].read(from);
  const auto task = from.number<std::size_t>();
  std::string type = from.text();
  return std::make_exception_ptr(task_error(task, std::move(type), from.text()));
}

}  // namespace larder::detail
