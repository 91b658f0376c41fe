#include <algorithm>

#include "dispatch/dispatcher.hpp"
#include "dispatch/retry_after.hpp"
#include "foundation/transport/text_cache.hpp"

// The dispatcher's one exchange: the request's bytes, what came back, and what is noted of it.
namespace gateway::dispatch {

using upstream::exchange_end;

namespace {

// The upstream's paths as patterns, for spans.
std::string_view route_of(operation what) noexcept {
  switch (what) {
    case operation::create_session:
      return "/device-onboarding";
    case operation::read_session:
      return "/device-onboarding/{id}";
    case operation::create_user:
      return "/org/{org_id}/users";
    case operation::read_devices:
      return "/org/{org_id}/users/{user_id}/{devices}";
  }
  return {};
}

}  // namespace

void dispatcher::compose(const call& what, const token::grant& token, workspace& space, hand& held) const {
  held.token_generation = token.generation;
  transport::text_cache::take(space.request);
  trace::traceparent_text ours{};
  std::string_view traceparent;
  if (!space.trace.none()) {
    held.span = parts_.tracer.child(space.trace);
    ours = trace::render(held.span);
    traceparent = {ours.data(), ours.size()};
  }
  switch (what.what) {
    case operation::create_session:
      parts_.wire.create_session(space.request, token.token.reveal(), traceparent, what.body);
      break;
    case operation::read_session:
      parts_.wire.read_session(space.request, token.token.reveal(), traceparent, what.session_id);
      break;
    case operation::create_user:
      parts_.wire.post(space.request, token.token.reveal(), traceparent, what.path, what.body);
      break;
    case operation::read_devices:
      parts_.wire.get(space.request, token.token.reveal(), traceparent, what.path);
      break;
  }
}

dispatcher::begun dispatcher::begin_exchange(const call& what, const hand& held, ended& into) const {
  into.facts.reused = held.connection.reused();
  const auto now = parts_.loop.now();
  // Where somebody keeps the result, it is waited for beyond the time of whoever asked.
  const auto most = now + options_.exchange_timeout;
  return {.at = now, .until = what.watch != nullptr ? most : std::min(deadline_of(what), most)};
}

void dispatcher::end_exchange(const call& what, hand& held, workspace& space, upstream::exchange_result result,
                              time::instant began, unsigned before, ended& into) {
  auto& facts = into.facts;
  auto& over = held.connection;
  secrets::wipe(space.request);  // where it did not go
  const auto took = parts_.loop.now() - began;
  space.stages.upstream = space.stages.upstream.value_or(time::duration::zero()) + took;
  facts.end = result.end;
  facts.sent = result.sent;
  facts.unprocessed = result.unprocessed;
  facts.waited_long = took >= options_.patience / 2;
  facts.permit_over = result.end == exchange_end::timed_out && !result.begun;
  if (!result.begun) over.keep();
  if (result.end == exchange_end::answered) {
    if (space.answer.keep_alive) over.keep(space.answer.keeps_idle_for);
    note_answer(space, into);
    usual_exchange_ += (took - usual_exchange_) / 8;
  } else {
    space.answer.head.status = 0;  // of an answer that broke off
  }
  if (facts.status >= 500) result.reason = "answered " + std::to_string(facts.status);
  if (result.begun) {
    parts_.observer.exchanged({what.what, space.trace, space.origin}, facts.status, facts.reused, result);
    if (parts_.tracer.records(held.span)) note_exchange(what, held, space, began, result, before);
  }
  into.reason = std::move(result.reason);
}

void dispatcher::note_answer(workspace& space, ended& into) {
  const auto& head = space.answer.head;
  into.facts.status = head.status;
  if (head.status < 400) return;
  blot_out_token(space.answer);
  const auto value = head.fields.get(http::field::retry_after);
  if (!value) return;
  into.facts.retry_after = retry_after(*value, parts_.loop.clock().wall_now(), options_.longest_pause);
  if (into.facts.retry_after) space.retry_after = std::chrono::ceil<std::chrono::seconds>(*into.facts.retry_after);
}

// Reasons are handed on and logged, and Podero may say in them what it was sent.
void dispatcher::blot_out_token(upstream::answer& in) const {
  const auto* const token = parts_.tokens.usable();
  if (token == nullptr || token->token.empty()) return;
  const auto bytes = token->token.reveal();
  for (auto* const text : {&in.received, &in.decoded})
    for (auto at = text->find(bytes); at != std::string::npos; at = text->find(bytes, at + bytes.size()))
      std::fill_n(text->begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), '*');
}

// A stage may happen several times: its times add up, and each is a span of its own.
void dispatcher::note_stage(workspace& space, std::optional<time::duration> stage_times::* which, std::string_view name,
                            time::instant began, std::string_view error_type) {
  const auto now = parts_.loop.now();
  auto& so_far = space.stages.*which;
  so_far = so_far.value_or(time::duration::zero()) + (now - began);
  if (!parts_.tracer.records(space.trace)) return;
  trace::span one;
  one.own = parts_.tracer.child(space.trace);
  one.parent = space.trace.span_id;
  one.has_parent = true;
  one.began = began;
  one.ended = now;
  one.name = name;
  one.end = error_type;
  one.account = trace::short_text<64>{options_.account};
  parts_.tracer.record(one);
}

void dispatcher::note_exchange(const call& what, const hand& held, const workspace& space, time::instant began,
                               const upstream::exchange_result& result, unsigned before) {
  trace::span one;
  one.own = held.span;
  one.parent = space.trace.span_id;
  one.has_parent = true;
  one.kind = trace::span_kind::client;
  one.began = began;
  one.ended = parts_.loop.now();
  one.method = creates(what.what) ? "POST" : "GET";
  one.route = route_of(what.what);
  one.status = space.answer.head.status;
  one.end = result.end == exchange_end::answered ? std::string_view{} : to_string(result.end);
  one.resend = before;
  one.server = trace::short_text<128>{options_.server};
  one.port = options_.port;
  one.account = trace::short_text<64>{options_.account};
  one.session = trace::short_text<36>{what.session_id};
  parts_.tracer.record(one);
}

}  // namespace gateway::dispatch
