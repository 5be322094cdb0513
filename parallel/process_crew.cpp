#include "parallel/process_crew.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <string>
#include <utility>

#include <sys/wait.h>

#include <larder/error.hpp>

#include "parallel/process_kind.hpp"
#include "parallel/task_clock.hpp"
#include "parallel/worker_count.hpp"
#include "parallel/worker_messages.hpp"
#include "parallel/worker_registry.hpp"
#include "src/descriptor.hpp"
#include "src/spin.hpp"
#include "src/xxh3.hpp"

namespace larder::detail {
namespace {

constexpr unsigned k_most_processes = 4096;
/// Workers keep calls of no more bytes than these, for the case that they come again.
constexpr std::size_t k_most_kept_bytes = std::size_t{1} << 20;
/// In so many turns it looks once for ended workers where there is other news all the time.
constexpr unsigned k_looks = 64;
/// How long it looks for what workers say before it sleeps.
constexpr std::chrono::microseconds k_spin{50};
/// How long workers may take to see that what they are at is not wanted.
constexpr std::chrono::milliseconds k_grace{2};
/// A task that has killed so many workers is given up, whatever max_retries says.
constexpr unsigned k_most_deaths = 3;
/// So many workers may end at no task, without a result in between.
constexpr unsigned k_most_idle_deaths = 10;

/// Of a batch. Workers go from one crew to another: what one still says of its last batch must not be taken for the next.
std::uint64_t next_serial() noexcept {
  static constinit std::atomic<std::uint64_t> given = 0;
  return 1 + given.fetch_add(1, std::memory_order_relaxed);
}

encoded_call encode_call(const parallel_settings& settings, const shipment& shipped) {
  encoded_call call{encode(settings, shipped), {}, false};
  // Arrays, and what else is large, are let go as soon as they can be.
  call.stays_same =
      shipped.stays_same() && call.message.files.empty() && call.message.bytes.size() <= k_most_kept_bytes;
  if (call.stays_same) call.content = xxh3_128(text_bytes(call.message.bytes));
  return call;
}

outgoing_message encode_batch(const parallel_settings& settings, task_batch& batch, batch_head head) {
  argument_writer to(rules_of(settings));
  to.number(worker_message::batch);
  to.number(head);
  batch.write_inputs(static_cast<std::size_t>(head.begin), batch.count(), to);
  return to.take();
}

error died_early(pid_t pid, int status) {
  const std::string how = WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                          : status == -1      ? "ended"
                                              : "exited with status " + std::to_string(WEXITSTATUS(status));
  return error("parallel: the worker process " + std::to_string(pid) + " " + how +
               " before it began: larder::init(argc, argv); has to be the first line of main, and "
               "constructors of "
               "static objects must not end the program");
}

}  // namespace

process_crew::process_crew(const parallel_settings& settings, on_failure then)
    : settings_(settings),
      then_(then),
      kind_(kind_of(settings)),
      is_one_call_(then == on_failure::stop),
      depth_(is_one_call_ ? 2 : 1),
      seats_(std::min(worker_count(settings), k_most_processes)),
      watch_(static_cast<unsigned>(seats_.size())) {
  stats_.worker_seconds.resize(seats_.size());
}

process_crew::~process_crew() {
  for (seat& each : seats_) {
    if (each.worker && each.given.empty()) dismiss(each);
  }
}

bool process_crew::is_busy() const noexcept {
  return !again_.empty() || std::ranges::any_of(seats_, [](const seat& each) { return !each.given.empty(); });
}

/// The seat of an idle worker; or else one whose worker is not started yet; or else that of the worker with the fewest batches.
std::optional<std::size_t> process_crew::find_room() const noexcept {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i != seats_.size(); ++i) {
    const seat& each = seats_[i];
    if (each.given.size() >= depth_ || each.kill_at || each.killed_for) continue;
    if (each.worker && each.given.empty()) return i;
    if (!best || each.given.size() < seats_[*best].given.size()) best = i;
  }
  return best;
}

bool process_crew::has_room() const noexcept { return again_.empty() && find_room().has_value(); }

void process_crew::give(std::shared_ptr<task_batch> batch) { give(job{std::move(batch)}); }

void process_crew::give(job what) {
  const auto batch = what.batch;
  try {
    if (const std::string why = batch->shipped().why_not(); !why.empty()) throw not_shippable(why);
    if (const std::string why = batch->why_not_travelling(); !why.empty()) throw not_shippable(why);
    seat& to = seats_[*find_room()];
    if (!to.worker) {
      try {
        to.worker = take_worker(kind_);
      } catch (const io_error&) {
        // The system has no room for another process now: those that are at something do it next, if there are any.
        const auto is_busy = [](const seat& each) { return !each.given.empty(); };
        if (!std::ranges::any_of(seats_, is_busy)) throw;
        again_.push_back(std::move(what));
        return;
      }
      to.worker->set_idle_timeout(settings_.idle_timeout);
      to.busy_before = to.worker->link().slot.busy;
      to.news = to.worker->link().news;
    }
    // To one that has ended, too: it is about to be buried, and then the batch goes to another one.
    send(to, what);
  } catch (...) {
    fail(*batch, std::current_exception());
  }
}

const encoded_call& process_crew::call_of(const task_batch& batch) {
  if (!call_ || !is_one_call_) call_ = encode_call(settings_, batch.shipped());
  return *call_;
}

void process_crew::send(seat& to, const job& what) {
  task_batch& batch = *what.batch;
  const encoded_call& call = call_of(batch);
  batch_head head{.serial = next_serial(),
                  .call = 0,
                  .first = batch.first(),
                  .count = batch.count(),
                  .begin = batch.is_whole() ? 0 : batch.finished(),
                  .timeout = settings_.timeout ? settings_.timeout->count() : 0,
                  .whole = batch.is_whole() ? 1U : 0U,
                  .wakes = batch.wants_each_result() ? 1U : 0U};
  if (!to.has_call || !is_one_call_) {
    to.call = to.worker->begin_call(call);
    to.has_call = true;
  }
  head.call = to.call;
  const outgoing_message message = encode_batch(settings_, batch, head);
  batch.set_sent_bytes(message.bytes.size());
  to.worker->send(message);
  to.given.push_back({what, head.serial});
}

void process_crew::wait(const wake_event* event, clock::time_point deadline) {
  const auto has_news = [this] {
    return std::ranges::any_of(
        seats_, [](const seat& each) { return each.worker && each.worker->link().news.load() != each.news; });
  };
  watch_.reset(event != nullptr ? event->fd() : -1);
  // Mostly there is something soon. Now and then it looks for ends and events nevertheless.
  if (++waits_ % k_looks != 0 && spin_until(has_news, k_spin)) return;
  for (unsigned i = 0; i != seats_.size(); ++i) {
    if (!seats_[i].worker) continue;
    watch_.add(i, seats_[i].worker->child().ended_fd());
    watch_.add_event(i, seats_[i].worker->event().fd());
    seats_[i].worker->link().parent_sleeps.store(1);  // before the last look: see worker_loop::tell
  }
  watch_.wait(has_news() ? clock::time_point::min() : std::min(deadline, next_due()));
  for (unsigned i = 0; i != seats_.size(); ++i) {
    if (!seats_[i].worker) continue;
    seats_[i].worker->link().parent_sleeps.store(0);
    if (watch_.has_said(i)) seats_[i].worker->event().clear();
  }
  if (watch_.is_posted()) event->clear();
}

/// When a task may be over its time, or a worker has to be killed.
process_crew::clock::time_point process_crew::next_due() const noexcept {
  auto due = clock::time_point::max();
  if (settings_.timeout && is_busy()) due = clock::now() + *settings_.timeout;  // of tasks that begin later
  for (const seat& each : seats_) {
    if (each.kill_at) due = std::min(due, *each.kill_at);
    const auto at = settings_.timeout && each.worker ? each.worker->link().slot.at() : std::nullopt;
    if (at) due = std::min(due, at->started + *settings_.timeout);
  }
  return due;
}

void process_crew::look() {
  for (unsigned i = 0; i != seats_.size(); ++i) {
    seat& each = seats_[i];
    if (!each.worker) continue;
    receive(each);
    if (watch_.has_ended(i)) {
      bury(each, i);
    } else {
      watch_time(each);
    }
  }
  while (!again_.empty() && find_room()) {
    const std::size_t before = again_.size();
    auto next = std::move(again_.front());
    again_.pop_front();
    give(std::move(next));
    if (again_.size() == before) break;  // there is no room for it now
  }
}

void process_crew::receive(seat& from) {
  from.news = from.worker->link().news.load();
  try {
    const auto take = [&](std::size_t begin, std::size_t end, message_reader& results) {
      take_results(from, begin, end, results);
    };
    while (const auto failure = from.worker->results().receive(received_, take)) {
      if (from.given.empty()) throw error("parallel: a worker has failed at a batch that it was not given");
      fail(*from.given.front().what.batch, failure);
      end_batch(from);
    }
  } catch (...) {  // what has come cannot be read: nor can what follows
    kill(from, std::current_exception());
  }
  stats_.bytes_mapped = received_.mapped;
  stats_.bytes_copied = received_.copied;
}

void process_crew::take_results(seat& from, std::size_t begin, std::size_t end, message_reader& results) {
  if (from.given.empty()) throw error("parallel: a worker has sent results that it was not asked for");
  task_batch& batch = *from.given.front().what.batch;
  if (batch.failed()) {
    results.skip_rest();
  } else {
    if (begin >= end || end > batch.count() || begin != (batch.is_whole() ? 0 : batch.finished()))
      throw error("parallel: a worker has sent results of tasks that there are not");
    batch.read_all(batch.is_whole() ? end - 1 : begin, end, results);
    stats_.tasks += end - begin;
    idle_deaths_ = 0;
    if (end == batch.count()) {
      batch.set_busy(std::chrono::nanoseconds(from.worker->link().slot.busy - from.busy_before));
      ++stats_.batches;
    }
    batch.publish(end);
  }
  if (end == batch.count()) end_batch(from);
}

/// The worker has done the first batch that it was given.
void process_crew::end_batch(seat& from) {
  const std::int64_t busy = from.worker->link().slot.busy;
  const auto number = static_cast<std::size_t>(&from - seats_.data());
  stats_.worker_seconds[number] +=
      std::chrono::duration<double>(std::chrono::nanoseconds(busy - from.busy_before)).count();
  from.busy_before = busy;
  from.given.pop_front();
  if (!from.given.empty() || !from.kill_at) return;
  // It has done, or left, all that was not wanted: what it is given next is.
  from.worker->link().stop.reset();
  from.kill_at.reset();
}

void process_crew::watch_time(seat& of) {
  const worker_slot& slot = of.worker->link().slot;
  if (of.kill_at && clock::now() >= *of.kill_at) {
    kill(of, std::make_exception_ptr(task_cancelled()));
  } else if (const auto late = settings_.timeout ? slot.overdue(*settings_.timeout) : std::nullopt) {
    kill(of, std::make_exception_ptr(timed_out(*late, *settings_.timeout)));
  }
}

/// What a worker that has ended had not published yet.
void process_crew::receive_staged(seat& dead) {
  const worker_link& link = dead.worker->link();
  const result_stage& stage = link.stage;
  if (dead.given.empty() || link.serial.load() != dead.given.front().serial) return;
  const task_batch& batch = *dead.given.front().what.batch;
  const std::uint64_t bytes = stage.bytes.load();
  if (batch.settled() || stage.begin.load() != batch.finished() || stage.end.load() <= stage.begin.load() ||
      bytes > stage.data.size())
    return;
  try {
    message_reader from(nullptr, std::span(stage.data).first(static_cast<std::size_t>(bytes)), 0, received_,
                        nullptr);
    take_results(dead, static_cast<std::size_t>(stage.begin), static_cast<std::size_t>(stage.end), from);
  } catch (...) {
    kill(dead, std::current_exception());
  }
}

/// A worker has ended, and all that it has said is received.
void process_crew::bury(seat& dead, unsigned number) {
  receive_staged(dead);
  const worker_link& link = dead.worker->link();
  const pid_t pid = dead.worker->child().pid();
  const int status = dead.worker->child().end().value_or(-1);
  const bool was_ready = link.is_ready.load() != 0;
  const std::uint64_t serial = link.serial.load();
  const auto task = static_cast<std::size_t>(link.slot.task);
  auto given = std::move(dead.given);
  const auto killed_for = dead.killed_for;
  dead = {};
  std::deque<job> again;
  for (given_job& each : given) {
    task_batch& batch = *each.what.batch;
    if (batch.settled()) continue;
    const bool was_at_it = each.serial == serial;
    if (killed_for && &each == &given.front()) {
      fail(batch, killed_for);
    } else if (!was_at_it) {
      again.push_back(std::move(each.what));
    } else {
      if (each.what.deadly_task != task) each.what.deaths = 0;
      each.what.deadly_task = task;
      ++each.what.deaths;
      if (each.what.deaths > settings_.max_retries || each.what.deaths >= k_most_deaths) {
        fail(batch, std::make_exception_ptr(worker_died(number, pid, status, task)));
      } else {
        ++stats_.retries;
        again.push_back(std::move(each.what));
      }
    }
  }
  const bool was_idle = again.size() == given.size() && !given.empty() && serial == 0;
  const bool was_killed = status == -1 || WIFSIGNALED(status);
  if (was_idle && ++idle_deaths_ >= (was_ready || was_killed ? k_most_idle_deaths : k_most_deaths)) {
    const auto first = again.front().batch;
    fail(*first, was_ready ? std::make_exception_ptr(
                                 worker_died(number, pid, status, first->first() + first->finished()))
                           : std::make_exception_ptr(died_early(pid, status)));
    again.pop_front();
  }
  if (!fault_)
    again_.insert(again_.begin(), std::make_move_iterator(again.begin()),
                  std::make_move_iterator(again.end()));
  else
    for (job& each : again) fail(*each.batch, fault_);
}

void process_crew::fail(task_batch& batch, const std::exception_ptr& fault) {
  if (batch.settled()) return;
  batch.fail(fault);
  if (then_ == on_failure::stop) drop_all(fault);
}

void process_crew::drop(const task_batch& batch, const std::exception_ptr& fault) {
  const auto is_it = [&](const auto& each) { return each.what.batch.get() == &batch; };
  const auto waits =
      std::ranges::find_if(again_, [&](const job& each) { return each.batch.get() == &batch; });
  if (waits != again_.end()) {
    waits->batch->fail(fault);
    again_.erase(waits);
    return;
  }
  for (seat& each : seats_) {
    const auto given = std::ranges::find_if(each.given, is_it);
    if (given == each.given.end() || given->what.batch->settled()) continue;
    given->what.batch->fail(fault);
    stop_worker(each);
  }
}

void process_crew::drop_all(const std::exception_ptr& fault) {
  if (!fault_) fault_ = fault;
  for (job& each : std::exchange(again_, {})) {
    if (!each.batch->settled()) each.batch->fail(fault_);
  }
  for (seat& each : seats_) {
    if (each.given.empty()) continue;
    for (given_job& given : each.given) {
      if (!given.what.batch->settled()) given.what.batch->fail(fault_);
    }
    stop_worker(each);
  }
}

/// Nothing that it has is wanted.
void process_crew::stop_worker(seat& of) noexcept {
  if (of.kill_at) return;
  of.worker->link().stop.request();
  of.kill_at = clock::now() + k_grace;
}

/// When it has ended, the batch that it is at has this fault.
void process_crew::kill(seat& of, const std::exception_ptr& fault) noexcept {
  if (!of.killed_for) of.killed_for = fault;
  of.worker->child().kill();
}

void process_crew::dismiss(seat& from) noexcept {
  try {
    // Calls on their own have all that is theirs in their inputs, and stay (submit_shipment).
    if (is_one_call_ && from.has_call) from.worker->end_call(*call_, from.call);
    give_back_worker(std::move(from.worker));
  } catch (...) {  // no memory for the message: the worker is killed, then
  }
}

}  // namespace larder::detail
