// larder_bench GROUP BYTES DISK [TMPFS]: measures what it is asked for, by the lines of its input; tools/bench asks. The
// answer to a name is one line: a number, or "error" and a text. First it prints the names that it knows, and an empty line.
// larder_bench --calls BYTES DISK [TMPFS]: tables of single system calls.
// larder_bench --peers: the versions of its own peers as a JSON object, null for those that it was built without.

#include <cstdio>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include <larder/init.hpp>

#include "tools/benchmarks/bench.hpp"
#include "tools/benchmarks/calls.hpp"
#include "tools/benchmarks/first_hit.hpp"
#include "tools/benchmarks/parallel_work.hpp"
#include "tools/benchmarks/result_stores.hpp"

namespace {

constexpr struct {
  const char* name;
  void (*add)(larder_bench::bench&);
} k_groups[] = {{"cache", larder_bench::add_cache},
                {"dump", larder_bench::add_dump},
                {"growth-cache", larder_bench::add_growth_of_cache},
                {"growth-parallel", larder_bench::add_growth_of_parallel},
                {"growth-processes", larder_bench::add_growth_of_processes},
                {"growth-store", larder_bench::add_growth_of_store},
                {"hash", larder_bench::add_hash},
                {"load", larder_bench::add_load},
                {"map", larder_bench::add_map},
                {"memory", larder_bench::add_extra_memory},
                {"parallel", larder_bench::add_parallel},
                {"processes", larder_bench::add_processes},
                {"store", larder_bench::add_store},
                {"workloads", larder_bench::add_workloads}};

void print_peers() {
  larder_bench::peer_versions versions;
  larder_bench::add_parallel_peer_versions(versions);
  larder_bench::add_result_store_versions(versions);
  const char* before = "{";
  for (const auto& [peer, version] : versions) {
    std::cout << before << '"' << peer << "\": " << (version ? '"' + *version + '"' : "null");
    before = ", ";
  }
  std::cout << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  larder::init(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == larder_bench::k_first_hit)
    return larder_bench::first_hit(argv[2]);
  if (argc == 2 && std::string_view(argv[1]) == "--peers") {
    print_peers();
    return 0;
  }
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: larder_bench GROUP BYTES DISK [TMPFS]\n";
    return 2;
  }
  if (std::string_view(argv[1]) == larder_bench::k_calls) {
    larder_bench::print_calls(std::stoull(argv[2]), std::span(argv + 3, argv + argc));
    return 0;
  }
  larder_bench::bench b(
      {.large_bytes = std::stoull(argv[2]), .disk = argv[3], .tmpfs = argc == 5 ? argv[4] : ""});
  for (const auto& group : k_groups) {
    if (std::string(argv[1]) == group.name) group.add(b);
  }
  if (b.measurements().empty()) {
    std::cerr << "larder_bench: there is no group " << argv[1] << '\n';
    return 2;
  }
  larder_bench::add_warming(b);
  larder_bench::add_control(b);
  for (const auto& [name, ignored] : b.measurements()) std::cout << name << '\n';
  std::cout << std::endl;

  for (std::string name; std::getline(std::cin, name);) {
    const auto found = b.measurements().find(name);
    try {
      if (found == b.measurements().end()) {
        std::cout << "error no such measurement" << std::endl;
      } else {
        std::cout.precision(9);
        std::cout << found->second() << std::endl;
      }
    } catch (const std::exception& e) {
      std::cout << "error " << e.what() << std::endl;
    }
  }
}
