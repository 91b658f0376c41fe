#include "listener/api.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "listener/batch.hpp"
#include "listener/idempotency_key.hpp"
#include "listener/negotiation.hpp"
#include "listener/request_scratch.hpp"
#include "listener/request_target.hpp"

// What is decided by a request's head: where it goes, whose it is, whether it may, and how long it has.
namespace gateway::listener {

using errors::failure;
using errors::problem;
using http::verb;

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

// The order of the checks is part of the contract: path, method, caller, account, headers; the body comes last.
std::size_t api::on_head(exchange& x) {
  auto& mine = of(x);
  mine.rules = parts_.rules;
  mine.caller = nullptr;
  mine.account = nullptr;
  x.trace = parts_.tracer.begin(traceparent_of(x.head.fields));
  mine.space.way.trace = x.trace.own;
  mine.space.way.origin = {.request = x.request_id};
  const auto path = path_of(x.head.target, mine.path);
  mine.where = find_route(x.head.method, path);
  if (mine.where.route == nullptr) {
    note_account(x, mine, path);
    refuse_route(x, mine.where);
    return 0;
  }
  x.route = mine.where.route->name;
  x.pattern = mine.where.route->pattern;
  x.route_number = std::to_underlying(mine.where.route->id);
  if (mine.where.route->needs_caller && !admit(x, mine)) {
    note_account(x, mine, path);
    return 0;
  }
  if (const auto fault = check_headers(x, mine)) {
    answer_with(x, *fault);
    add_rate_limits(x, mine);
    return 0;
  }
  find_deadline(x, mine);
  if (mine.where.route->id == route_id::create_batch) {
    begin_batch(x, mine);
    add_preferences(x, mine);
  }
  return parts_.body_limit;
}

// Of a request that is refused before its account is known: the one that its path names, where there is one of that
// name.
void api::note_account(exchange& x, const request_scratch& mine, std::string_view path) {
  constexpr std::string_view before = "/v1/accounts/";
  if (!path.starts_with(before)) return;
  path.remove_prefix(before.size());
  const auto name = path.substr(0, path.find('/'));
  const auto& accounts = mine.rules->callers->configuration().accounts;
  const auto found = std::ranges::find_if(accounts, [&](const auto& one) { return one.first == name; });
  if (found != accounts.end()) x.account_of_path = found->first;
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
  if (!accepts_ndjson(fields))
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
    mine.wait = std::min(*preferred.wait, std::chrono::floor<std::chrono::seconds>(total));
    total = std::min<time::duration>(total, *preferred.wait);
  }
  const auto id = mine.where.route->id;
  if (id == route_id::create_session || id == route_id::create_batch) mine.may_reuse = preferred.reuse;
  mine.deadline = x.began + total;
  mine.space.caller = &x.caller_left;
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

}  // namespace gateway::listener
