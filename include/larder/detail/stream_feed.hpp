#pragma once
// imap: a stream of results together with everything that it is made from.

#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <larder/detail/call_batch.hpp>
#include <larder/detail/parallel_call.hpp>
#include <larder/detail/parallel_pool.hpp>
#include <larder/detail/shipment.hpp>
#include <larder/detail/task_stream.hpp>
#include <larder/result_range.hpp>

namespace larder::detail {

/// What imap gives for a result of that type.
template <class R>
using fed_result = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

template <class Range, class R, class F, class... Shared>
class stream_feed final : public result_feed<fed_result<R>> {
 public:
  stream_feed(std::shared_ptr<const parallel_pool> pool, Range&& range, F&& f, std::tuple<Shared...>&& shared,
              stream_order order)
      : pool_(std::move(pool)),
        range_(std::move(range)),
        f_(std::move(f)),
        shared_(std::move(shared)),
        call_(std::make_from_tuple<call>(std::tuple_cat(std::tuple<const F&>(f_), const_references()))),
        shipment_(call_),
        source_(range_, call_, shipment_),
        stream_(pool_->settings(), source_, order) {}

  std::optional<fed_result<R>> next() override {
    const auto task = stream_.next();
    if (!task) return std::nullopt;
    auto& batch = static_cast<batch_type&>(task->batch);
    if constexpr (std::is_void_v<R>) {
      return std::monostate{};
    } else {
      return batch.take(task->i);
    }
  }
  parallel_stats stats() const override { return stream_.stats(); }

 private:
  using call = parallel_call<F, Shared...>;
  using batch_type = call_batch<Range, call, R>;

  std::tuple<const Shared&...> const_references() const {
    return std::apply([](const Shared&... each) { return std::tuple<const Shared&...>(each...); }, shared_);
  }

  // The stream goes first: what runs refers to all the others.
  const std::shared_ptr<const parallel_pool> pool_;
  Range range_;
  const F f_;
  const std::tuple<Shared...> shared_;
  const call call_;
  const map_shipment<travelled_passed<Range, F, Shared...>, F, Shared...> shipment_;
  range_source<Range, batch_type, call, shipment> source_;
  task_stream stream_;
};

}  // namespace larder::detail
