#include "token/keeper.hpp"

#include <algorithm>
#include <utility>

#include "token/sharing.hpp"

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
    if (!undecided_ && trouble_ && loop_.now() < trouble_->retry_at) co_return std::unexpected{*trouble_};
    auto hearing = hear(deadline);
    const auto woken = co_await std::move(hearing);
    if (woken == wake::timed_out)
      co_return std::unexpected{trouble{false, "the token endpoint has not answered in time", loop_.now()}};
  }
}

task<bool> view::replaced(std::uint64_t generation, time::duration settling, time::instant deadline) {
  auto until = std::min(deadline, loop_.now() + 4 * settling);
  bool settles = false;
  for (;;) {
    const auto* present = usable();
    if (present == nullptr && !undecided_ && trouble_) co_return false;
    if (present != nullptr && present->generation != generation && present->generation == accepted_) co_return true;
    if (present != nullptr && !std::exchange(settles, true))
      until = loop_.now() + std::min(settling, (deadline - loop_.now()) / 2);
    auto hearing = hear(until);
    const auto woken = co_await std::move(hearing);
    if (woken == wake::timed_out) co_return false;
  }
}

task<wake> view::hear(time::instant deadline) {
  transport::parking place{loop_.ready()};
  waiting_.push_back(&place);
  struct departure {
    std::deque<transport::parking*>& line;
    transport::parking* self;
    ~departure() { std::erase(line, self); }
  } on_leaving{waiting_, &place};
  const auto woken = co_await place.wait(loop_.deadlines(), deadline);
  co_return woken;
}

void view::reject(std::uint64_t generation) {
  if (!grant_ || grant_->generation != generation) return;
  grant_.reset();
  undecided_ = true;
  keeper_.reject(generation);
}

void view::tell_accepted(std::uint64_t generation) {
  if (!grant_ || grant_->generation != generation) return;
  accepted_ = generation;
  for (auto* waiter : waiting_) waiter->wake_up();
  keeper_.accepted(generation);
}

void view::update(news latest) {
  grant_ = std::move(latest.token);
  trouble_ = std::move(latest.failing);
  undecided_ = false;
  accepted_ = 0;
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
  const store::token_owner who{known->client_id, known->client_secret};
  std::optional<store::token_lease> lease;
  if (parts_.shared != nullptr) {
    auto taking = take_turn_safely(who);
    const auto got = co_await std::move(taking);
    if (!got) co_return;
    lease = got->lease;
  }
  std::expected<endpoint::reply, std::string> reply = std::unexpected{std::string{"the attempt failed"}};
  try {
    auto asked =
        parts_.endpoint.ask(basic_authorization(*known), content_type(parts_.encoding), request_body(parts_.encoding));
    reply = co_await std::move(asked);
  } catch (const std::exception& failure) {
    reply = std::unexpected{std::string{failure.what()}};
  }
  const auto sent_at = reply ? reply->sent_at : parts_.home.now();
  const auto asked_for = reply ? reply->retry_after.value_or(time::duration::zero()) : time::duration::zero();
  conclude(std::move(reply));
  if (!lease) co_return;
  auto telling = tell_others(who, *lease, sent_at, asked_for);
  co_await std::move(telling);
}

// Nothing that goes wrong with the store may end the renewals.
task<std::optional<keeper::turn>> keeper::take_turn_safely(store::token_owner who) {
  try {
    auto taking = take_turn(std::move(who));
    auto got = co_await std::move(taking);
    co_return got;
  } catch (const std::exception&) {
    co_return turn{};
  }
}

task<std::optional<keeper::turn>> keeper::take_turn(store::token_owner who) {
  auto& home = parts_.home;
  sharing rules{home.now()};
  std::optional<std::string> passed;
  for (;;) {
    auto known = passed ? *passed : latest_.empty() ? std::string{} : parts_.shared->id_of(who, latest_);
    auto searching = parts_.shared->search(who, std::move(known), latest_refused_ && !passed);
    auto found = co_await std::move(searching);
    const auto* present = renewal_.usable(home.now());
    const auto plan = rules.after(found, present != nullptr ? present->expiry : time::instant::min(), home.now());
    switch (plan.next) {
      case sharing::step::adopt:
        adopt(std::move(found.grant));
        co_return std::nullopt;
      case sharing::step::pass:
        passed = std::move(found.grant.id);
        break;
      case sharing::step::wait: {
        auto waiting = parts_.shared->changed(who, plan.until);
        co_await std::move(waiting);
        break;
      }
      case sharing::step::fail:
        note_trouble(found.refused, std::move(found.reason), found.until - home.now());
        co_return std::nullopt;
      case sharing::step::ask:
        if (found.is != store::token_search::outcome::yours) co_return turn{};
        co_return turn{found.lease};
    }
  }
}

// Renewed with this replica's jitter, by the time at which it was asked for.
void keeper::adopt(store::shared_grant found) {
  const auto asked_at = found.expiry - found.lifetime;
  latest_ = found.token;
  latest_refused_ = false;
  renewal_.on_granted({std::move(found.token), found.lifetime}, asked_at, parts_.home.now(), parts_.uniform());
  parts_.observer.adopted(found.expiry - parts_.home.now());
  publish();
}

task<> keeper::tell_others(store::token_owner who, store::token_lease lease, time::instant sent_at,
                           time::duration asked_for) {
  if (const auto* why = renewal_.attempt_failed()) {
    auto telling = parts_.shared->failed(std::move(who), lease, why->refused, why->reason, asked_for);
    co_await std::move(telling);
  } else if (const auto* present = renewal_.usable(parts_.home.now())) {
    auto telling = parts_.shared->keep(std::move(who), lease, present->token, present->expiry - sent_at);
    co_await std::move(telling);
  }
}

void keeper::conclude(std::expected<endpoint::reply, std::string> reply) {
  if (!reply) return note_trouble(false, std::move(reply.error()));
  auto meaning = read_answer(reply->status, reply->body, parts_.encoding);
  secrets::wipe(reply->body);
  if (auto* no = std::get_if<refused>(&meaning)) return note_trouble(true, std::move(no->reason));
  if (auto* nothing = std::get_if<unusable>(&meaning))
    return note_trouble(false, std::move(nothing->reason), reply->retry_after.value_or(time::duration::zero()));
  renewal_.on_granted(std::get<granted>(std::move(meaning)), reply->sent_at, parts_.home.now(), parts_.uniform());
  if (const auto* why = renewal_.attempt_failed()) {
    parts_.observer.failed(*why);
  } else if (const auto* now_usable = renewal_.usable(parts_.home.now())) {
    latest_ = now_usable->token;
    latest_refused_ = false;
    parts_.observer.renewed(now_usable->expiry - reply->sent_at);
  }
  publish();
}

void keeper::note_trouble(bool refused, std::string reason, time::duration at_least) {
  renewal_.on_trouble(refused, std::move(reason), parts_.home.now(), parts_.uniform(), at_least);
  parts_.observer.failed(*renewal_.failing());
  publish();
}

void keeper::reject(std::uint64_t generation) {
  parts_.home.post([this, generation] {
    const auto* present = renewal_.usable(parts_.home.now());
    const bool news = present != nullptr && present->generation == generation && !std::exchange(latest_refused_, true);
    const auto* before = renewal_.failing();
    renewal_.on_rejected(generation, parts_.home.now());
    // Of each token that is no use, as long as none is.
    if (const auto* after = renewal_.failing(); after != nullptr && (before == nullptr || news))
      parts_.observer.failed(*after);
    publish();
  });
}

void keeper::accepted(std::uint64_t generation) {
  parts_.home.post([this, generation] {
    const auto* present = renewal_.usable(parts_.home.now());
    if (present == nullptr || present->generation != generation) return;
    latest_refused_ = false;
    const bool doubted = renewal_.failing() != nullptr;
    renewal_.on_accepted(generation, parts_.home.now());
    if (doubted && renewal_.failing() == nullptr) return publish();
    consider();
  });
}

void keeper::renew_now() {
  parts_.home.post([this] {
    renewal_.ask_now(parts_.home.now());
    consider();
  });
}

void keeper::publish() {
  view::news latest;
  if (const auto* present = renewal_.usable(parts_.home.now())) latest.token = *present;
  if (const auto* why = renewal_.failing()) latest.failing = *why;
  has_token_.store(latest.token && !renewal_.doubted(), std::memory_order_relaxed);
  expiry_.store(latest.token ? latest.token->expiry.time_since_epoch().count() : 0, std::memory_order_relaxed);
  generation_.store(latest.token ? latest.token->generation : 0, std::memory_order_relaxed);
  tried_.store(renewal_.tried(), std::memory_order_relaxed);
  standing_.store(!latest.failing           ? standing::well
                  : latest.failing->refused ? standing::refused
                                            : standing::out_of_reach,
                  std::memory_order_relaxed);
  for (auto* each : views_) {
    if (&each->loop_ == &parts_.home)
      each->update(latest);
    else
      each->loop_.post([each, latest] { each->update(latest); });
  }
  consider();
}

}  // namespace gateway::token
