#include "parallel/process_kind.hpp"

#include <string>

#include <larder/error.hpp>

#include "src/code_address.hpp"

namespace larder::detail {

passing_rules rules_of(const parallel_settings& settings) {
  return {settings.max_nbytes, settings.mmap_mode, settings.temp_folder};
}

outgoing_message encode(const parallel_settings& settings, const shipment& shipped) {
  argument_writer to(rules_of(settings));
  write_descriptor(shipped.descriptor(), to);
  shipped.write(to);
  return to.take();
}

process_kind kind_of(const parallel_settings& settings) {
  process_kind kind{settings.inner_threads, settings.thread_limit, settings.max_nbytes, {}};
  if (settings.initializer) {
    const shipment& initializer = *settings.initializer.shipped();
    if (const std::string why = initializer.why_not(); !why.empty()) throw not_shippable(why);
    kind.initializer = encode(settings, initializer);
  }
  return kind;
}

}  // namespace larder::detail
