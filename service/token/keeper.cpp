#include "token/keeper.hpp"

#include <algorithm>

namespace gateway::token {

using transport::task;
using transport::wake;

view::view(transport::loop& loop, keeper& of) : loop_{loop}, keeper_{of} {
  keeper_.views_.push_back(this);
}

const grant* view::usable() const noexcept {
  return grant_ && loop_.now() < grant_->expiry ? &*grant_ : nullptr;
}

task<std::expected<grant, trouble>> view::get(time::instant deadline) {
  for (;;) {
    if (const auto* found = usable()) co_return *found;
    if (trouble_ && loop_.now() < trouble_->retry_at) co_return std::unexpected{*trouble_};
    transport::parking place{loop_.ready()};
    waiting_.push_back(&place);
    struct departure {
      std::deque<transport::parking*>& line;
      transport::parking* self;
      ~departure() { std::erase(line, self); }
    } on_leaving{waiting_, &place};
    const auto woken = co_await place.wait(loop_.deadlines(), deadline);
    if (woken == wake::timed_out)
      co_return std::unexpected{trouble{false, "the token endpoint has not answered in time", loop_.now()}};
  }
}

void view::reject(std::uint64_t generation) {
  if (grant_ && grant_->generation == generation) grant_.reset();
  keeper_.reject(generation);
}

void view::update(news latest) {
  grant_ = std::move(latest.token);
  trouble_ = std::move(latest.failing);
  for (auto* waiter : waiting_) waiter->wake_up();
}

keeper::keeper(parts given) : parts_{std::move(given)}, renewal_{parts_.options} {}

void keeper::start() {
  consider();
}

void keeper::consider() {
  if (renewal_.should_ask(parts_.home.now())) {
    parts_.home.spawn(attempt());
  } else if (const auto next = renewal_.wake_at()) {
    alarm_.arm(parts_.home.deadlines(), *next);
  }
}

// Whatever happens in it, an attempt ends with its outcome noted, and so with the next one planned.
task<> keeper::attempt() {
  auto known = parts_.credentials();
  if (!known) {
    note_trouble(true, std::move(known.error()));
    co_return;
  }
  std::expected<endpoint::reply, std::string> reply = std::unexpected{std::string{"the attempt failed"}};
  try {
    auto asked =
        parts_.endpoint.ask(basic_authorization(*known), content_type(parts_.encoding), request_body(parts_.encoding));
    reply = co_await std::move(asked);
  } catch (const std::exception& failure) {
    reply = std::unexpected{std::string{failure.what()}};
  }
  conclude(std::move(reply));
}

void keeper::conclude(std::expected<endpoint::reply, std::string> reply) {
  if (!reply) return note_trouble(false, std::move(reply.error()));
  auto meaning = read_answer(reply->status, reply->body, parts_.encoding);
  if (auto* no = std::get_if<refused>(&meaning)) return note_trouble(true, std::move(no->reason));
  if (auto* nothing = std::get_if<unusable>(&meaning)) return note_trouble(false, std::move(nothing->reason));
  renewal_.on_granted(std::get<granted>(std::move(meaning)), reply->sent_at, parts_.uniform());
  if (const auto* now_usable = renewal_.usable(parts_.home.now()))
    parts_.observer.renewed(now_usable->expiry - reply->sent_at);
  publish();
}

void keeper::note_trouble(bool refused, std::string reason) {
  renewal_.on_trouble(refused, std::move(reason), parts_.home.now(), parts_.uniform());
  parts_.observer.failed(*renewal_.failing());
  publish();
}

void keeper::reject(std::uint64_t generation) {
  parts_.home.post([this, generation] {
    const auto* before = renewal_.failing();
    renewal_.on_rejected(generation, parts_.home.now(), parts_.uniform());
    if (const auto* after = renewal_.failing(); after != nullptr && before == nullptr) parts_.observer.failed(*after);
    publish();
  });
}

void keeper::publish() {
  view::news latest;
  if (const auto* present = renewal_.usable(parts_.home.now())) latest.token = *present;
  if (const auto* why = renewal_.failing()) latest.failing = *why;
  has_token_.store(latest.token.has_value(), std::memory_order_relaxed);
  expiry_.store(latest.token ? latest.token->expiry.time_since_epoch().count() : 0, std::memory_order_relaxed);
  tried_.store(renewal_.tried(), std::memory_order_relaxed);
  for (auto* each : views_) {
    if (&each->loop_ == &parts_.home)
      each->update(latest);
    else
      each->loop_.post([each, latest] { each->update(latest); });
  }
  consider();
}

}  // namespace gateway::token
