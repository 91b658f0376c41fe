#include "onboarding/sessions.hpp"

#include "foundation/json/canonical.hpp"
#include "foundation/transport/next_stage.hpp"
#include "foundation/transport/text_cache.hpp"
#include "onboarding/creation_failures.hpp"
#include "onboarding/key_failures.hpp"
#include "onboarding/key_lookup.hpp"
#include "onboarding/keyed_creation.hpp"
#include "onboarding/metadata.hpp"
#include "onboarding/upstream_failure.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::made;
using transport::task;

namespace {

bool succeeded(unsigned status) noexcept {
  return status >= 200 && status < 300;
}

}  // namespace

// No coroutine: each between the caller and Podero has a frame, and all have left the caches when the answer comes.
task<sessions::created> sessions::create(creation_request what, workspace& space, std::string& out) {
  if (auto composed = compose_creation(what.body, what.policy, memory_, space.upstream_body, space.from_defaults);
      !composed)
    return what.idempotency_key && composed.error().id == problem::validation_failed
               ? refused_unless_known(what, space, out, std::move(composed.error()))
               : refused(std::move(composed.error()));
  if (what.idempotency_key) return create_keyed(what, space, out);
  const bool shares = what.may_reuse && reuse_.lifetime.count() > 0;
  return shares ? create_shared(what, space, out) : create_alone(what, space, out);
}

task<std::optional<sessions::created>> sessions::foresee(creation_request what, workspace& space, std::string& out) {
  auto composed = compose_creation(what.body, what.policy, memory_, space.upstream_body, space.from_defaults);
  if (what.idempotency_key && (composed || composed.error().id == problem::validation_failed)) {
    auto looking = known(what, space, out);
    auto already = co_await std::move(looking);
    if (already) co_return already;
  }
  if (!composed) co_return created{std::unexpected{std::move(composed.error())}};
  co_return std::nullopt;
}

task<sessions::created> sessions::refused(failure why) {
  co_return std::unexpected{std::move(why)};
}

// What was accepted once has its answer for as long as its key is kept, also where the rules have changed since.
task<sessions::created> sessions::refused_unless_known(creation_request what, workspace& space, std::string& out,
                                                       failure why) {
  auto looking = known(what, space, out);
  auto already = co_await std::move(looking);
  if (already) co_return std::move(*already);
  co_return std::unexpected{std::move(why)};
}

// By what the key stands for already, if it does.
task<std::optional<sessions::created>> sessions::known(creation_request what, workspace& space, std::string& out) {
  auto looking = look_up(parts_.loop, parts_.records, {what.caller, std::string{*what.idempotency_key}},
                         json::canonical_digest(what.body));
  auto found = co_await std::move(looking);
  if (!found) co_return std::nullopt;
  if (found->is != store::claim::outcome::done)
    co_return created{std::unexpected{refusal_of(*found, parts_.loop.now())}};
  co_return created{replay(what, std::move(found->answer), space, out)};
}

// The usual way: the caller's own request, on its own connection's coroutine.
task<sessions::created> sessions::create_alone(creation_request what, workspace& space, std::string& out) {
  co_await transport::next_stage{parts_.loop.ready()};
  dispatch::call call;
  call.what = dispatch::operation::create_session;
  call.body = space.upstream_body;
  call.deadline = what.deadline;
  call.caller_index = what.caller;
  call.caller = space.caller;
  auto sending = parts_.way.send(call, space.way);
  auto& sent = co_await sending;
  if (!sent) {
    if (sent.error().effect != errors::effect::none) lost_alone(what, std::nullopt, space, sent.error().effect);
    co_return made{[&] { return told(std::move(sent.error()), what.caller); }};
  }
  co_await transport::next_stage{parts_.loop.ready()};
  co_return made{[&] { return made_alone(what, space, out); }};
}

// Of what Podero answered.
sessions::created sessions::made_alone(const creation_request& what, workspace& space, std::string& out) {
  answer_context context{.now = parts_.loop.wall_now(), .creation = true};
  context.defaulted = space.from_defaults;
  transport::text_cache::take(out);
  std::optional<session_id> named;
  auto facts = conclude(dispatch::operation::create_session, context, space.way, memory_, out, &named);
  space.way.answer.body = {};
  transport::text_cache::give(space.way.answer.received);
  if (!facts) {
    if (facts.error().effect != errors::effect::none) lost_alone(what, named, space, facts.error().effect);
    return std::unexpected{std::move(facts.error())};
  }
  parts_.shared.owners.expect(facts->id);
  if (space.way.slot != 0) parts_.shared.limits.bind(space.way.slot, facts->id.view());
  parts_.observer.created({.caller = what.caller,
                           .origin = space.way.origin,
                           .id = facts->id.view(),
                           .idempotency_key = {},
                           .trace_id = space.way.trace.trace()});
  belongs(what.caller, facts->id, {}, external_metadata_of(what.body));
  return creation_answer{.status = 201, .id = facts->id};
}

void sessions::lost_alone(const creation_request& what, const std::optional<session_id>& named, workspace& space,
                          errors::effect how) {
  lost(author{what, space.way}, named, space.way.slot, how);
}

task<sessions::created> sessions::create_keyed(creation_request what, workspace& space, std::string& out) {
  const auto digest = json::canonical_digest(what.body);
  // Without a creation of its own, which took as many instructions again as all the rest of a replay.
  if (auto kept = parts_.records.kept_here({what.caller, std::string{*what.idempotency_key}}, digest))
    co_return made{[&] { return replay(what, std::move(*kept), space, out); }};
  const auto ordered = order_of(what, space);
  std::shared_ptr<const keyed_end> end;
  for (;;) {
    auto [of, fresh] = parts_.shared.board.keyed({ordered.caller, ordered.idempotency_key}, [&] {
      return std::make_shared<keyed_creation>(*this, ordered, digest);
    });
    if (of->of() != digest) co_return made{[&] { return std::unexpected{other_body()}; }};
    if (fresh)
      parts_.loop.spawn(keyed_creation::run(of));
    else
      of->join(what.deadline, what.caller);
    auto waiting = of->outcome(parts_.loop, what.deadline, space.caller);
    end = co_await std::move(waiting);
    const bool gone = space.caller != nullptr && space.caller->happened();
    if (!end && (gone || (fresh && of->ours())))
      co_return made{[&] { return std::unexpected{not_in_time(of->sent(), gone)}; }};
    if (!end) co_return made{[&] { return std::unexpected{in_progress(of->may_be_sent())}; }};
    if (end->given_up && !gone && parts_.loop.now() < what.deadline) continue;
    space.way.stages = end->stages;
    space.way.answer.head.status = end->upstream_status;
    if (end->failure) co_return made{[&] { return told(*end->failure, what.caller); }};
    const auto replayed = end->replayed || !of->be_first();
    if (replayed) parts_.observer.replayed();
    out = end->body;
    const auto id = *session_id::parse(end->session);
    // Also where another replica made it.
    belongs(what.caller, id, ordered.idempotency_key, ordered.external_metadata);
    co_return creation_answer{.status = end->status, .id = id, .replayed = replayed};
  }
}

creation_answer sessions::replay(const creation_request& what, store::kept_answer kept, workspace& space,
                                 std::string& out) {
  space.way.stages = {};
  space.way.answer.head.status = 0;
  parts_.observer.waited_for_store(time::duration::zero());
  parts_.observer.replayed();
  out = std::move(kept.body);
  const auto id = *session_id::parse(kept.session);
  belongs(what.caller, id, std::string{*what.idempotency_key}, external_metadata_of(what.body));
  return {.status = kept.status, .id = id, .replayed = true};
}

task<sessions::created> sessions::create_shared(creation_request what, workspace& space, std::string& out) {
  const auto ordered = order_of(what, space);
  way_taken way{.who = space.caller};
  auto obtaining = obtain(ordered, std::move(way), what.deadline, out);
  auto& got = co_await obtaining;
  space.way.stages = got.stages;
  space.way.answer.head.status = got.upstream_status;
  parts_.observer.waited_for_store(ordered.asking->spent());
  if (got.failure) co_return made{[&] { return told(std::move(*got.failure), what.caller); }};
  co_return creation_answer{.status = got.status, .id = got.id};
}

order sessions::order_of(const creation_request& what, const workspace& space) const {
  order made{.caller = what.caller, .upstream_body = space.upstream_body, .deadline = what.deadline};
  for (const auto& pointer : space.from_defaults) made.defaulted.emplace_back(pointer);
  made.external_metadata = external_metadata_of(what.body);
  if (what.idempotency_key) made.idempotency_key = *what.idempotency_key;
  made.trace = space.way.trace;
  made.origin = space.way.origin;
  if (what.may_reuse && reuse_.lifetime.count() > 0) {
    const auto digest = json::canonical_digest(space.upstream_body);
    made.reuse.emplace(store::live_name{.of = digest});
    if (!reuse_.across_callers) made.reuse->caller = what.caller;
  }
  return made;
}

// ---------------------------------------------------------------- a session, a live one or a new one

task<sessions::obtained> sessions::obtain(const order& what, way_taken way, time::instant until, std::string& out) {
  if (what.reuse) {
    auto looking = obtain_live(what, out);
    auto live = co_await std::move(looking);
    if (live) co_return std::move(*live);
  }
  for (;;) {
    std::shared_ptr<flight> on;
    auto flying = fly(what, way, until, on);
    const auto end = co_await std::move(flying);
    const bool gone = way.who != nullptr && way.who->happened();
    if (!end) co_return obtained{.failure = not_in_time(on->sent(), gone)};
    // Nobody wanted that one any more; if it was sent all the same, there is no other.
    if (end->failure && end->failure->effect == errors::effect::none && on->given_up() && !gone) continue;
    if (end->failure)
      co_return obtained{.failure = end->failure, .stages = end->stages, .upstream_status = end->upstream_status};
    const bool reused = !on->be_first();
    auto made = compose(what, end->upstream_body, reused, out);
    made.stages = end->stages;
    made.upstream_status = end->upstream_status;
    co_return made;
  }
}

task<std::optional<sessions::obtained>> sessions::obtain_live(const order& what, std::string& out) {
  auto looking = parts_.records.live(*what.reuse, what.asking);
  const auto live = co_await std::move(looking);
  if (!live || !usable(*live)) co_return std::nullopt;
  co_return compose(what, live->upstream_body, true, out);
}

bool sessions::usable(const store::live_session& one) const {
  const auto id = session_id::parse(one.session);
  if (!id || parts_.shared.owners.ended(*id)) return false;
  if (one.expires_at && parts_.clock.wall_now() + std::chrono::hours{1} >= *one.expires_at) return false;
  return !parts_.shared.limits.of_test_account() || parts_.shared.limits.holds(one.session);
}

std::pair<std::shared_ptr<flight>, bool> sessions::flight_for(const order& what) {
  const auto make = [&] {
    return std::make_shared<flight>(
        flight::parts{.home = parts_.loop,
                      .way = parts_.way,
                      .records = parts_.records,
                      .arrive = [this](dispatch::workspace& space) { return arrive(space); },
                      .keep = [this, who = author{what}, name = what.reuse, by = what.asking](
                                  const landing& end, std::uint64_t slot) { return keep(name, who, by, end, slot); },
                      .ended =
                          [this, name = what.reuse](const flight* which) {
                            if (name) parts_.shared.board.done(*name, which);
                          },
                      .under_way = parts_.shared.under_way},
        what);
  };
  if (!what.reuse) return {make(), true};
  return parts_.shared.board.equal(*what.reuse, make);
}

// Null: there is no outcome in time, and what was asked for may be under way. `on` is the flight it was asked of.
task<std::shared_ptr<const landing>> sessions::fly(const order& what, const way_taken& way, time::instant until,
                                                   std::shared_ptr<flight>& on) {
  auto [found, fresh] = flight_for(what);
  on = found;
  if (way.key && !on->mark_when_sent(*way.key)) {
    auto saying = parts_.records.sending(*way.key, on->sent_lease(parts_.loop.now()));
    const auto answer = co_await std::move(saying);
    if (answer != store::said::yes) co_return std::make_shared<const landing>(landing{.failure = not_recorded(answer)});
    on->marked(*way.key);
  }
  if (way.takes) way.takes(on);
  if (fresh)
    parts_.loop.spawn(flight::run(on));
  else
    on->join(what.deadline, what.caller);
  auto waiting = on->outcome(parts_.loop, until, way.who);
  auto end = co_await std::move(waiting);
  // A key whose first byte has gone out, or is about to: its answer is waited for, whoever else left.
  if (!end && way.key && !on->forget_mark(way.key->name)) {
    auto finishing = on->outcome(parts_.loop, until, nullptr);
    end = co_await std::move(finishing);
  }
  // The store that the flight waited for has been waited for by all.
  what.asking->at_least(on->waited_for_store());
  // Of a session that its record does not know of a key must not be the answer.
  if (const auto why = way.key ? on->unmarked(way.key->name) : std::nullopt)
    co_return std::make_shared<const landing>(landing{.failure = not_recorded(*why)});
  co_return end;
}

sessions::obtained sessions::compose(const order& what, std::string_view upstream_body, bool reused, std::string& out) {
  answer_context context{.now = parts_.loop.wall_now(), .creation = true};
  context.reused = reused;
  const std::vector<std::string_view> defaulted{what.defaulted.begin(), what.defaulted.end()};
  context.defaulted = defaulted;
  // It was read before, when it arrived.
  const auto facts = compose_session(upstream_body, parts_.answers, context, memory_, out);
  if (!facts)
    return {.failure = unusable_success(dispatch::operation::create_session, 201, facts.error().reason,
                                        facts.error().session.has_value())};
  if (reused) {
    parts_.shared.limits.share(facts->id.view(), what.caller);
    parts_.observer.reused();
  }
  belongs(what.caller, facts->id, what.idempotency_key, what.external_metadata);
  return {.status = reused ? 200U : 201U, .id = facts->id};
}

landing sessions::arrive(dispatch::workspace& space) {
  landing end;
  answer_context context{.now = parts_.loop.wall_now(), .creation = true};
  std::string body;
  auto facts = conclude(dispatch::operation::create_session, context, space, memory_, body, &end.named);
  if (!facts) {
    end.failure = std::move(facts.error());
    return end;
  }
  end.facts = std::move(*facts);
  end.upstream_body = space.answer.body;
  return end;
}

task<> sessions::keep(std::optional<store::live_name> reuse, author who, std::shared_ptr<store::asking> by,
                      const landing& what, std::uint64_t slot) {
  if (what.failure) {
    lost(who, what.named, slot, what.failure->effect);
    co_return;
  }
  if (slot != 0) parts_.shared.limits.bind(slot, what.facts.id.view());
  parts_.observer.created({.caller = who.caller,
                           .origin = who.origin,
                           .id = what.facts.id.view(),
                           .idempotency_key = who.idempotency_key,
                           .trace_id = who.trace.trace()});
  // Also where nobody waits for it any more.
  belongs(who.caller, what.facts.id, std::move(who.idempotency_key), std::move(who.external_metadata));
  if (!reuse) co_return;
  const auto now = parts_.loop.now();
  store::live_session live{.session = std::string{what.facts.id.view()},
                           .upstream_body = what.upstream_body,
                           .expires_at = what.facts.expires_at};
  auto keeping = parts_.records.keep_live(*reuse, std::move(live), now + reuse_.lifetime, std::move(by));
  co_await std::move(keeping);
}

sessions::author::author(const creation_request& of, const dispatch::workspace& way)
    : caller{of.caller},
      idempotency_key{of.idempotency_key.value_or(std::string_view{})},
      external_metadata{external_metadata_of(of.body)},
      trace{way.trace},
      origin{way.origin} {}

// Whoever knows the session by its name may look at it, and give its slot back.
void sessions::lost(const author& who, std::optional<session_id> session, std::uint64_t slot, errors::effect how) {
  made_session what{.caller = who.caller,
                    .origin = who.origin,
                    .idempotency_key = who.idempotency_key,
                    .trace_id = who.trace.trace()};
  if (session) {
    what.id = session->view();
    if (slot != 0) parts_.shared.limits.bind(slot, what.id);
    belongs(who.caller, *session, who.idempotency_key, who.external_metadata);
  }
  parts_.observer.unaccounted(what, how);
}

std::unexpected<failure> sessions::told(failure why, std::size_t caller) const {
  if (why.id == problem::no_free_slot) {
    std::string held;
    for (const auto& slot : parts_.shared.limits.slots()) {
      if (std::ranges::find(slot.holders, caller) == slot.holders.end()) continue;
      held += held.empty() ? "" : ", ";
      held += slot.session.empty() ? "one whose session is not known (yet)" : slot.session;
    }
    why.detail += held.empty() ? " This caller holds none." : " This caller holds: " + held + ".";
  }
  return std::unexpected{std::move(why)};
}

// ---------------------------------------------------------------- answers

std::expected<session_facts, failure> sessions::conclude(dispatch::operation what, const answer_context& context,
                                                         dispatch::workspace& way, scratch& memory, std::string& out,
                                                         std::optional<session_id>* named) {
  const auto status = way.answer.head.status;
  if (!succeeded(status)) {
    return std::unexpected{upstream_failure(
        what, {.status = status, .body = way.answer.body, .retry_after = way.retry_after}, parts_.account)};
  }
  auto facts = compose_session(way.answer.body, parts_.answers, context, memory, out);
  if (!facts) {
    if (named != nullptr) *named = facts.error().session;
    parts_.observer.unusable(what, facts.error().reason);
    return std::unexpected{unusable_success(what, status, facts.error().reason, facts.error().session.has_value())};
  }
  if (facts->foreign_gateway_member) parts_.observer.foreign_member_dropped();
  return std::move(*facts);
}

void sessions::belongs(std::size_t caller, const session_id& id, std::string key, std::string metadata) {
  parts_.shared.owners.made(caller, {.id = id,
                                     .created_at = parts_.loop.wall_now(),
                                     .slot_until = {},
                                     .idempotency_key = std::move(key),
                                     .external_metadata = std::move(metadata)});
}

}  // namespace gateway::onboarding
