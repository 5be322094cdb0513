// object_store_producer NAMESPACE: puts the prices, and puts them anew as fast as it can, until somebody kills it.

#include <larder/error.hpp>
#include <larder/store.hpp>

#include <unistd.h>

#include <cstdio>

#include "examples/object_store/dictionary.hpp"

namespace object_store {
namespace {

prices prices_of(int round) {
  prices all;
  for (const char* stock : {"apples", "pears", "plums", "quinces"}) {
    larder::array<double> daily({k_days});
    daily.fill(round);
    all.emplace(stock, daily);
  }
  return all;
}

[[noreturn]] void produce(const char* space) {
  const larder::store st(space);
  st.put(k_producer, static_cast<int>(::getpid()));
  for (int round = 1;; ++round) st.put(k_prices, prices_of(round));  // each takes the place of the one before
}

}  // namespace
}  // namespace object_store

int main(int argc, char** argv) try {
  if (argc == 2) object_store::produce(argv[1]);
  std::fputs("usage: object_store_producer NAMESPACE\n", stderr);
  return 2;
} catch (const larder::error& failed) {
  std::fprintf(stderr, "producer: %s\n", failed.what());
  return 1;
}
