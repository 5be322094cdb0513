#include <larder/detail/value_hasher.hpp>

#include <map>
#include <string>

#include <larder/error.hpp>

namespace larder::detail {

struct value_hasher::pointees_seen {
  std::map<std::pair<const void*, const void*>, digest> digests;
};

value_hasher::value_hasher(hash_stream& stream) : stream_(&stream) {}
value_hasher::~value_hasher() = default;

void value_hasher::enter() {
  if (++depth_ > k_deepest_nesting) {
    throw value_error("hash: values of users' types are nested more than " +
                      std::to_string(k_deepest_nesting) + " deep; pointers may lead in a circle");
  }
}

const digest* value_hasher::shared_before(const void* pointee, const void* tag) const {
  if (!seen_) return nullptr;
  const auto found = seen_->digests.find({pointee, tag});
  return found == seen_->digests.end() ? nullptr : &found->second;
}

const digest& value_hasher::remember(const void* pointee, const void* tag, const digest& value) {
  if (!seen_) seen_ = std::make_unique<pointees_seen>();
  return seen_->digests.insert_or_assign({pointee, tag}, value).first->second;
}

}  // namespace larder::detail
