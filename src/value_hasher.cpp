#include <larder/detail/value_hasher.hpp>

#include <map>
#include <string>

#include <larder/error.hpp>

namespace larder::detail {

struct value_hasher::pointees_seen {
  struct pointee {
    digest value;
    std::shared_ptr<const void> held;  // so that no other comes to its address
  };
  std::map<std::pair<const void*, const void*>, pointee> by_address;
};

value_hasher::value_hasher(hash_stream& stream) : stream_(&stream) {}
value_hasher::~value_hasher() = default;

void value_hasher::refuse_nesting() const {
  throw value_error("hash: values of users' types are nested more than " + std::to_string(k_deepest_nesting) +
                    " deep; pointers may lead in a circle");
}

const digest* value_hasher::shared_before(const void* pointee, const void* tag) const {
  if (!seen_) return nullptr;
  const auto found = seen_->by_address.find({pointee, tag});
  return found == seen_->by_address.end() ? nullptr : &found->second.value;
}

const digest& value_hasher::remember(const std::shared_ptr<const void>& pointee, const void* tag,
                                     const digest& value) {
  if (!seen_) seen_ = std::make_unique<pointees_seen>();
  const auto place =
      seen_->by_address.insert_or_assign({pointee.get(), tag}, pointees_seen::pointee{value, pointee});
  return place.first->second.value;
}

}  // namespace larder::detail
