#include "listener/api.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include "foundation/json/write.hpp"
#include "foundation/transport/text_cache.hpp"
#include "listener/account_document.hpp"
#include "listener/batch.hpp"
#include "listener/idempotency_key.hpp"
#include "listener/negotiation.hpp"
#include "listener/postponed.hpp"
#include "listener/rate_limit.hpp"
#include "listener/request_scratch.hpp"
#include "listener/request_target.hpp"

namespace gateway::listener {

using errors::failure;
using errors::problem;
using http::verb;
using transport::task;

namespace {

failure header_fault(problem id, std::string name, std::string code, std::string detail) {
  auto f = failure_of(id, detail);
  f.faults.push_back({errors::fault::place::header, std::move(name), std::move(code), std::move(detail)});
  return f;
}

failure certificate_outlived() {
  auto f = header_fault(problem::unauthenticated, "Authorization", "certificate-not-valid-any-more",
                        "The certificate of this connection has expired, or its authority is not trusted any more: "
                        "connect again with a valid one.");
  f.extra_header = "WWW-Authenticate: Bearer";
  return f;
}

failure repeated(std::string name) {
  auto detail = "The header " + name + " comes more than once.";
  return header_fault(problem::malformed_request, std::move(name), "repeated", std::move(detail));
}

// "identity" is no coding (RFC 9110 section 8.4.1), though it has no business in this header.
bool is_encoded(const http::field_list& fields) noexcept {
  return std::ranges::any_of(fields.all(), [](const http::header_field& f) {
    return f.id == http::field::content_encoding && !boost::beast::iequals(f.value, "identity");
  });
}

// RFC 9110 section 10.1.1 has one expectation, and HTTP/1.0 none. One that is not met must not go unnoticed.
bool expects_the_unknown(const http::request_head& head) noexcept {
  return head.version == 11 && std::ranges::any_of(head.fields.all(), [](const http::header_field& f) {
           return f.id == http::field::expect && !boost::beast::iequals(f.value, "100-continue");
         });
}

// Several of them count as none (W3C Trace Context, section 3.2.2.3).
std::string_view traceparent_of(const http::field_list& fields) {
  constexpr std::string_view name = "traceparent";
  std::string_view only;
  for (const auto& one : fields.all()) {
    if (!boost::beast::iequals({one.name.data(), one.name.size()}, {name.data(), name.size()})) continue;
    if (!only.empty()) return {};
    only = one.value;
  }
  return only;
}

}  // namespace

std::unique_ptr<scratch> api::make_scratch() {
  return std::make_unique<request_scratch>();
}

api::request_scratch& api::of(exchange& x) {
  return static_cast<request_scratch&>(*x.scratch);
}

// The order of the checks is part of the contract: path, method, caller, account, headers; the body comes last.
std::size_t api::on_head(exchange& x) {
  auto& mine = of(x);
  mine.rules = parts_.rules;
  mine.caller = nullptr;
  mine.account = nullptr;
  x.trace = parts_.tracer.begin(traceparent_of(x.head.fields));
  mine.space.way.trace = x.trace.own;
  mine.where = find_route(x.head.method, path_of(x.head.target, mine.path));
  if (mine.where.route == nullptr) {
    refuse_route(x, mine.where);
    return 0;
  }
  x.route = mine.where.route->name;
  x.pattern = mine.where.route->pattern;
  x.route_number = std::to_underlying(mine.where.route->id);
  if (mine.where.route->needs_caller && !admit(x, mine)) return 0;
  if (const auto fault = check_headers(x, mine)) {
    answer_with(x, *fault);
    add_rate_limits(x, mine);
    return 0;
  }
  find_deadline(x, mine);
  if (mine.where.route->id == route_id::create_batch) begin_batch(x, mine);
  return parts_.body_limit;
}

// No path, or not with this method.
void api::refuse_route(exchange& x, routing& where) const {
  const bool tunnel = x.head.method == verb::connect;
  if (tunnel || x.head.target == "*") where.allow = all_methods();
  if (where.allow.empty()) {
    answer_with(x, failure_of(problem::not_found, "There is no such path."));
  } else if (x.head.method == verb::options) {
    x.reply.status = 204;
    x.reply.add_line("X-Request-Id", x.request_id.view());
    x.reply.add_line("Allow", where.allow);
  } else {
    auto f = failure_of(problem::method_not_allowed, "This path allows " + where.allow + ".");
    f.extra_header = "Allow: " + where.allow;
    answer_with(x, f);
    x.reply.close = tunnel;  // what comes behind it is no request for us
  }
}

bool api::admit(exchange& x, request_scratch& mine) {
  const auto caller = authenticate(x, *mine.rules);
  if (!caller) {
    answer_with(x, caller.error());
    // With a new certificate the handshake tells more.
    if (x.certificate != nullptr && !x.certificate->holds(parts_.clock.wall_now())) x.reply.close = true;
    return false;
  }
  know(x, mine, **caller);
  if (mine.where.account.empty()) return true;  // about no account in particular
  const auto account = mine.rules->callers->authorize(*mine.caller, mine.where.account);
  if (!account) {
    answer_with(x, account.error());
    return false;
  }
  know(x, mine, **account);
  return true;
}

std::expected<const admission::caller*, failure> api::authenticate(const exchange& x, const rulebook& by) const {
  // Of two keys a proxy may have looked at the other one.
  if (x.head.fields.count(http::field::authorization) > 1) return std::unexpected{repeated("Authorization")};
  admission::credentials shown{.authorization = x.head.fields.get(http::field::authorization), .certificate = {}};
  if (x.certificate != nullptr) {
    if (!x.certificate->holds(parts_.clock.wall_now())) return std::unexpected{certificate_outlived()};
    shown.certificate = x.certificate->names();
  }
  return by.callers->authenticate(shown);
}

void api::know(exchange& x, request_scratch& mine, const admission::caller& caller) {
  mine.caller = &caller;
  x.caller = caller.name;
  x.caller_number = static_cast<std::uint16_t>(caller.index + 1);
}

void api::know(exchange& x, request_scratch& mine, const admission::account_policy& account) {
  mine.account = &account;
  x.account = account.account_name;
  x.account_number = static_cast<std::uint8_t>(account.account_index + 1);
}

std::optional<failure> api::check_headers(const exchange& x, request_scratch& mine) const {
  const auto& fields = x.head.fields;
  if (expects_the_unknown(x.head))
    return header_fault(problem::malformed_request, "Expect", "not-supported",
                        "The only expectation understood is 100-continue.");
  if (mine.where.route->id == route_id::create_batch) return check_batch_headers(x, mine);
  const bool page = mine.where.route->id == route_id::problem_page;
  if (page && !preferred_page(fields))
    return header_fault(problem::not_acceptable, "Accept", "excludes-json", "There is text/html and application/json.");
  if (!page && !accepts_json(fields))
    return header_fault(problem::not_acceptable, "Accept", "excludes-json", "Answers are application/json.");
  const bool creates =
      mine.where.route->id == route_id::create_session || mine.where.route->id == route_id::create_user;
  if (creates && fields.count(http::field::content_type) > 1) return repeated("Content-Type");
  if (creates && !is_json(fields.get(http::field::content_type)))
    return header_fault(problem::unsupported_media_type, "Content-Type", "not-json",
                        "The body must be application/json in UTF-8.");
  if (creates && is_encoded(fields))
    return header_fault(problem::unsupported_media_type, "Content-Encoding", "not-supported",
                        "The body must not be compressed.");
  mine.keyed = false;
  return creates ? check_key(x, mine) : std::nullopt;
}

std::optional<failure> api::check_batch_headers(const exchange& x, request_scratch& mine) const {
  const auto& fields = x.head.fields;
  if (!accepts_json(fields) && !names_ndjson(fields))
    return header_fault(problem::not_acceptable, "Accept", "excludes-json", "Answers are application/x-ndjson.");
  if (fields.count(http::field::content_type) > 1) return repeated("Content-Type");
  if (!is_ndjson(fields.get(http::field::content_type)))
    return header_fault(problem::unsupported_media_type, "Content-Type", "not-ndjson",
                        "The body must be application/x-ndjson in UTF-8: one JSON object a line.");
  if (is_encoded(fields))
    return header_fault(problem::unsupported_media_type, "Content-Encoding", "not-supported",
                        "The body must not be compressed.");
  const auto key = read_idempotency_key(fields, mine.key);
  if (key && !*key) return std::nullopt;
  return header_fault(problem::malformed_request, "Idempotency-Key", "not-supported",
                      "Each line of a batch has a key of its own, as idempotency_key.");
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
                                                 .may_reuse = mine.may_reuse,
                                                 .longest_line = parts_.body_limit + 1024,
                                                 .request_id = std::string{x.request_id.view()},
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

// A batch may run for hours: a caller that has lost its key, its certificate or the account begins nothing more.
std::optional<failure> api::on_next_line(exchange& x) {
  auto& mine = of(x);
  if (x.certificate != nullptr && !x.certificate->holds(parts_.clock.wall_now())) return certificate_outlived();
  if (mine.rules == parts_.rules) return std::nullopt;
  const auto caller = authenticate(x, *parts_.rules);
  if (!caller) return caller.error();
  const auto account = parts_.rules->callers->authorize(**caller, mine.where.account);
  if (!account) return account.error();
  mine.rules = parts_.rules;
  know(x, mine, **caller);
  know(x, mine, **account);
  x.batch->adopt(terms_of(mine));
  return std::nullopt;
}

std::optional<failure> api::check_key(const exchange& x, request_scratch& mine) const {
  const auto read = read_idempotency_key(x.head.fields, mine.key);
  if (!read) return header_fault(problem::malformed_request, "Idempotency-Key", "malformed", read.error());
  mine.keyed = *read;
  if (mine.keyed || !mine.account->account->require_idempotency_key) return std::nullopt;
  return header_fault(problem::idempotency_key_missing, "Idempotency-Key", "missing",
                      "Creations on this account need the header Idempotency-Key.");
}

void api::find_deadline(exchange& x, request_scratch& mine) {
  mine.wait.reset();
  mine.may_reuse = true;
  if (mine.account == nullptr) return;
  auto total = mine.rules->total_timeouts[mine.account->account_index];
  const auto preferred = read_preferences(x.head.fields);
  if (preferred.wait && mine.where.route->id == route_id::read_session) mine.wait = longest_wait(mine, *preferred.wait);
  const bool bounded =
      mine.where.route->id == route_id::create_session || mine.where.route->id == route_id::create_user;
  if (preferred.wait && bounded) {
    mine.wait = preferred.wait;
    total = std::min<time::duration>(total, *preferred.wait);
  }
  const auto id = mine.where.route->id;
  if (id == route_id::create_session || id == route_id::create_batch) mine.may_reuse = preferred.reuse;
  mine.deadline = x.began + total;
  mine.space.caller = &x.caller_left;
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
  auto done = co_await std::move(creating);
  if (done)
    answer_with_created(x, mine, *done);
  else
    answer_with(x, done.error());
  add_preferences(x, mine);
  add_server_timing(x, mine.space.way.stages);
  add_rate_limits(x, mine);
}

void api::answer_with_created(exchange& x, const request_scratch& mine, const onboarding::creation_answer& made) {
  x.session = trace::short_text<36>{made.id.view()};
  x.reply.status = made.status;
  x.effect = made.status == 201 ? errors::effect::created : errors::effect::none;
  transport::text_cache::take(x.reply.lines);
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
  x.reply.lines += "Location: /v1/accounts/";
  x.reply.lines += mine.account->account_name;
  x.reply.lines += "/onboarding-sessions/";
  x.reply.lines += made.id.view();
  x.reply.lines += "\r\n";
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
void api::add_rate_limits(exchange& x, request_scratch& mine) const {
  if (mine.account == nullptr) return;
  const auto id = mine.where.route->id;
  const bool creates = id == route_id::create_session || id == route_id::show_account;
  mine.windows.clear();
  parts_.accounts[mine.account->account_index].sessions->windows(mine.caller->index, creates, mine.windows);
  listener::add_rate_limits(x.reply.lines, mine.windows, parts_.clock.now());
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

// Milliseconds with two decimals (Server Timing, W3C), without floating point.
void api::add_server_timing(exchange& x, const dispatch::stage_times& stages) const {
  const std::array named{std::pair{"queue", stages.queue}, std::pair{"token", stages.token},
                         std::pair{"connect", stages.connect}, std::pair{"upstream", stages.upstream}};
  bool first = true;
  for (const auto& [name, took] : named) {
    if (!took) continue;
    const auto hundredths = std::chrono::duration_cast<std::chrono::microseconds>(*took).count() / 10;
    std::array<char, 24> text{};
    auto* end = std::to_chars(text.data(), text.data() + 20, hundredths / 100).ptr;
    for (const char c : {'.', static_cast<char>('0' + hundredths / 10 % 10), static_cast<char>('0' + hundredths % 10)})
      *end++ = c;
    x.reply.lines += first ? "Server-Timing: " : ", ";
    x.reply.lines += name;
    x.reply.lines += ";dur=";
    x.reply.lines.append(text.data(), end);
    first = false;
  }
  if (!first) x.reply.lines += "\r\n";
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
