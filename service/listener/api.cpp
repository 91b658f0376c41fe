#include "listener/api.hpp"

#include <algorithm>
#include <array>

#include "foundation/json/write.hpp"
#include "foundation/transport/next_stage.hpp"
#include "foundation/transport/text_cache.hpp"
#include "listener/account_document.hpp"
#include "listener/batch.hpp"
#include "listener/negotiation.hpp"
#include "listener/pen.hpp"
#include "listener/postponed.hpp"
#include "listener/rate_limit.hpp"
#include "listener/request_scratch.hpp"
#include "listener/server_timing.hpp"

namespace gateway::listener {

using errors::failure;
using errors::problem;
using transport::task;

std::unique_ptr<scratch> api::make_scratch() {
  return std::make_unique<request_scratch>();
}

api::request_scratch& api::of(exchange& x) {
  return static_cast<request_scratch&>(*x.scratch);
}

// From here on the connection carries lines.
void api::begin_batch(exchange& x, const request_scratch& mine) {
  const auto account = mine.account->account_index;
  x.batch = std::make_shared<batch>(batch::parts{.loop = parts_.loop,
                                                 .sessions = *parts_.accounts[account].sessions,
                                                 .observer = parts_.observer,
                                                 .account = parts_.accounts[account].name,
                                                 .account_number = x.account_number,
                                                 .caller_name = std::string{x.caller},
                                                 .caller_number = x.caller_number,
                                                 .may_reuse = mine.may_reuse,
                                                 .longest_line = parts_.body_limit + 1024,
                                                 .request_id = x.request_id,
                                                 .trace = x.trace.own},
                                    terms_of(mine));
}

batch_terms api::terms_of(const request_scratch& mine) const {
  const auto account = mine.account->account_index;
  return {.rules = mine.rules,
          .policy = mine.rules->policies[mine.caller->index][account].get(),
          .caller = mine.caller->index,
          .needs_key = mine.account->account->require_idempotency_key,
          .line_time = mine.rules->total_timeouts[account]};
}

task<> api::on_request(exchange& x) {
  auto& mine = of(x);
  // Without a frame in between: nearly every request is one.
  return mine.where.route->id == route_id::create_session ? create_session(x, mine) : serve_other(x, mine);
}

task<> api::serve_other(exchange& x, request_scratch& mine) {
  switch (mine.where.route->id) {
    case route_id::read_session:
      co_await read_session(x, mine);
      break;
    case route_id::create_user:
      co_await create_user(x, mine);
      break;
    case route_id::list_devices:
    case route_id::read_device:
      co_await read_devices(x, mine);
      break;
    case route_id::give_back_slot:
      give_back_slot(x, mine);
      break;
    case route_id::show_account:
      show_account(x, mine);
      break;
    case route_id::list_accounts:
      list_accounts(x, mine);
      break;
    case route_id::problem_page:
      show_problem_page(x, mine);
      break;
    default:
      show_openapi(x);
      break;
  }
  if (!x.later) add_rate_limits(x, mine);
}

task<> api::create_session(exchange& x, request_scratch& mine) {
  const auto& account = parts_.accounts[mine.account->account_index];
  const auto& policy = *mine.rules->policies[mine.caller->index][mine.account->account_index];
  onboarding::creation_request what{.caller = mine.caller->index,
                                    .policy = policy,
                                    .body = x.body,
                                    .deadline = mine.deadline,
                                    .idempotency_key = {},
                                    .may_reuse = mine.may_reuse};
  if (mine.keyed) what.idempotency_key = mine.key;
  auto creating = account.sessions->create(what, mine.space, x.reply.body);
  auto& done = co_await creating;
  co_await transport::next_stage{parts_.loop.ready()};
  if (done)
    answer_with_created(x, mine, *done);
  else
    answer_with(x, done.error());
  add_preferences(x, mine);
  listener::add_server_timing(x.reply.lines, mine.space.way.stages);
  add_rate_limits(x, mine);
}

void api::answer_with_created(exchange& x, const request_scratch& mine, const onboarding::creation_answer& made) {
  x.session = trace::short_text<36>{made.id.view()};
  x.reply.status = made.status;
  x.effect = made.status == 201 ? errors::effect::created : errors::effect::none;
  transport::text_cache::take(x.reply.lines);
  const auto request = x.request_id.view();
  const auto account = mine.account->account_name;
  const auto session = made.id.view();
  constexpr std::size_t room_for_literals = 128;
  append(x.reply.lines, request.size() + account.size() + session.size() + room_for_literals, [&](pen& to) {
    to.put("X-Request-Id: ");
    to.put(request);
    to.put("\r\nCache-Control: no-store\r\nLocation: /v1/accounts/");
    to.put(account);
    to.put("/onboarding-sessions/");
    to.put(session);
    to.put("\r\n");
  });
  if (made.replayed) x.reply.add_line("Idempotent-Replayed", "true");
}

void api::give_back_slot(exchange& x, const request_scratch& mine) {
  const auto id = onboarding::session_id::parse(mine.where.item);
  const auto& account = parts_.accounts[mine.account->account_index];
  if (!id || !account.sessions->give_back_slot(mine.caller->index, *id)) {
    answer_with(x, failure_of(problem::not_found, "There is no such onboarding session."));
    return;
  }
  x.reply.status = 204;
  x.reply.add_line("X-Request-Id", x.request_id.view());
}

void api::show_account(exchange& x, const request_scratch& mine) {
  const auto& account = parts_.accounts[mine.account->account_index];
  x.reply.status = 200;
  x.reply.body = render_account(account.name, account.sessions->view(mine.caller->index),
                                mine.rules->total_timeouts[mine.account->account_index]);
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
}

// RFC 7240 section 3: those that made a difference.
void api::add_preferences(exchange& x, const request_scratch& mine) const {
  if (!mine.wait && mine.may_reuse) return;
  x.reply.lines += "Preference-Applied: ";
  if (mine.wait) x.reply.lines += "wait=" + std::to_string(mine.wait->count());
  if (!mine.may_reuse) x.reply.lines += mine.wait ? ", reuse=no" : "reuse=no";
  x.reply.lines += "\r\n";
}

// What the caller could get now, on every answer about one account.
void api::add_rate_limits(exchange& x, const request_scratch& mine) {
  if (mine.account == nullptr) return;
  const auto id = mine.where.route->id;
  const bool creates = id == route_id::create_session || id == route_id::show_account;
  windows_.clear();
  parts_.accounts[mine.account->account_index].sessions->windows(mine.caller->index, creates, windows_);
  listener::add_rate_limits(x.reply.lines, windows_, parts_.clock.now());
}

void api::list_accounts(exchange& x, const request_scratch& mine) {
  x.reply.status = 200;
  x.reply.body = "[";
  for (const auto& account : mine.caller->accounts) {
    if (x.reply.body.size() > 1) x.reply.body += ',';
    x.reply.body += "{\"name\":";
    json::append_string(x.reply.body, account.account_name);
    x.reply.body += '}';
  }
  x.reply.body += ']';
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
}

void api::show_openapi(exchange& x) const {
  x.reply.status = 200;
  x.reply.body = parts_.papers.openapi;
  x.reply.add_line("X-Request-Id", x.request_id.view());
}

void api::show_problem_page(exchange& x, const request_scratch& mine) const {
  const auto page = parts_.papers.find_problem_page(mine.where.item);
  if (!page) {
    answer_with(x, failure_of(problem::not_found, "There is no such problem type."));
    return;
  }
  const bool html = preferred_page(x.head.fields) == page_form::html;
  x.reply.status = 200;
  x.reply.body = html ? page->html : page->json;
  x.reply.content_type = html ? "text/html; charset=utf-8" : "application/json";
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Vary", "Accept");
  if (html) x.reply.add_line("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
}

void api::on_done(const exchange& x, time::duration took) {
  auto& mine = static_cast<request_scratch&>(*x.scratch);
  auto& way = mine.space.way;
  parts_.observer.answered(x, took, way.stages, way.answer.head.status);
  way.stages = {};
  way.answer.head.status = 0;
  mine.rules.reset();  // an idle place must not keep a configuration that nobody uses
}

}  // namespace gateway::listener
