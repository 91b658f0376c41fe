#include "dispatch/dispatcher.hpp"

#include <algorithm>

namespace gateway::dispatch {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

void add(std::optional<time::duration>& to, time::duration more) {
  to = to.value_or(time::duration::zero()) + more;
}

failure timed_out(std::string detail) {
  failure f;
  f.id = problem::upstream_timeout;
  f.detail = std::move(detail);
  return f;
}

std::chrono::seconds whole_seconds(time::duration left) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds{1});
}

}  // namespace

dispatcher::dispatcher(transport::loop& loop, upstream::pool& pool, token::view& tokens, const upstream::wire& wire,
                       options how, observer& hears)
    : loop_{loop}, pool_{pool}, tokens_{tokens}, wire_{wire}, options_{std::move(how)}, observer_{hears} {}

task<std::expected<void, failure>> dispatcher::send(call what, workspace& space) {
  attempt_state state;
  for (;;) {
    space.answer.head.status = 0;
    auto token = co_await get_token(what, space);
    if (!token) co_return std::unexpected{std::move(token.error())};
    auto connection = co_await get_connection(what, space);
    if (!connection) {
      const auto step = after({.creating = creates(what.what),
                               .attempts = ++state.attempts,
                               .most_attempts = options_.most_attempts,
                               .time_left = loop_.now() < what.deadline});
      if (step == next_step::give_up) co_return std::unexpected{std::move(connection.error())};
      observer_.repeated(what.what, "connect");
      continue;
    }
    compose(what, *token, space.request);
    const auto began = loop_.now();
    const auto until = std::min(what.deadline, began + options_.exchange_timeout);
    auto result =
        co_await upstream::exchange(loop_, connection->channel(), space.request, options_.limits, space.answer, until);
    add(space.stages.upstream, loop_.now() - began);
    const bool answered = result.end == upstream::exchange_end::answered;
    if (answered && space.answer.keep_alive) connection->keep(space.answer.keeps_idle_for);
    *connection = {};  // back to the pool, or closed
    const unsigned status = answered ? space.answer.head.status : 0;
    observer_.exchanged(what.what, status, result);
    const auto step = after({.creating = creates(what.what),
                             .end = result.end,
                             .sent = result.sent,
                             .status = status,
                             .attempts = ++state.attempts,
                             .most_attempts = options_.most_attempts,
                             .renewed = state.renewed,
                             .time_left = loop_.now() < what.deadline});
    if (status == 401) tokens_.reject(token->generation);
    switch (step) {
      case next_step::deliver:
        co_return std::expected<void, failure>{};
      case next_step::give_up:
        co_return std::unexpected{failure_of(what, result)};
      case next_step::renew_token:
        state.renewed = true;
        observer_.repeated(what.what, "unauthorized");
        break;
      case next_step::try_again:
        observer_.repeated(what.what, result.sent ? "lost" : "not-sent");
        break;
    }
  }
}

task<std::expected<token::grant, failure>> dispatcher::get_token(const call& what, workspace& space) {
  if (const auto* usable = tokens_.usable()) co_return *usable;
  const auto began = loop_.now();
  auto got = co_await tokens_.get(what.deadline);
  add(space.stages.token, loop_.now() - began);
  if (got) co_return std::move(*got);
  failure f;
  if (got.error().refused) {
    f.id = problem::upstream_unauthorized;
    f.detail = "Podero refuses the credentials of account " + options_.account + ": " + got.error().reason +
               ". Look at accounts." + options_.account + ".token in the gateway's configuration.";
  } else if (loop_.now() >= what.deadline) {
    f = timed_out("No token for account " + options_.account + " was to be had in time.");
  } else {
    f.id = problem::upstream_unavailable;
    f.detail = "There is no token for account " + options_.account + ": " + got.error().reason + ".";
    f.retry_after = whole_seconds(got.error().retry_at - loop_.now());
  }
  co_return std::unexpected{std::move(f)};
}

task<std::expected<upstream::pool::lease, failure>> dispatcher::get_connection(const call& what, workspace& space) {
  if (auto idle = pool_.take_idle()) co_return std::move(idle);
  const auto began = loop_.now();
  auto got = co_await pool_.acquire(what.deadline, options_.connect_timeout);
  add(space.stages.connect, loop_.now() - began);
  if (got) co_return std::move(*got);
  observer_.connect_failed(got.error().reason);
  if (got.error().what == upstream::pool::failure::timed_out)
    co_return std::unexpected{timed_out("No connection to Podero was to be had in time.")};
  failure f;
  f.id = problem::upstream_error;
  f.detail = "Podero cannot be reached.";
  co_return std::unexpected{std::move(f)};
}

void dispatcher::compose(const call& what, const token::grant& token, std::string& request) const {
  switch (what.what) {
    case operation::create_session:
      wire_.create_session(request, token.token.reveal(), what.body);
      break;
    case operation::read_session:
      wire_.read_session(request, token.token.reveal(), what.session_id);
      break;
  }
}

failure dispatcher::failure_of(const call& what, const upstream::exchange_result& result) const {
  failure f;
  f.effect = creates(what.what) && result.sent ? errors::effect::unknown : errors::effect::none;
  switch (result.end) {
    case upstream::exchange_end::timed_out:
      f.id = problem::upstream_timeout;
      f.detail = "Podero did not answer in time.";
      break;
    case upstream::exchange_end::unusable:
      f.id = problem::upstream_error;
      f.detail = "Podero's answer cannot be used: " + result.reason + ".";
      break;
    default:
      f.id = problem::upstream_error;
      f.detail = "The connection to Podero was lost.";
      break;
  }
  return f;
}

}  // namespace gateway::dispatch
