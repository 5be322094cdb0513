// program [PLUGIN]: sends code of its own, of the C library and of the plugin to another process of itself, which checks that each
// piece has come as itself; then it calls some of it in worker processes. tools/check_shipping builds it in many ways.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larder/init.hpp>
#include <larder/parallel.hpp>

#include "src/code_address.hpp"
#include "tests/shipping/same_lambdas.hpp"
#include "tests/travel_bytes.hpp"

using namespace larder::detail;

namespace {

using function = int (*)(int);

int thrice(int x) { return 3 * x; }
int squared(int x) { return x * x; }

struct account {
  int balance = 100;
  int after(int change) { return balance + change; }
  virtual int twice(int x) { return 2 * x; }
  virtual ~account() = default;
};
using member = int (account::*)(int);

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

plugin_code opened(const char* path, int flags = 0) {
  void* const handle = ::dlopen(path, RTLD_NOW | RTLD_LOCAL | flags);
  if (handle == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<plugin_code (*)()>(::dlsym(handle, "code_of_plugin"))();
}

template <class T>
void send(const T& value, travel_writer& to) {
  write_travelling(value, to);
}
template <class T>
T receive(travel_reader& from) {
  std::optional<T> value;
  read_travelling(from, value);
  return *value;
}

void write_all(const char* plugin, travel_writer& to) {
  lambda_descriptors all = same_lambdas();
  write_modules(to);
  for (const task_descriptor* each : all) write_descriptor(*each, to);
  std::set<const void*> different(all.begin(), all.end());
  require(different.size() == k_lambdas, "descriptors are one in this process");
  send(function{&thrice}, to);
  send(function{&squared}, to);
  send(function{&std::abs}, to);
  send(member{&account::after}, to);
  send(member{&account::twice}, to);
  if (plugin == nullptr) return;
  const plugin_code code = opened(plugin);
  for (const task_descriptor* each : code.lambdas) write_descriptor(*each, to);
  different.insert(code.lambdas.begin(), code.lambdas.end());
  require(different.size() == 2 * k_lambdas, "descriptors of the plugin are one in this process");
  send(code.function, to);
}

/// The lambda that a descriptor is about.
int call(const task_descriptor& descriptor, int x) {
  bytes_reader nothing{std::string()};
  const auto made = descriptor.make(nothing);
  bytes_writer input;
  send(x, input);
  bytes_reader element(input.text);
  made->run(element);
  bytes_writer output;
  made->write(output);
  bytes_reader result(output.text);
  return receive<int>(result);
}

void check_lambdas(const lambda_descriptors& came, const lambda_descriptors& expected) {
  require(came == expected, "a descriptor came as another one");
  for (const task_descriptor* each : came) require(call(*each, 7) == 22, "a lambda came as another one");
}

lambda_descriptors read_lambdas(travel_reader& from) {
  lambda_descriptors came{};
  for (const task_descriptor*& each : came) each = &read_descriptor(from);
  return came;
}

void read_all(const char* plugin, travel_reader& from) {
  check_modules(from);
  check_lambdas(read_lambdas(from), same_lambdas());
  require(receive<function>(from)(7) == 21, "a function came as another one");
  require(receive<function>(from)(7) == 49, "a function came as another one");
  require(receive<function>(from)(-7) == 7, "a function of the C library came as another one");
  account a;
  require((a.*receive<member>(from))(11) == 111, "a member function came as another one");
  require((a.*receive<member>(from))(11) == 22, "a virtual function came as another one");
  if (plugin == nullptr) return;
  require(::dlopen(plugin, RTLD_NOW | RTLD_NOLOAD) == nullptr, "the plugin was there before it was needed");
  const lambda_descriptors came = read_lambdas(from);
  const plugin_code code = opened(plugin, RTLD_NOLOAD);
  check_lambdas(came, code.lambdas);
  require(receive<function>(from) == code.function, "a function of the plugin came as another one");
  require(code.function(8) == 4, "the plugin is another one");
}

std::string read_to_end(int fd) {
  std::string all;
  char some[4096];
  for (ssize_t n = 0; (n = ::read(fd, some, sizeof some)) > 0;) all.append(some, static_cast<std::size_t>(n));
  return all;
}

int send_to_another(const char* plugin) {
  bytes_writer to;
  write_all(plugin, to);
  int ends[2];
  require(::pipe(ends) == 0, "no pipe");
  const pid_t pid = ::fork();
  require(pid >= 0, "no process");
  if (pid == 0) {
    ::dup2(ends[0], 0);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/proc/self/exe", "program", "--read", plugin, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(ends[0]);
  require(::write(ends[1], to.text.data(), to.text.size()) == static_cast<ssize_t>(to.text.size()),
          "no write");
  ::close(ends[1]);
  int status = 0;
  require(::waitpid(pid, &status, 0) == pid, "no child");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// What workers make of [0, 100).
template <class F>
void require_mapped(const larder::parallel& pool, const F& f) {
  std::vector<int> xs(100);
  std::iota(xs.begin(), xs.end(), 0);
  const auto in_worker = [](int x, const F& called, pid_t caller) {
    return ::getpid() == caller ? -1 : called(x);
  };
  const std::vector<int> found = pool.map(xs, in_worker, f, ::getpid());
  for (const int x : xs)
    require(found[static_cast<std::size_t>(x)] == f(x), "a worker called another function");
}

void call_in_workers(const char* plugin) {
  const larder::parallel pool({.n_jobs = 2, .backend = larder::backend::processes});
  require_mapped(pool, [](int x) { return 5 * x + 2; });
  require_mapped(pool, [](int x) { return 5 * x + 2; });
  require_mapped(pool, [](int x) { return 5 * x + 3; });
  require_mapped(pool, function{&thrice});
  require_mapped(pool, function{&std::abs});
  if (plugin != nullptr) require_mapped(pool, opened(plugin).function);
}

}  // namespace

int main(int argc, char** argv) {
  larder::init(argc, argv);
  const bool reads = argc > 1 && std::strcmp(argv[1], "--read") == 0;
  const char* const plugin = argv[reads ? 2 : 1];
  try {
    if (!reads) {
      const int status = send_to_another(plugin);
      if (status == 0) call_in_workers(plugin);
      return status;
    }
    bytes_reader from(read_to_end(0));
    read_all(plugin, from);
    return from.at_end() ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", reads ? "the other process" : "the program", e.what());
    return 1;
  }
}
