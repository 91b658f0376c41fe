#include "telemetry/exporter.hpp"

#include <algorithm>
#include <charconv>

namespace gateway::telemetry {

using transport::task;

namespace {

constexpr http::parse_limits limits{.head = 16 * 1024, .body = 64 * 1024};

std::string request_of(const std::string& host, const std::string& path, std::string_view body) {
  std::string out = "POST " + path + " HTTP/1.1\r\nHost: " + host +
                    "\r\nUser-Agent: onboarding-gateway\r\nContent-Type: application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n";
  out += body;
  return out;
}

// Whole seconds only: a date would need the collector's clock to be ours.
std::optional<time::duration> asked_wait(const http::answer_head& head) {
  const auto value = head.fields.get(http::field::retry_after);
  unsigned seconds = 0;
  if (!value) return std::nullopt;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (error != std::errc{} || end != value->data() + value->size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

task<> exporter::run() {
  for (;;) {
    sent last{export_end::accepted, export_pace::interval};
    if (take_batch())
      last = co_await send_batch();
    else if (done_)
      break;
    if (done_ && last.how == export_end::failed) break;
    if (last.how == export_end::failed)
      co_await rest(last.wait);
    else if (last.wait > time::duration::zero())
      co_await wait_for_spans();
  }
  // What is left could not be sent in the time there is.
  const auto left = batch_.size() + queued();
  if (left > 0) parts_.observer.lost(left);
  if (connection_) connection_->finish();
  connection_.reset();
  if (done_) done_();
}

// Ends early when it is time to end.
task<> exporter::rest(time::duration how_long) {
  if (done_) co_return;
  transport::parking place{parts_.net.loop.ready()};
  waiting_ = &place;
  co_await place.wait(parts_.net.loop.deadlines(), parts_.net.loop.now() + how_long);
  waiting_ = nullptr;
}

// An interval, or less where a batch is full before.
task<> exporter::wait_for_spans() {
  constexpr int slices = 10;
  for (int i = 0; i < slices && !done_ && queued() < most_in_batch; ++i) co_await rest(export_pace::interval / slices);
}

std::size_t exporter::queued() const noexcept {
  std::size_t all = 0;
  for (const auto* each : parts_.queues) all += each->size();
  return all;
}

void exporter::finish(time::instant deadline, std::function<void()> done) {
  give_up_at_ = deadline;
  done_ = std::move(done);
  if (waiting_ != nullptr) waiting_->wake_up();
}

// True: there is something to send. What was kept of a failed try comes first.
bool exporter::take_batch() {
  trace::span one;
  for (auto* each : parts_.queues)
    while (batch_.size() < most_in_batch && each->pop(one)) batch_.push_back(one);
  return !batch_.empty();
}

task<exporter::sent> exporter::send_batch() {
  std::optional<time::duration> asked;
  std::string reason;
  const bool failing_before = pace_.failing();
  const bool full = batch_.size() == most_in_batch;
  const auto how = co_await post(asked, reason);
  const auto next = pace_.after(how, asked);
  parts_.observer.tried(how);
  say(how, failing_before, reason);
  if (how == export_end::accepted) {
    const auto rejected = std::min<std::size_t>(batch_.size(), rejected_spans(answer_.body));
    parts_.observer.exported(batch_.size() - rejected);
    if (rejected > 0) parts_.observer.lost(rejected);
  } else if (!next.keep) {
    parts_.observer.lost(batch_.size());
  }
  if (!next.keep) batch_.clear();
  if (how == export_end::failed) co_return sent{how, next.wait};
  co_return sent{how, full ? time::duration::zero() : time::duration{export_pace::interval}};
}

task<export_end> exporter::post(std::optional<time::duration>& asked, std::string& reason) {
  auto& loop = parts_.net.loop;
  const auto deadline = std::min(give_up_at_, loop.now() + place_.timeout);
  const auto body = render(batch_, parts_.from, loop.now(), loop.clock().wall_now());
  const auto request = request_of(place_.host_header, place_.path, body);
  for (;;) {
    const bool connected = co_await connect(deadline, reason);
    if (!connected) co_return export_end::failed;
    const bool may_be_stale = std::exchange(used_, true);
    const auto result = co_await upstream::exchange(loop, *connection_, request, limits, answer_, deadline);
    const bool keep = result.end == upstream::exchange_end::answered && answer_.keep_alive;
    if (!keep) {
      connection_->finish();
      connection_.reset();
    }
    if (result.end == upstream::exchange_end::answered) {
      asked = asked_wait(answer_.head);
      reason = "it answered " + std::to_string(answer_.head.status);
      co_return end_of(answer_.head.status);
    }
    // A connection that the collector closed while it rested says nothing about the collector.
    if (may_be_stale && !result.heard && result.end == upstream::exchange_end::lost) continue;
    reason = result.reason;
    co_return export_end::failed;
  }
}

task<bool> exporter::connect(time::instant deadline, std::string& reason) {
  if (connection_) co_return true;
  auto opened = co_await upstream::open_connection(parts_.net, place_.target, deadline);
  if (!opened) {
    reason = std::move(opened.error());
    co_return false;
  }
  connection_ = std::move(*opened);
  used_ = false;
  co_return true;
}

// Not every failure: a collector that is away is away for a while.
void exporter::say(export_end how, bool failing_before, const std::string& reason) {
  if (how == export_end::accepted && failing_before) parts_.log.info("the trace collector takes spans again");
  if (how != export_end::accepted && !failing_before)
    parts_.log.warn("the trace collector takes no spans; it is tried again and again", {{"reason", reason}});
}

}  // namespace gateway::telemetry
