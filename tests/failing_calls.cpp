// A library for LD_PRELOAD, or to link first, that makes system calls of a program fail as FAILING_CALLS says, or as
// failing_calls.hpp is told: rules with spaces between,
//
//   CALL:FAULT       every call           CALL:FAULT@3     the third call only
//   CALL:FAULT@3+    the third and later  CALL:FAULT>1000  what goes beyond the first 1000 bytes of write or pwrite
//
// CALL is tmpfile (open with O_TMPFILE), create (open with O_CREAT), open (any other), a function below by its name, or
// `each` of these. Those that take a directory, too, count as the ones that they do the work of (openat as open); linkat is the one that
// gives a name to a descriptor. FAULT is the name of an errno; `short`, half of the bytes of a write; `kill`, SIGKILL instead of the call; or
// `pass`, the call as it is. A line "CALL FAULT" per rule that came to bear goes to the file that FAILED_CALLS names.
// A rule that makes no sense ends the program with status 97.
//
// Only calls that a program makes through the dynamic linker are seen: what libc does within itself is not.

#include "tests/failing_calls.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

enum class fault { error, half, kill, pass };

struct rule {
  std::string call;
  std::string name;  // of the fault
  fault what = fault::pass;
  int error = 0;
  long first = 1;
  long last = LONG_MAX;
  long bytes = -1;  // that may be written; -1: not limited
  std::atomic<long> calls = 0;
  std::atomic<long> written = 0;
};

[[noreturn]] void refuse(std::string_view text) {
  std::fprintf(stderr, "failing_calls: bad rule: %.*s\n", static_cast<int>(text.size()), text.data());
  ::_exit(97);
}

int errno_named(std::string_view name) {
  constexpr struct {
    std::string_view name;
    int value;
  } k_known[] = {{"EACCES", EACCES},        {"EEXIST", EEXIST}, {"EINTR", EINTR},
                 {"EINVAL", EINVAL},        {"EIO", EIO},       {"EMFILE", EMFILE},
                 {"ENOENT", ENOENT},        {"ENOLCK", ENOLCK}, {"ENOMEM", ENOMEM},
                 {"ENOSPC", ENOSPC},        {"EPERM", EPERM},   {"EROFS", EROFS},
                 {"EOPNOTSUPP", EOPNOTSUPP}};
  for (const auto& known : k_known) {
    if (known.name == name) return known.value;
  }
  return 0;
}

long number_in(const std::string& text, const std::string& rule_text) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 0) refuse(rule_text);
  return value;
}

void parse(const std::string& text, rule& out) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) refuse(text);
  out.call = text.substr(0, colon);
  const std::size_t mark = text.find_first_of("@>", colon);
  out.name = text.substr(colon + 1, mark == std::string::npos ? mark : mark - colon - 1);
  if (mark != std::string::npos) {
    std::string limit = text.substr(mark + 1);
    if (text[mark] == '>') {
      out.bytes = number_in(limit, text);
    } else {
      const bool open_ended = limit.ends_with('+');
      if (open_ended) limit.pop_back();
      out.first = number_in(limit, text);
      if (!open_ended) out.last = out.first;
    }
  }
  out.error = errno_named(out.name);
  if (out.error != 0) {
    out.what = fault::error;
  } else if (out.name == "short") {
    out.what = fault::half;
  } else if (out.name == "kill") {
    out.what = fault::kill;
  } else if (out.name != "pass") {
    refuse(text);
  }
}

std::deque<rule> parsed(std::string rest) {
  std::deque<rule> all;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    const std::string one = rest.substr(0, space);
    if (!one.empty()) parse(one, all.emplace_back());
    rest.erase(0, space == std::string::npos ? space : space + 1);
  }
  return all;
}

struct state {
  std::deque<rule> rules;
  std::mutex mutex;  // of the rest
  std::vector<std::string> failed;
};

state& current() {
  // Never destroyed: the program makes calls to its very end.
  static auto* const made = [] {
    const char* const text = std::getenv("FAILING_CALLS");
    return new state{.rules = parsed(text == nullptr ? "" : text), .mutex = {}, .failed = {}};
  }();
  return *made;
}

/// Not by the functions below: these would be counted.
void report(const rule& r, std::string_view call) {
  std::string line = std::string(call) + " " + r.name;
  {
    const std::lock_guard lock(current().mutex);
    current().failed.push_back(line);
  }
  const char* path = std::getenv("FAILED_CALLS");
  if (path == nullptr) return;
  line += "\n";
  const long fd = ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  ::syscall(SYS_write, fd, line.data(), line.size());
  ::syscall(SYS_close, fd);
}

/// Counts a call. Returns the errno that it fails with, or 0; `bytes` is shortened where less is to be written.
int fault_of(std::string_view call, std::size_t* bytes = nullptr) {
  for (rule& r : current().rules) {
    if (r.call != call && r.call != "each") continue;
    const long number = ++r.calls;
    if (number < r.first || number > r.last) continue;
    if (r.bytes >= 0 && bytes != nullptr) {
      const long before = r.written.fetch_add(static_cast<long>(*bytes));
      if (before + static_cast<long>(*bytes) <= r.bytes) continue;
      if (before < r.bytes) {
        *bytes = static_cast<std::size_t>(r.bytes - before);
        continue;
      }
    }
    report(r, call);
    if (r.what == fault::kill) ::kill(::getpid(), SIGKILL);
    if (r.what == fault::error) return r.error;
    if (r.what == fault::half && bytes != nullptr) *bytes = (*bytes + 1) / 2;
  }
  return 0;
}

/// The function that stands behind this one of the same name.
template <class Function>
Function* behind(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::string_view kind_of_open(int flags) {
  if ((flags & O_TMPFILE) == O_TMPFILE) return "tmpfile";
  return (flags & O_CREAT) != 0 ? "create" : "open";
}

/// As the function behind, or `failed` with an errno.
template <class Function, class Result, class... Arguments>
Result call_or(Result failed, const char* name, Arguments... arguments) {
  if (const int error = fault_of(name); error != 0) {
    errno = error;
    return failed;
  }
  return behind<Function>(name)(arguments...);
}

template <class Function, class... Arguments>
int call(const char* name, Arguments... arguments) {
  return call_or<Function>(-1, name, arguments...);
}

/// The same for a function that counts as another one.
template <class Function, class... Arguments>
int call_as(std::string_view counted, const char* name, Arguments... arguments) {
  if (const int error = fault_of(counted); error != 0) {
    errno = error;
    return -1;
  }
  return behind<Function>(name)(arguments...);
}

}  // namespace

void set_failing_calls(const std::string& rules) {
  state& now = current();
  now.rules = parsed(rules);
  now.failed.clear();
}

std::vector<std::string> failed_calls() { return current().failed; }

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return call_as<int(const char*, int, ...)>(kind_of_open(flags), "open", path, flags, mode);
}

ssize_t write(int fd, const void* data, size_t bytes) {
  if (const int error = fault_of("write", &bytes); error != 0) {
    errno = error;
    return -1;
  }
  return behind<ssize_t(int, const void*, size_t)>("write")(fd, data, bytes);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  if (const int error = fault_of("pwrite", &bytes); error != 0) {
    errno = error;
    return -1;
  }
  return behind<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, data, bytes, offset);
}

ssize_t pread(int fd, void* data, size_t bytes, off_t offset) {
  if (const int error = fault_of("pread", &bytes); error != 0) {
    errno = error;
    return -1;
  }
  return behind<ssize_t(int, void*, size_t, off_t)>("pread")(fd, data, bytes, offset);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  if (const int error = fault_of("posix_fallocate"); error != 0) return error;
  return behind<int(int, off_t, off_t)>("posix_fallocate")(fd, offset, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  return call<int(int, int, off_t, off_t)>("fallocate", fd, mode, offset, length);
}

int fcntl(int fd, int command, ...) {
  std::va_list more;
  va_start(more, command);
  void* const argument = va_arg(more, void*);  // of whatever type; it is handed on as it is
  va_end(more);
  return call<int(int, int, ...)>("fcntl", fd, command, argument);
}

int openat(int directory, const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return call_as<int(int, const char*, int, ...)>(kind_of_open(flags), "openat", directory, path, flags,
                                                  mode);
}

void* mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) {
  return call_or<void*(void*, size_t, int, int, int, off_t)>(MAP_FAILED, "mmap", address, bytes, protection,
                                                             flags, fd, offset);
}

DIR* opendir(const char* path) { return call_or<DIR*(const char*), DIR*>(nullptr, "opendir", path); }
DIR* fdopendir(int fd) { return call_or<DIR*(int), DIR*>(nullptr, "fdopendir", fd); }
dirent* readdir(DIR* stream) { return call_or<dirent*(DIR*), dirent*>(nullptr, "readdir", stream); }

int access(const char* path, int mode) { return call<int(const char*, int)>("access", path, mode); }
int faccessat(int directory, const char* path, int mode, int flags) {
  return call<int(int, const char*, int, int)>("faccessat", directory, path, mode, flags);
}
int stat(const char* path, struct ::stat* status) {
  return call<int(const char*, struct ::stat*)>("stat", path, status);
}
int lstat(const char* path, struct ::stat* status) {
  return call<int(const char*, struct ::stat*)>("lstat", path, status);
}
int fstat(int fd, struct ::stat* status) { return call<int(int, struct ::stat*)>("fstat", fd, status); }
int fstatat(int directory, const char* path, struct ::stat* status, int flags) {
  return call<int(int, const char*, struct ::stat*, int)>("fstatat", directory, path, status, flags);
}
int fstatfs(int fd, struct ::statfs* status) {
  return call<int(int, struct ::statfs*)>("fstatfs", fd, status);
}
int ftruncate(int fd, off_t bytes) { return call<int(int, off_t)>("ftruncate", fd, bytes); }
int futimens(int fd, const ::timespec* times) {
  return call<int(int, const ::timespec*)>("futimens", fd, times);
}
int chmod(const char* path, mode_t mode) { return call<int(const char*, mode_t)>("chmod", path, mode); }
int rmdir(const char* path) { return call<int(const char*)>("rmdir", path); }
int unlinkat(int directory, const char* path, int flags) {
  return call_as<int(int, const char*, int)>("unlink", "unlinkat", directory, path, flags);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  return call<int(int, const char*, int, const char*, unsigned)>("renameat2", from_directory, from,
                                                                 to_directory, to, flags);
}
int fsync(int fd) { return call<int(int)>("fsync", fd); }
int fchmod(int fd, mode_t mode) { return call<int(int, mode_t)>("fchmod", fd, mode); }
int mkdir(const char* path, mode_t mode) { return call<int(const char*, mode_t)>("mkdir", path, mode); }
int unlink(const char* path) { return call<int(const char*)>("unlink", path); }
int rename(const char* from, const char* to) {
  return call<int(const char*, const char*)>("rename", from, to);
}
int renameat(int from_directory, const char* from, int to_directory, const char* to) {
  return call_as<int(int, const char*, int, const char*)>("rename", "renameat", from_directory, from,
                                                          to_directory, to);
}
int link(const char* from, const char* to) { return call<int(const char*, const char*)>("link", from, to); }
int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  return call_as<int(int, const char*, int, const char*, int)>(flags == 0 ? "link" : "linkat", "linkat",
                                                               from_directory, from, to_directory, to, flags);
}

}  // extern "C"
