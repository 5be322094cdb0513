// object_store: two programs that know nothing of each other but a name share a dictionary of arrays, and one is killed.
//
//   object_store_producer puts it, again and again, as fast as it can
//   object_store_consumer gets it, mapped, and still has it when the producer is gone
//
// There is no server. This program starts both, kills the producer at its work, and looks at what remains.

#include <larder/error.hpp>
#include <larder/store.hpp>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "examples/object_store/dictionary.hpp"

namespace object_store {
namespace {

/// A program that lies beside this one, and does not outlive this.
class child {
 public:
  child(const std::string& name, std::string space) {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").replace_filename(name).string();
    const std::array<char*, 3> arguments = {program.data(), space.data(), nullptr};
    const int fault = ::posix_spawn(&id_, program.c_str(), nullptr, nullptr, arguments.data(), environ);
    if (fault != 0) throw larder::io_error(program, "cannot start", fault);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    kill();
    wait();
  }

  void kill() const {
    if (id_ != 0) ::kill(id_, SIGKILL);
  }
  /// As waitpid has it.
  int wait() {
    int status = 0;
    while (id_ != 0 && ::waitpid(id_, &status, 0) < 0 && errno == EINTR) continue;
    id_ = 0;
    return status;
  }

 private:
  pid_t id_ = 0;
};

/// Whether all went as it should.
bool share(const std::string& space) {
  // The namespace goes with the last process that uses it, however that ends.
  const larder::store st(space, {.lifetime = larder::lifetime::last_user});
  child producer("object_store_producer", space);
  child consumer("object_store_consumer", space);

  if (!st.wait_for(k_holding, std::chrono::minutes(1))) return false;
  std::puts("kills the producer");
  std::fflush(stdout);  // others print after this line
  producer.kill();
  const bool consumed = consumer.wait() == 0;

  const int end = producer.wait();
  std::puts(WIFSIGNALED(end) ? "the producer was killed at its work" : "the producer had ended before");
  return consumed && WIFSIGNALED(end);
}

}  // namespace
}  // namespace object_store

int main() try {
  const std::string space = "object_store example " + std::to_string(::getpid());
  const bool shared = object_store::share(space);
  const bool left = std::ranges::binary_search(larder::store::list(), space);
  std::puts(left ? "the namespace is still there" : "the namespace is gone");
  return shared && !left ? 0 : 1;
} catch (const larder::error& failed) {
  std::fprintf(stderr, "object_store: %s\n", failed.what());
  return 1;
}
