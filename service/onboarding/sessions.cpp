#include "onboarding/sessions.hpp"

#include "onboarding/upstream_failure.hpp"

namespace gateway::onboarding {

using errors::failure;
using transport::task;

namespace {

bool succeeded(unsigned status) noexcept {
  return status >= 200 && status < 300;
}

failure nobodys() {
  failure f;
  f.id = errors::problem::not_found;
  f.detail = "There is no such onboarding session.";
  return f;
}

}  // namespace

task<std::expected<session_facts, failure>> sessions::create(std::size_t caller, const creation_policy& policy,
                                                             std::string_view body, time::instant deadline,
                                                             workspace& space, std::string& out) {
  const auto composed = compose_creation(body, policy, space.memory, space.upstream_body, space.from_defaults);
  if (!composed) co_return std::unexpected{composed.error()};
  dispatch::call call;
  call.what = dispatch::operation::create_session;
  call.body = space.upstream_body;
  call.deadline = deadline;
  call.caller_index = caller;
  call.caller = space.caller;
  auto sent = co_await parts_.way.send(call, space.way);
  if (!sent) co_return std::unexpected{std::move(sent.error())};
  answer_context context{.now = parts_.clock.wall_now(), .creation = true};
  context.defaulted = space.from_defaults;
  auto concluded = conclude(call.what, context, space, out);
  if (concluded) {
    parts_.owners.made(concluded->id, caller);
    parts_.observer.created();
  }
  co_return std::move(concluded);
}

task<std::expected<session_facts, failure>> sessions::read(std::size_t caller, session_id id, time::instant deadline,
                                                           workspace& space, std::string& out) {
  if (!parts_.owners.may_see(id, caller)) co_return std::unexpected{nobodys()};
  dispatch::call call;
  call.what = dispatch::operation::read_session;
  call.session_id = id.view();
  call.deadline = deadline;
  call.caller_index = caller;
  call.caller = space.caller;
  auto sent = co_await parts_.way.send(call, space.way);
  if (!sent) co_return std::unexpected{std::move(sent.error())};
  answer_context context{.now = parts_.clock.wall_now()};
  context.asked_for = id;
  auto concluded = conclude(call.what, context, space, out);
  if (concluded && concluded->state == session_state::completed && parts_.owners.completed(id))
    parts_.observer.completed();
  co_return std::move(concluded);
}

std::expected<session_facts, failure> sessions::conclude(dispatch::operation what, const answer_context& context,
                                                         workspace& space, std::string& out) {
  const auto& answer = space.way.answer;
  const auto status = answer.head.status;
  if (!succeeded(status)) {
    return std::unexpected{upstream_failure(
        what, {.status = status, .body = answer.body, .retry_after = space.way.retry_after}, parts_.account)};
  }
  auto facts = compose_session(answer.body, parts_.answers, context, space.memory, out);
  if (!facts) return std::unexpected{unusable_success(what, status, facts.error().reason, facts.error().identified)};
  if (facts->foreign_gateway_member) parts_.observer.foreign_member_dropped();
  return std::move(*facts);
}

}  // namespace gateway::onboarding
