#include "dispatch/dispatcher.hpp"

#include <algorithm>

#include "dispatch/retry_after.hpp"
#include "foundation/transport/parking.hpp"

namespace gateway::dispatch {

using errors::failure;
using errors::problem;
using transport::task;
using transport::unless_gone;
using upstream::exchange_end;

namespace {

void add(std::optional<time::duration>& to, time::duration more) {
  to = to.value_or(time::duration::zero()) + more;
}

failure failure_of(problem id, std::string detail) {
  failure f;
  f.id = id;
  f.detail = std::move(detail);
  return f;
}

// Nobody reads it; it is what the log and the metrics say.
failure caller_gone() {
  return failure_of(problem::request_timeout, "The caller left, and nothing was done for it.");
}

bool gone(const call& what) noexcept {
  return what.caller != nullptr && what.caller->happened();
}

std::chrono::seconds whole_seconds(time::duration left) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds{1});
}

// Why there is no answer, and what the request may have done.
failure no_answer(const attempt_facts& facts, const std::string& reason) {
  failure f;
  f.effect = facts.creating && facts.sent ? errors::effect::unknown : errors::effect::none;
  f.id = facts.end == exchange_end::timed_out ? problem::upstream_timeout : problem::upstream_error;
  if (!facts.connected)
    f.detail = facts.end == exchange_end::timed_out ? "No connection to Podero was to be had in time."
                                                    : "Podero cannot be reached.";
  else if (facts.end == exchange_end::timed_out)
    f.detail = "Podero did not answer in time.";
  else if (facts.end == exchange_end::unusable)
    f.detail = "Podero's answer cannot be used: " + reason + ".";
  else
    f.detail = "The connection to Podero was lost.";
  return f;
}

}  // namespace

dispatcher::dispatcher(parts given, options how) : parts_{std::move(given)}, options_{std::move(how)} {}

task<std::expected<void, failure>> dispatcher::send(call what, workspace& space) {
  progress so_far;
  for (;;) {
    auto last = co_await attempt(what, space, !std::exchange(so_far.counted, true));
    if (!last) co_return std::unexpected{std::move(last.error())};
    const auto next = decide(what, *last, so_far);
    if (next.step == next_step::deliver) co_return std::expected<void, failure>{};
    if (next.step == next_step::give_up) co_return std::unexpected{no_answer(last->facts, last->reason)};
    parts_.observer.repeated(what.what, reason_of(last->facts));
    if (next.wait > time::duration::zero()) co_await rest(what, next.wait);
  }
}

// What follows `last`, with the budget drawn where it is a repetition.
plan dispatcher::decide(const call& what, ended& last, progress& so_far) {
  auto& facts = last.facts;
  facts.attempts = ++so_far.attempts;
  facts.renewed = so_far.renewed;
  facts.caller_gone = gone(what);
  facts.time_left = what.deadline - parts_.loop.now();
  if (facts.end != exchange_end::answered || facts.status >= 400) facts.uniform = parts_.uniform();
  auto next = after(facts, options_.retries);
  if (next.step == next_step::try_again && !parts_.health.may_repeat(parts_.loop.now()))
    next = {without_repeating(facts)};
  if (next.step == next_step::try_at_once) --so_far.attempts;
  if (next.step == next_step::renew_token) so_far.renewed = true;
  return next;
}

task<std::expected<dispatcher::ended, failure>> dispatcher::attempt(const call& what, workspace& space, bool first) {
  space.answer.head.status = 0;
  space.retry_after.reset();
  if (gone(what)) co_return std::unexpected{caller_gone()};
  auto token = co_await get_token(what, space);
  if (!token) co_return std::unexpected{std::move(token.error())};
  auto permit = parts_.health.ask(parts_.loop, first);
  if (!permit) co_return std::unexpected{circuit_open(permit.error())};
  ended result;
  result.facts.creating = creates(what.what);
  auto connection = co_await get_connection(what, space, result);
  if (gone(what)) {
    if (connection) connection.keep();
    permit->settle(verdict::neutral);
    co_return std::unexpected{caller_gone()};
  }
  if (connection) {
    compose(what, *token, space.request);
    co_await exchange(what, connection, space, result);
    if (result.facts.status == 401) parts_.tokens.reject(token->generation);
  }
  conclude(*permit, result);
  co_return result;
}

void dispatcher::conclude(account_health::permit& permit, const ended& last) {
  if (const auto changed = permit.settle(verdict_on(last.facts))) parts_.observer.circuit_changed(*changed);
}

task<std::expected<token::grant, failure>> dispatcher::get_token(const call& what, workspace& space) {
  if (const auto* usable = parts_.tokens.usable()) co_return *usable;
  const auto began = parts_.loop.now();
  auto got = co_await unless_gone(parts_.tokens.get(what.deadline), what.caller);
  add(space.stages.token, parts_.loop.now() - began);
  if (!got) co_return std::unexpected{caller_gone()};
  if (*got) co_return std::move(**got);
  co_return std::unexpected{no_token(got->error(), what)};
}

failure dispatcher::no_token(const token::trouble& why, const call& what) const {
  const auto& account = options_.account;
  if (why.refused)
    return failure_of(problem::upstream_unauthorized, "Podero refuses the credentials of account " + account + ": " +
                                                          why.reason + ". Look at accounts." + account +
                                                          ".token in the gateway's configuration.");
  if (parts_.loop.now() >= what.deadline)
    return failure_of(problem::upstream_timeout, "No token for account " + account + " was to be had in time.");
  auto f =
      failure_of(problem::upstream_unavailable, "There is no token for account " + account + ": " + why.reason + ".");
  f.retry_after = whole_seconds(why.retry_at - parts_.loop.now());
  f.decision = errors::decision{errors::guard::circuit, "token", "the token endpoint gives none", {}};
  return f;
}

failure dispatcher::circuit_open(time::instant worth_asking_at) const {
  auto f = failure_of(problem::upstream_unavailable,
                      "Podero fails for account " + options_.account + " and is not asked until it is probed again.");
  const bool probing = parts_.health.state(parts_.loop.now()) == circuit_state::half_open;
  f.decision = errors::decision{errors::guard::circuit, {}, probing ? "half-open" : "open", {}};
  f.retry_after = whole_seconds(worth_asking_at - parts_.loop.now());
  return f;
}

task<upstream::pool::lease> dispatcher::get_connection(const call& what, workspace& space, ended& into) {
  if (auto idle = parts_.pool.take_idle()) co_return std::move(idle);
  const auto began = parts_.loop.now();
  auto got = co_await unless_gone(parts_.pool.acquire(what.deadline, options_.connect_timeout), what.caller);
  add(space.stages.connect, parts_.loop.now() - began);
  if (got && *got) co_return std::move(**got);
  into.facts.connected = false;
  if (!got) co_return upstream::pool::lease{};
  into.reason = std::move(got->error().reason);
  if (got->error().what == upstream::pool::failure::timed_out) {
    into.facts.end = exchange_end::timed_out;
    // With the caller's time over it may have stood in line for one of ours all along.
    into.facts.waited_long = parts_.loop.now() < what.deadline;
  }
  parts_.observer.connect_failed(into.reason);
  co_return upstream::pool::lease{};
}

task<> dispatcher::exchange(const call& what, upstream::pool::lease& over, workspace& space, ended& into) {
  auto& facts = into.facts;
  facts.reused = over.reused();
  const auto began = parts_.loop.now();
  const auto until = std::min(what.deadline, began + options_.exchange_timeout);
  auto result =
      co_await upstream::exchange(parts_.loop, over.channel(), space.request, options_.limits, space.answer, until);
  const auto took = parts_.loop.now() - began;
  add(space.stages.upstream, took);
  facts.end = result.end;
  facts.sent = result.sent;
  facts.waited_long = took >= options_.patience / 2;
  if (result.end == exchange_end::answered) {
    if (space.answer.keep_alive) over.keep(space.answer.keeps_idle_for);
    note_answer(space, into);
  } else {
    space.answer.head.status = 0;  // of an answer that broke off
  }
  parts_.observer.exchanged(what.what, facts.status, result);
  into.reason = std::move(result.reason);
}

void dispatcher::note_answer(workspace& space, ended& into) const {
  const auto& head = space.answer.head;
  into.facts.status = head.status;
  if (head.status < 400) return;
  const auto value = head.fields.get(http::field::retry_after);
  if (!value) return;
  into.facts.retry_after = retry_after(*value, parts_.loop.clock().wall_now(), options_.longest_pause);
  if (into.facts.retry_after) space.retry_after = std::chrono::ceil<std::chrono::seconds>(*into.facts.retry_after);
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

void dispatcher::compose(const call& what, const token::grant& token, std::string& request) const {
  switch (what.what) {
    case operation::create_session:
      parts_.wire.create_session(request, token.token.reveal(), what.body);
      break;
    case operation::read_session:
      parts_.wire.read_session(request, token.token.reveal(), what.session_id);
      break;
  }
}

}  // namespace gateway::dispatch
