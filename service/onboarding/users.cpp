#include "onboarding/users.hpp"

#include "foundation/json/canonical.hpp"
#include "onboarding/creation_failures.hpp"
#include "onboarding/key_failures.hpp"
#include "onboarding/key_lookup.hpp"
#include "onboarding/keyed_user.hpp"
#include "onboarding/upstream_failure.hpp"
#include "onboarding/user.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::task;

errors::failure no_org_id(std::string_view account) {
  failure f;
  f.id = problem::not_configured;
  f.detail = "Users and devices need accounts." + std::string{account} + ".org_id in the gateway's configuration.";
  return f;
}

// A caller's keys for users are others than its keys for sessions: no key that comes in has such a beginning.
store::key_name users::name_of(std::size_t caller, std::string_view key) {
  return {caller, "\nuser " + std::string{key}};
}

task<users::made> users::create(user_request what, workspace& space, std::string& out) {
  if (!parts_.org_id) co_return std::unexpected{no_org_id(parts_.account)};
  auto composed = compose_user(what.body, what.unknown, memory_, space.upstream_body);
  if (!composed && !(what.idempotency_key && composed.error().id == problem::validation_failed))
    co_return std::unexpected{std::move(composed.error())};
  auto creating = !composed              ? refused_unless_known(what, out, std::move(composed.error()))
                  : what.idempotency_key ? create_keyed(what, space, out)
                                         : create_alone(what, space, out);
  auto got = co_await std::move(creating);
  co_return got;
}

// As with sessions: what was accepted once has its answer for as long as its key is kept.
task<users::made> users::refused_unless_known(const user_request& what, std::string& out, failure why) {
  auto looking = look_up(parts_.loop, parts_.records, name_of(what.caller, *what.idempotency_key),
                         json::canonical_digest(what.body));
  auto known = co_await std::move(looking);
  if (!known) co_return std::unexpected{std::move(why)};
  if (known->is != store::claim::outcome::done) co_return std::unexpected{refusal_of(*known, parts_.loop.now())};
  out = std::move(known->answer.body);
  co_return user_answer{.status = known->answer.status, .replayed = true};
}

task<users::made> users::create_keyed(const user_request& what, workspace& space, std::string& out) {
  const auto of = std::make_shared<keyed_user>(*this, keyed_user::order{.caller = what.caller,
                                                                        .key = std::string{*what.idempotency_key},
                                                                        .of = json::canonical_digest(what.body),
                                                                        .upstream_body = space.upstream_body,
                                                                        .deadline = what.deadline,
                                                                        .trace = space.way.trace,
                                                                        .origin = space.way.origin});
  parts_.loop.spawn(keyed_user::run(of));
  auto waiting = of->outcome(parts_.loop, what.deadline, space.caller);
  const auto end = co_await std::move(waiting);
  if (!end) {
    const bool gone = space.caller != nullptr && space.caller->happened();
    co_return std::unexpected{gone || of->ours() ? not_in_time(of->sent(), gone) : in_progress(of->sent_elsewhere())};
  }
  space.way.stages = end->stages;
  space.way.answer.head.status = end->upstream_status;
  if (end->failure) co_return std::unexpected{*end->failure};
  out = end->body;
  co_return end->answer;
}

task<users::made> users::create_alone(const user_request& what, workspace& space, std::string& out) {
  struct count {
    std::atomic<std::size_t>& of;
    explicit count(std::atomic<std::size_t>& cell) : of{cell} { ++of; }
    ~count() { --of; }
    count(const count&) = delete;
    count& operator=(const count&) = delete;
  } const under_way{parts_.under_way};
  auto sending_it = send(
      {.caller = what.caller, .upstream_body = space.upstream_body, .deadline = what.deadline, .who = space.caller},
      space.way, out);
  auto got = co_await std::move(sending_it);
  co_return got;
}

task<users::made> users::send(sending what, dispatch::workspace& way, std::string& out) {
  auto asking = ask_podero(what, way, out);
  auto got = co_await std::move(asking);
  note(what, way, got);
  co_return got;
}

// For the record.
void users::note(const sending& what, const dispatch::workspace& way, const made& got) {
  const made_session one{.caller = what.caller,
                         .origin = way.origin,
                         .idempotency_key = what.key,
                         .trace_id = way.trace.trace(),
                         .of_user = true};
  if (got)
    parts_.observer.created(one);
  else if (got.error().effect != errors::effect::none)
    parts_.observer.unaccounted(one, got.error().effect);
}

task<users::made> users::ask_podero(const sending& what, dispatch::workspace& way, std::string& out) {
  if (parts_.loop.now() >= what.deadline) co_return std::unexpected{not_in_time(false, false)};
  const auto path = "/org/" + *parts_.org_id + "/users";
  dispatch::call call;
  call.what = dispatch::operation::create_user;
  call.path = path;
  call.body = what.upstream_body;
  call.deadline = what.deadline;
  call.caller_index = what.caller;
  call.watch = what.watch;
  call.caller = what.who;
  auto going = parts_.way.send(call, way);
  auto sent = co_await std::move(going);
  if (!sent) co_return std::unexpected{std::move(sent.error())};
  const auto& answer = way.answer;
  const auto status = answer.head.status;
  if (status < 200 || status >= 300)
    co_return std::unexpected{upstream_failure(
        call.what, {.status = status, .body = answer.body, .retry_after = way.retry_after}, parts_.account)};
  const auto id = read_user(answer.body, memory_);
  if (!id) {
    parts_.observer.unusable(call.what, id.error());
    co_return std::unexpected{unusable_success(call.what, status, id.error(), false)};
  }
  out = answer.body;
  co_return user_answer{};
}

}  // namespace gateway::onboarding
