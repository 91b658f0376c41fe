#include "foundation/errors/problem.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <array>
#include <stdexcept>
#include <utility>

#include "foundation/json/write.hpp"

namespace gateway::errors {
namespace {

using enum problem;

constexpr std::array table{
    problem_row{malformed_request, 400, "malformed-request", "The request is malformed", retry::never},
    problem_row{idempotency_key_missing, 400, "idempotency-key-missing", "An Idempotency-Key is required",
                retry::never},
    problem_row{unauthenticated, 401, "unauthenticated", "No valid key was presented", retry::never},
    problem_row{forbidden, 403, "forbidden", "This caller may not do this", retry::never},
    problem_row{upstream_forbidden, 403, "upstream-forbidden", "Podero refuses this to our organisation",
                retry::operator_action},
    problem_row{not_found, 404, "not-found", "There is nothing here", retry::never},
    problem_row{method_not_allowed, 405, "method-not-allowed", "The method is not allowed here", retry::never},
    problem_row{not_acceptable, 406, "not-acceptable", "The answer is JSON, which the request excludes", retry::never},
    problem_row{request_timeout, 408, "request-timeout", "The request did not arrive in time", retry::later},
    problem_row{idempotency_in_progress, 409, "idempotency-in-progress", "A request with this key is still running",
                retry::same_key},
    problem_row{upstream_conflict, 409, "upstream-conflict", "Podero reports a conflict", retry::never},
    problem_row{content_too_large, 413, "content-too-large", "The body is too large", retry::never},
    problem_row{uri_too_long, 414, "uri-too-long", "The request target is too long", retry::never},
    problem_row{unsupported_media_type, 415, "unsupported-media-type", "The body's media type is not supported",
                retry::never},
    problem_row{validation_failed, 422, "validation-failed", "The body has faults", retry::never},
    problem_row{idempotency_key_reused, 422, "idempotency-key-reused", "This key was used with another body",
                retry::never},
    problem_row{rate_limited, 429, "rate-limited", "A limit leaves no room in time", retry::later},
    problem_row{no_free_slot, 429, "no-free-slot", "No slot is free for this request", retry::later},
    problem_row{headers_too_large, 431, "headers-too-large", "The header is too large", retry::never},
    problem_row{internal_error, 500, "internal-error", "The gateway failed", retry::operator_action},
    problem_row{not_configured, 501, "not-configured", "The account lacks a setting for this", retry::operator_action},
    problem_row{upstream_error, 502, "upstream-error", "Podero gave no usable answer", retry::later},
    problem_row{upstream_unauthorized, 502, "upstream-unauthorized", "Podero refuses our credentials",
                retry::operator_action},
    problem_row{overloaded, 503, "overloaded", "The gateway has too much to do", retry::later},
    problem_row{draining, 503, "draining", "This instance is shutting down", retry::later},
    problem_row{upstream_unavailable, 503, "upstream-unavailable", "Podero is not being asked at the moment",
                retry::later},
    problem_row{store_unavailable, 503, "store-unavailable", "The shared state is out of reach", retry::later},
    problem_row{upstream_timeout, 504, "upstream-timeout", "Podero did not answer in time", retry::later},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (std::to_underlying(table[i].id) != i) return false;
  return true;
}
static_assert(in_order());

// `begin`: the member's name with all that stands around it, in one piece.
void append_member(std::string& out, std::string_view begin, std::string_view text) {
  out += begin;
  json::append_string(out, text);
}

// A URN needs a UUID. A caller's request id may be something else: then one is made from it, always the same one
// (RFC 9562 section 5.5), so that two reports of one occurrence are seen to be that.
void append_uuid_of(std::string& out, std::string_view request_id) {
  boost::uuids::string_generator read;
  try {
    out += to_string(read(request_id.begin(), request_id.end()));
  } catch (const std::runtime_error&) {
    boost::uuids::name_generator_sha1 make{boost::uuids::ns::url()};
    out += to_string(make(std::string{request_id}));
  }
}

std::string_view key_of(fault::place where) noexcept {
  switch (where) {
    case fault::place::pointer:
      return "pointer";
    case fault::place::header:
      return "header";
    case fault::place::parameter:
      return "parameter";
  }
  return "pointer";
}

void append_faults(std::string& out, std::span<const fault> faults) {
  out += ",\"errors\":[";
  bool first = true;
  for (const auto& f : faults) {
    out += first ? "{\"" : ",{\"";
    first = false;
    out += key_of(f.where);
    out += "\":";
    json::append_string(out, f.name);
    append_member(out, R"(,"code":)", f.code);
    append_member(out, R"(,"detail":)", f.detail);
    out += '}';
  }
  out += ']';
}

void append_decision(std::string& out, const decision& d) {
  out += ",\"decision\":{\"guard\":";
  json::append_string(out, to_string(d.guard));
  if (!d.limit.empty()) append_member(out, R"(,"limit":)", d.limit);
  if (!d.state.empty()) append_member(out, R"(,"state":)", d.state);
  if (!d.admitted_at.empty()) append_member(out, R"(,"admitted_at":)", d.admitted_at);
  out += '}';
}

}  // namespace

std::string_view to_string(effect value) noexcept {
  switch (value) {
    case effect::none:
      return "none";
    case effect::unknown:
      return "unknown";
    case effect::created:
      return "created";
  }
  return "unknown";
}

std::string_view to_string(retry value) noexcept {
  switch (value) {
    case retry::automatic:
      return "";
    case retry::never:
      return "never";
    case retry::later:
      return "later";
    case retry::same_key:
      return "same-key";
    case retry::operator_action:
      return "operator";
  }
  return "";
}

std::string_view to_string(guard value) noexcept {
  switch (value) {
    case guard::window:
      return "window";
    case guard::slot:
      return "slot";
    case guard::caller:
      return "caller";
    case guard::pause:
      return "pause";
    case guard::queue:
      return "queue";
    case guard::circuit:
      return "circuit";
    case guard::store:
      return "store";
    case guard::draining:
      return "draining";
    case guard::overload:
      return "overload";
  }
  return "overload";
}

const problem_row& row(problem id) noexcept {
  return table[std::to_underlying(id)];
}
std::span<const problem_row> rows() noexcept {
  return table;
}

failure failure_of(problem id, std::string detail) {
  failure f;
  f.id = id;
  f.detail = std::move(detail);
  return f;
}

retry advice_of(const failure& f) noexcept {
  if (f.advice != retry::automatic) return f.advice;
  // Something was or may have been done: only the same key is safe.
  if (f.effect != effect::none) return retry::same_key;
  return row(f.id).advice;
}

std::optional<std::chrono::seconds> wait_of(const failure& f) noexcept {
  if (!f.retry_after && advice_of(f) == retry::later) return std::chrono::seconds{1};
  return f.retry_after;
}

void render(const failure& f, std::string_view request_id, id_origin made_by, std::string& out) {
  const auto& r = row(f.id);
  out = "{\"type\":\"/problems/";
  out += r.name;
  out += "\",\"title\":\"";
  out += r.title;
  out += "\",\"status\":";
  out += std::to_string(r.status);
  append_member(out, R"(,"detail":)", f.detail.empty() ? r.title : std::string_view{f.detail});
  out += ",\"instance\":\"urn:uuid:";
  if (made_by == id_origin::gateway)
    out += request_id;
  else
    append_uuid_of(out, request_id);
  out += '"';
  append_member(out, R"(,"request_id":)", request_id);
  append_member(out, R"(,"upstream_effect":)", to_string(f.effect));
  append_member(out, R"(,"retry":)", to_string(advice_of(f)));
  if (f.upstream_status) {
    out += ",\"upstream_status\":";
    out += std::to_string(*f.upstream_status);
  }
  if (!f.faults.empty()) append_faults(out, f.faults);
  if (f.decision) append_decision(out, *f.decision);
  out += '}';
}

std::string render(const failure& f, std::string_view request_id) {
  std::string out;
  render(f, request_id, id_origin::caller, out);
  return out;
}

}  // namespace gateway::errors
