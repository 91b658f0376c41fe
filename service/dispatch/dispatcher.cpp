#include "dispatch/dispatcher.hpp"

#include <algorithm>

#include "dispatch/failures.hpp"
#include "foundation/transport/next_stage.hpp"
#include "foundation/transport/parking.hpp"
#include "foundation/transport/text_cache.hpp"

namespace gateway::dispatch {

using errors::failure;
using errors::problem;
using transport::made;
using transport::task;
using transport::unless_gone;
using upstream::exchange_end;

namespace {

// What a sent request did, as far as its answer tells.
errors::effect effect_of(const attempt_facts& facts) noexcept {
  if (!facts.creating || facts.unprocessed) return errors::effect::none;
  if (facts.end != exchange_end::answered) return errors::effect::unknown;
  if (facts.status >= 400 && facts.status < 500) return errors::effect::none;
  return facts.status < 300 ? errors::effect::created : errors::effect::unknown;
}

// Equal for equal requests.
limiter::fingerprint fingerprint_of(const call& what) noexcept {
  switch (what.what) {
    case operation::create_session:
    case operation::create_user:
      return limiter::fingerprint{what.body};
    case operation::read_session:
      return limiter::fingerprint{what.session_id};
    case operation::read_devices:
      return limiter::fingerprint{what.path};
  }
  return {};
}

std::size_t caller_of(const call& what) noexcept {
  return what.control != nullptr ? what.control->caller() : what.caller_index;
}

// Stamps the permit when the request's last byte goes, and forgets the request, in which the token stands. Destroyed
// between that and the exchange's end it says so: nobody else will ever know of the request.
class sending_turn final : public upstream::send_observer {
 public:
  sending_turn(limiter::turn& place, const call& what, workspace& space, observer& told) noexcept
      : place_{place}, what_{what}, space_{space}, told_{told} {}
  ~sending_turn() {
    if (outstanding_) told_.abandoned({what_.what, space_.trace, space_.origin}, caller_of(what_));
  }
  sending_turn(const sending_turn&) = delete;
  sending_turn& operator=(const sending_turn&) = delete;

  void sent() override {
    outstanding_ = true;
    place_.sent();
    secrets::wipe(space_.request);
    transport::text_cache::give(space_.request);
  }
  void ended() noexcept { outstanding_ = false; }

 private:
  limiter::turn& place_;
  const call& what_;
  workspace& space_;
  observer& told_;
  bool outstanding_ = false;
};

}  // namespace

void call_control::extend(time::instant deadline, std::size_t caller) {
  deadline_ = std::max(deadline_, deadline);
  if (turn_ != nullptr) turn_->extend(deadline_, caller);
}

dispatcher::dispatcher(parts given, options how) : parts_{std::move(given)}, options_{std::move(how)} {}

task<std::expected<void, failure>> dispatcher::send(call what, workspace& space) {
  progress so_far;
  space.slot = 0;
  space.admitted_at.reset();
  auto trying = attempt(what, space, so_far);
  for (;;) {
    auto& last = co_await trying;
    if (!last) co_return made{[&] { return std::unexpected{std::move(last.error())}; }};
    const auto next = decide(what, *last, so_far);
    if (next.step == next_step::deliver && so_far.status != 429) co_return std::expected<void, failure>{};
    if (next.step == next_step::deliver || next.step == next_step::give_up)
      co_return made{[&] { return std::unexpected{why_not(next.step, *last)}; }};
    parts_.observer.repeated(what.what, reason_of(last->facts));
    so_far.again = true;
    if (next.step == next_step::renew_token) co_await await_other_token(what, space, so_far.rejected);
    if (next.wait > time::duration::zero()) co_await rest(what, next.wait);
    trying = attempt(what, space, so_far);
  }
}

failure dispatcher::why_not(next_step how, const ended& last) const {
  return how == next_step::give_up ? no_answer(last.facts, last.reason) : left_alone();
}

bool dispatcher::gone(const call& what) noexcept {
  return what.caller != nullptr && what.caller->happened();
}

// Nobody reads it; it is what the log and the metrics say.
failure dispatcher::caller_gone() {
  return failure_of(problem::request_timeout, "The caller left, and nothing was done for it.");
}

failure dispatcher::too_late() {
  return failure_of(problem::upstream_timeout, "The request could not be sent to Podero in time.");
}

time::instant dispatcher::deadline_of(const call& what) noexcept {
  return what.control != nullptr ? what.control->deadline() : what.deadline;
}

// What follows `last`, with the budget drawn where it is a repetition.
plan dispatcher::decide(const call& what, ended& last, progress& so_far) {
  auto& facts = last.facts;
  facts.attempts = ++so_far.attempts;
  facts.renewed = so_far.renewed || parts_.tokens.hopeless();
  facts.caller_gone = gone(what);
  facts.time_left = deadline_of(what) - parts_.loop.now();
  so_far.status = facts.status;
  if (facts.end != exchange_end::answered || facts.status >= 400) facts.uniform = parts_.uniform();
  auto next = after(facts, options_.retries);
  if (next.step == next_step::try_again && !parts_.health.may_repeat(parts_.loop.now()))
    next = {without_repeating(facts)};
  if (next.step == next_step::try_at_once) --so_far.attempts;
  if (next.step == next_step::renew_token) so_far.renewed = true;
  return next;
}

task<std::expected<dispatcher::ended, failure>> dispatcher::attempt(const call& what, workspace& space,
                                                                    progress& so_far) {
  space.answer.head.status = 0;
  space.retry_after.reset();
  if (gone(what)) co_return made{[&] { return std::unexpected{caller_gone()}; }};
  hand held;
  if (const auto open = ask_circuit(held, so_far)) co_return made{[&] { return std::unexpected{circuit_open(*open)}; }};
  ended result;
  result.facts.creating = creates(what.what);
  limiter::turn place{parts_.limits};
  // Without taking them yet: most that are refused would only have to put them down again.
  const bool in_hand = parts_.tokens.usable() != nullptr && parts_.pool.has_idle();
  bool waited = what.watch != nullptr;  // or may have, with its connection in hand
  if (const auto at = place.enter(ask_of(what, so_far, in_hand)); at != limiter::stage::granted) {
    waited = true;
    auto queueing = queue(what, space, so_far, place, held, result, at);
    auto& why = co_await queueing;
    if (why) {
      put_down(held);
      co_return made{[&] { return std::unexpected{std::move(*why)}; }};
    }
    if (!held.connection) {
      conclude(*held.circuit, result);
      co_return std::move(result);
    }
  } else {
    parts_.observer.permitted(what.what, "admitted");
    take_what_is_there(what, space, held);
    if (!held.connection) {
      gone_stale(held, result);
      co_return std::move(result);
    }
  }
  if (what.watch != nullptr) {
    auto asking = what.watch->about_to_send();
    auto& veto = co_await asking;
    if (veto) {
      put_down(held);
      co_return made{[&] { return std::unexpected{std::move(*veto)}; }};
    }
  }
  if (!has_time(what)) {
    put_down(held);
    co_return made{[&] { return std::unexpected{too_late()}; }};
  }
  co_await transport::next_stage{parts_.loop.ready()};
  if (may_begin(held, waited, result)) {
    const auto begun = begin_exchange(what, held, result);
    sending_turn stamps{place, what, space, parts_.observer};
    auto came = co_await upstream::exchange(parts_.loop, held.connection.channel(), space.request, options_.limits,
                                            space.answer, begun.until, upstream::asking::content,
                                            {place.drawn_permit().send_by, &stamps});
    co_await transport::next_stage{parts_.loop.ready()};
    stamps.ended();
    end_exchange(what, held, space, std::move(came), begun.at, so_far.exchanges++, result);
  }
  note_token(held, result.facts, so_far);
  settle(what, place, space, result);
  conclude(*held.circuit, result);
  co_return std::move(result);
}

limiter::ask dispatcher::ask_of(const call& what, const progress& so_far, bool in_hand) const {
  limiter::ask ask;
  ask.caller = caller_of(what);
  ask.what = opens_session(what.what) ? limiter::kind::creation : limiter::kind::request;
  ask.latest = deadline_of(what) - usual_exchange_;
  ask.fingerprint = fingerprint_of(what);
  ask.in_hand = in_hand;
  ask.again = so_far.again;
  ask.yields = what.yields;
  return ask;
}

// The usual case, without waiting: a token that is valid and a connection that is idle.
void dispatcher::take_what_is_there(const call& what, workspace& space, hand& held) {
  const auto* token = parts_.tokens.usable();
  if (token == nullptr) return;
  compose(what, *token, space, held);
  held.connection = parts_.pool.take_idle();
}

// The idle connections were dead: as if the attempt had not been. The permit goes back with its place.
void dispatcher::gone_stale(hand& held, ended& into) {
  held.circuit->settle(verdict::neutral);
  into.facts.reused = true;
  into.facts.end = exchange_end::lost;
}

// A time: it is open until then.
std::optional<time::instant> dispatcher::ask_circuit(hand& held, progress& so_far) {
  auto permit = parts_.health.ask(parts_.loop, !std::exchange(so_far.counted, true));
  if (!permit) return permit.error();
  held.circuit.emplace(std::move(*permit));
  return std::nullopt;
}

// The token that the request was composed with: it may have expired since, or been refused.
bool dispatcher::still_good(const hand& held) const {
  const auto* const now = parts_.tokens.usable();
  return now != nullptr && now->generation == held.token_generation;
}

// Nothing is sent, as where the permit is over: once more, with another token.
void dispatcher::lay_aside(hand& held, ended& into) {
  held.connection.keep();
  into.facts.end = exchange_end::timed_out;
  into.facts.permit_over = true;
}

// The connection was closed while its request waited for the turn, or for its record. A close by the peer does not keep
// the first bytes after it from being taken: they would be lost, and what became of a creation unknown.
bool dispatcher::lost_meanwhile(hand& held, ended& into) {
  const bool reused = held.connection.reused();
  const auto why = held.connection.spoilt();
  if (!why) return false;
  // A server that closes what it has just accepted is not asked again and again: that was an attempt.
  into.facts.reused = reused || *why != upstream::close_reason::server_closed;
  into.facts.end = exchange_end::lost;
  into.reason = "the server closed the connection before the request was sent";
  return true;
}

// Of a creation whose answer would certainly come too late nobody would know what became of it: it is not sent. (Where
// somebody keeps the result, it is waited for.)
bool dispatcher::has_time(const call& what) const noexcept {
  return !creates(what.what) || what.watch != nullptr || deadline_of(what) - parts_.loop.now() >= usual_exchange_ / 2;
}

// What was in hand may be of no use any more. False: nothing is sent, and `into` says why.
bool dispatcher::may_begin(hand& held, bool waited, ended& into) const {
  if (!still_good(held)) {
    lay_aside(held, into);
    return false;
  }
  return !waited || !lost_meanwhile(held, into);
}

// While it waits it holds nothing that others could use.
void dispatcher::put_down(hand& held) {
  if (held.connection) held.connection.keep();
  held.connection = {};
  if (held.circuit) held.circuit->settle(verdict::neutral);
  held.circuit.reset();
  held.token_generation = 0;
}

// The permit's and the account's part of what came back.
void dispatcher::settle(const call& what, limiter::turn& place, workspace& space, const ended& last) {
  const auto& facts = last.facts;
  const auto effect = facts.sent ? effect_of(facts) : errors::effect::none;
  if (effect == errors::effect::none && what.watch != nullptr) what.watch->had_no_effect();
  if (!facts.sent) return;  // the permit goes back with its place
  place.settle(effect);
  space.slot = facts.creating && effect != errors::effect::none ? place.drawn_permit().slot : 0;
  const bool told_to_wait = facts.status == 429 || (facts.status == 503 && facts.retry_after);
  if (!told_to_wait) return;
  const auto how_long = facts.retry_after.value_or(options_.retries.unasked_pause);
  parts_.limits.pause(parts_.loop.now() + how_long);
  parts_.observer.paused(how_long);
}

void dispatcher::conclude(account_health::permit& permit, const ended& last) {
  if (const auto changed = permit.settle(verdict_on(last.facts)))
    parts_.observer.circuit_changed(*changed, last.reason);
}

failure dispatcher::circuit_open(time::instant worth_asking_at) const {
  auto f = failure_of(problem::upstream_unavailable,
                      "Podero fails for account " + options_.account + " and is not asked until it is probed again.");
  const bool probing = parts_.health.state(parts_.loop.now()) == circuit_state::half_open;
  f.decision = errors::decision{errors::guard::circuit, {}, probing ? "half-open" : "open", {}};
  f.retry_after = whole_seconds(worth_asking_at - parts_.loop.now());
  return f;
}

// Podero's 429 for the caller: by now the account's pause says when it is worth asking again.
failure dispatcher::left_alone() const {
  limiter::refusal why;
  why.guard = errors::guard::pause;
  why.state = "Podero answered 429";
  why.admitted_at = parts_.limits.shared().state(parts_.limits.account()).paused_until;
  return refusal_of(why, 429);
}

failure dispatcher::refusal_of(const limiter::refusal& why, unsigned upstream_status) const {
  const auto& loop = parts_.loop;
  return refused(why, options_.account, loop.now(), loop.clock().wall_now(), upstream_status);
}

// Answers of whatever stands before the API prove nothing, and a request's second 401 may be its own fault.
void dispatcher::note_token(const hand& held, const attempt_facts& facts, progress& so_far) {
  const auto status = facts.status;
  if (status == 401) {
    if (!so_far.renewed) parts_.tokens.reject(so_far.rejected = held.token_generation);
  } else if (status >= 200 && status < 500 && status != 429) {
    parts_.tokens.accepted(held.token_generation);
  }
}

task<> dispatcher::await_other_token(const call& what, workspace& space, std::uint64_t refused) {
  const auto began = parts_.loop.now();
  co_await unless_gone(parts_.tokens.replaced(refused, options_.settling, deadline_of(what)), what.caller);
  note_stage(space, &stage_times::token, "token", began);
}

// Ends early where the caller leaves.
task<> dispatcher::rest(const call& what, time::duration wait) {
  struct nap {
    static task<bool> take(transport::loop& loop, time::instant until) {
      transport::parking place{loop.ready()};
      co_await place.wait(loop.deadlines(), until);
      co_return true;
    }
  };
  co_await unless_gone(nap::take(parts_.loop, parts_.loop.now() + wait), what.caller);
}

}  // namespace gateway::dispatch
