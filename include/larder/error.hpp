#pragma once
// What larder throws: one base class, a subclass per kind of fault. Each text names the thing (a path, an
// option), what was expected, what was found, and where it helps, what to do.
//
//   try { auto a = larder::load<larder::array<const double>>("a.npy"); }
//   catch (const larder::format_error& e) { /* damaged, or not a larder file: e.code(), e.what() */ }
//   catch (const larder::io_error& e) { /* the system refused: e.errno_value(), e.what() */ }

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace larder {

namespace detail {
class
    thrown_again;  // makes an exception once more in another process: with its text, and without what led to it
}

/// Base of everything the library throws on purpose.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A bad argument or option; the text names it, its value and what is allowed.
class value_error : public error {
 public:
  using error::error;
};

/// An operation needs a memory layout (contiguous; of so many dimensions) that this array does not have.
class layout_error : public error {
 public:
  using error::error;
};

/// The system refused an operation on a file.
class io_error : public error {
 public:
  /// `action` reads like "cannot open"; the text becomes "PATH: cannot open: No such file or directory".
  io_error(std::string path, std::string_view action, int errno_value);

  const std::string& path() const noexcept { return path_; }
  int errno_value() const noexcept { return errno_value_; }

 private:
  friend class detail::thrown_again;
  io_error(const std::string& text, int errno_value, std::string path)
      : error(text), path_(std::move(path)), errno_value_(errno_value) {}

  std::string path_;
  int errno_value_;
};

/// A task of a parallel call took longer than the timeout.
class timeout_error : public error {
 public:
  timeout_error(std::size_t task, double seconds);

  /// Its index in the range of the call; 0 of submit.
  std::size_t task() const noexcept { return task_; }

 private:
  friend class detail::thrown_again;
  timeout_error(const std::string& text, std::size_t task) : error(text), task_(task) {}

  std::size_t task_;
};

/// The result was asked for of a task that was cancelled before it had one.
class task_cancelled : public error {
 public:
  task_cancelled() : error("the task was cancelled before it had a result") {}
};

/// A task in another process threw what is neither an exception of the standard nor one of larder. The text becomes
/// "task 17: my::failure: TEXT".
class task_error : public error {
 public:
  task_error(std::size_t task, std::string type, std::string_view text);

  std::size_t task() const noexcept { return task_; }
  /// The type of what was thrown, as it is written in C++.
  const std::string& type() const noexcept { return type_; }

 private:
  friend class detail::thrown_again;
  task_error(const std::string& text, std::size_t task, std::string type)
      : error(text), task_(task), type_(std::move(type)) {}

  std::size_t task_;
  std::string type_;
};

/// The process that was at a task ended without having finished it.
class worker_died : public error {
 public:
  /// `wait_status` as waitpid gives it, or -1 where nobody knows it.
  worker_died(unsigned worker, long pid, int wait_status, std::size_t task);

  unsigned worker() const noexcept { return worker_; }
  long pid() const noexcept { return pid_; }
  /// The signal that ended it; 0 where it exited.
  int signal() const noexcept { return signal_; }
  /// Its exit status; 0 where a signal ended it.
  int status() const noexcept { return status_; }
  /// The index in the range of the call of the task that it was at.
  std::size_t task() const noexcept { return task_; }

 private:
  friend class detail::thrown_again;
  worker_died(const std::string& text, unsigned worker, long pid, int signal, int status, std::size_t task)
      : error(text), worker_(worker), pid_(pid), signal_(signal), status_(status), task_(task) {}

  unsigned worker_;
  long pid_;
  int signal_;
  int status_;
  std::size_t task_;
};

/// A function, an argument or a result cannot go to another process or come from it; the text says which, and what to do.
class not_shippable : public error {
 public:
  using error::error;
};

/// The faults of a file's bytes; docs/format.md says which check gives which. `name` gives "E_TRAILER" and so on.
enum class format_code {
  empty,
  magic,
  truncated,
  head_checksum,
  version,
  feature,
  trailer,
  trailer_checksum,
  filelen,
  state,
  index_bounds,
  index_checksum,
  index_count,
  reserved,
  seg_hole,
  seg_bounds,
  seg_size,
  seg_checksum,
  padding,
  codec,
  kind,
  align,
  bomb,
  npy_header,
  npy_keys,
  npy_hdrsize,
  npy_version,
  shape_overflow,
  ndim,
  dtype,
  object,
  type,
};

/// The code as it stands in error texts and in docs/format.md, such as "E_TRAILER".
std::string_view name(format_code code) noexcept;

/// The bytes of a file are not what the format demands. Nothing of such a file is returned.
class format_error : public error {
 public:
  /// The text becomes "PATH: E_CODE: DETAIL".
  format_error(std::string path, format_code code, std::string_view detail);

  const std::string& path() const noexcept { return path_; }
  format_code code() const noexcept { return code_; }

 private:
  friend class detail::thrown_again;
  format_error(format_code code, const std::string& text, std::string path)
      : error(text), path_(std::move(path)), code_(code) {}

  std::string path_;
  format_code code_;
};

/// The file is sound but holds another type than the one asked for (E_TYPE); both are named.
class type_mismatch : public format_error {
 public:
  type_mismatch(std::string path, std::string expected, std::string found);

  const std::string& expected() const noexcept { return expected_; }
  const std::string& found() const noexcept { return found_; }

 private:
  friend class detail::thrown_again;
  type_mismatch(const format_error& whole, std::string expected, std::string found)
      : format_error(whole), expected_(std::move(expected)), found_(std::move(found)) {}

  std::string expected_;
  std::string found_;
};

}  // namespace larder
