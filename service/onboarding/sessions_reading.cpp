#include "onboarding/sessions.hpp"

#include "onboarding/upstream_failure.hpp"

// What is asked of sessions that there are: reading one, what its end means, giving its slot back.
namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

failure nobodys() {
  failure f;
  f.id = problem::not_found;
  f.detail = "There is no such onboarding session.";
  return f;
}

}  // namespace

std::expected<void, failure> sessions::check_owner(std::size_t caller, const session_id& id) const {
  if (!parts_.shared.owners.may_see(id, caller)) return std::unexpected{nobodys()};
  return {};
}

task<std::expected<session_facts, failure>> sessions::read(std::size_t caller, session_id id, time::instant deadline,
                                                           workspace& space, std::string& out) {
  if (auto mine = check_owner(caller, id); !mine) co_return std::unexpected{std::move(mine.error())};
  dispatch::call_control control{deadline, caller};
  auto asking = look(id, {.control = &control, .caller = space.caller}, space, out);
  auto got = co_await std::move(asking);
  auto& watches = parts_.shared.watches;
  if (got && watches.knows(id))
    watches.saw(id, std::make_shared<const sighting>(sighting{.body = out, .facts = *got}), parts_.loop.now());
  co_return got;
}

task<std::expected<session_facts, failure>> sessions::look(session_id id, looking how, workspace& space,
                                                           std::string& out) {
  dispatch::call call;
  call.what = dispatch::operation::read_session;
  call.session_id = id.view();
  call.control = how.control;
  call.caller = how.caller;
  call.yields = how.yields;
  auto sending = parts_.way.send(call, space.way);
  auto sent = co_await std::move(sending);
  if (!sent) co_return std::unexpected{std::move(sent.error())};
  answer_context context{.now = parts_.loop.wall_now()};
  context.asked_for = id;
  auto concluded = conclude(call.what, context, space.way, space.memory, out);
  if (concluded) note(*concluded);
  co_return concluded;
}

std::expected<session_facts, failure> sessions::learn(const session_id& id, std::string_view upstream_body,
                                                      workspace& space, std::string& out) {
  answer_context context{.now = parts_.loop.wall_now()};
  context.asked_for = id;
  auto facts = compose_session(upstream_body, parts_.answers, context, space.memory, out);
  if (!facts)
    return std::unexpected{
        unusable_success(operation::read_session, 200, facts.error().reason, facts.error().session.has_value())};
  note(*facts);
  return *facts;
}

void sessions::note(const session_facts& facts) {
  if (facts.state == session_state::pending) return;
  ended(facts);
  no_longer_live(facts.id);
}

void sessions::ended(const session_facts& facts) {
  auto& owners = parts_.shared.owners;
  if (facts.state == session_state::expired) return owners.expired(facts.id);
  parts_.shared.limits.completed(facts.id.view());
  const bool known = owners.ended(facts.id);
  const bool first = owners.completed(facts.id);
  if (parts_.polls == nullptr) {
    if (first) parts_.observer.completed();
    return;
  }
  if (known) return;
  // Several replicas may see it, and one counts it.
  parts_.loop.spawn([](store::shared_polls& polls, std::string session, onboarding::observer& observer) -> task<> {
    auto asking = polls.completed_first(std::move(session));
    const bool counts = co_await std::move(asking);
    if (counts) observer.completed();
  }(*parts_.polls, std::string{facts.id.view()}, parts_.observer));
}

bool sessions::give_back_slot(std::size_t caller, const session_id& id) {
  const auto& owners = parts_.shared.owners;
  const bool held = parts_.shared.limits.give_back_slot(id.view(), caller);
  // Where replicas share state, another one may have made it and knows whose it is; while it is held its slot says so.
  const bool made_elsewhere = parts_.polls != nullptr && owners.may_see(id, caller);
  if (!held && !owners.owns(id, caller) && !made_elsewhere) return false;
  no_longer_live(id);
  return true;
}

// Nobody waits for it: whom it would be given to in the meantime is asked for its slot first.
void sessions::no_longer_live(const session_id& id) {
  parts_.loop.spawn([](store::records& records, std::string session) -> task<> {
    auto ending = records.end_live(std::move(session));
    co_await std::move(ending);
  }(parts_.records, std::string{id.view()}));
}

}  // namespace gateway::onboarding
