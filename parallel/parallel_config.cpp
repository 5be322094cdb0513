#include <larder/parallel_config.hpp>

#include <utility>

#include "parallel/parallel_defaults.hpp"

namespace larder {
namespace {

thread_local constinit const parallel_options* innermost = nullptr;

parallel_options checked(parallel_options options) {
  detail::check_options(options);
  return innermost == nullptr ? std::move(options) : detail::completed(std::move(options), *innermost);
}

}  // namespace

const parallel_options* detail::current_config() noexcept { return innermost; }

detail::no_config::no_config() noexcept : outer_(std::exchange(innermost, nullptr)) {}

detail::no_config::~no_config() { innermost = outer_; }

parallel_config::parallel_config(parallel_options options)
    : options_(checked(std::move(options))), outer_(std::exchange(innermost, &options_)) {}

parallel_config::~parallel_config() { innermost = outer_; }

}  // namespace larder
