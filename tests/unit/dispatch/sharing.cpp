// Sessions for many who ask for the same, over the real way upstream: keys, reuse, one flight for all.
#include "sharing_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;
using errors::effect;
using errors::problem;

struct without_reuse : sharing_fixture {
  without_reuse() : sharing_fixture{{.reuse = {}}} {}
};
struct across_callers : sharing_fixture {
  across_callers()
      : sharing_fixture{{.reuse = {.lifetime = 10min, .across_callers = true},
                         .way = {.test_account = limiter::test_account_rules{.name = "demo", .open_sessions = 1}}}} {}
};

TEST_CASE_FIXTURE(sharing_fixture, "equal requests share one call: one gets 201, the others 200") {
  answer_late();
  auto& first = ask();
  auto& second = ask({.body = "\n" + body_of()});
  auto& third = ask();
  CHECK_FALSE(first.got.has_value());
  say();
  CHECK(first.status() + second.status() + third.status() == 601);
  CHECK(first.id() == second.id());
  CHECK(first.id() == third.id());
  CHECK(server.requests.size() == 1);
  CHECK(seen.made == 1);
  CHECK(seen.again == 2);
  CHECK(second.out.contains("\"reused\":true") != (second.status() == 201));
}

TEST_CASE_FIXTURE(sharing_fixture, "a live session is handed out again until its time is over") {
  const auto first = ask().id();
  advance(10min - 1s);
  auto& again = ask();
  CHECK(again.status() == 200);
  CHECK(again.id() == first);
  advance(1s);
  CHECK(ask().status() == 201);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(sharing_fixture, "another body, another caller, or who asks for a new one gets a new one") {
  ask();
  CHECK(ask({.caller = 1}).status() == 201);
  CHECK(ask({.may_reuse = false}).status() == 201);
  CHECK(ask({.body = body_of("b169451c-8525-4352-b8ca-070dd449a1a5")}).status() == 201);
  CHECK(server.requests.size() == 4);
}

TEST_CASE_FIXTURE(sharing_fixture, "a session that is completed, or nearly expired, is not handed out again") {
  server.then(scripted_server::answer(201, session_json(1)));
  ask();
  server.then(scripted_server::answer(200, session_json(1, R"("c169451c-8525-4352-b8ca-070dd449a1a5")")));
  read(1);
  CHECK(out.contains("\"completed\""));
  // It ends at nine in the evening by UTC; the clock began at midnight.
  server.then(scripted_server::answer(201, session_json(2, "null", "2024-08-23")));
  CHECK(ask().status() == 201);
  CHECK(ask().status() == 200);
  clock.jump_wall(20h);
  CHECK(ask().status() == 201);
}

TEST_CASE_FIXTURE(across_callers, "where callers share, the slot is free when the last of them gave it back") {
  auto& first = ask({.caller = 0});
  CHECK(first.status() == 201);
  auto& second = ask({.caller = 1});
  CHECK(second.status() == 200);
  CHECK(second.id() == first.id());
  const auto id = *onboarding::session_id::parse(first.id());
  CHECK(subject.give_back_slot(0, id));
  CHECK(domain.slots().size() == 1);
  CHECK(subject.give_back_slot(1, id));
  CHECK(domain.slots().empty());
  CHECK(subject.give_back_slot(1, id));
  CHECK(ask({.caller = 1}).status() == 201);
}

TEST_CASE_FIXTURE(across_callers, "without a free slot a caller is told what it holds itself") {
  auto& first = ask({.caller = 0});
  auto& other = ask({.caller = 1, .body = body_of("b169451c-8525-4352-b8ca-070dd449a1a5")});
  CHECK(other.failure().id == problem::no_free_slot);
  CHECK(other.failure().detail.contains("This caller holds none."));
  CHECK(other.failure().decision->state == "1 of 1 held: portal for 0 s");
  auto& own = ask({.caller = 0, .body = body_of("b169451c-8525-4352-b8ca-070dd449a1a5")});
  CHECK(own.failure().detail.contains("This caller holds: " + first.id() + "."));
  const auto view = subject.view(0);
  REQUIRE(view.open_sessions.size() == 1);
  CHECK(view.open_sessions[0].id.view() == first.id());
  CHECK(view.open_sessions[0].slot_until == clock.wall_now() + 15min);
  CHECK(view.test_account->held[0].session == first.id());
  CHECK_FALSE(subject.view(1).test_account->held[0].session.has_value());
  CHECK_FALSE(subject.give_back_slot(1, *onboarding::session_id::parse(first.id())));
}

TEST_CASE_FIXTURE(across_callers, "a session is its creator's, also where nobody waits for it any more") {
  answer_late();
  auto& first = ask({.caller = 0});
  first.leave();
  say();
  const auto id = *onboarding::session_id::parse("497f6eca-6276-4993-bfeb-53cbbbba6f01");
  CHECK(subject.check_owner(0, id));
  CHECK_FALSE(subject.check_owner(1, id));
  REQUIRE(subject.view(0).open_sessions.size() == 1);
  CHECK(subject.view(0).open_sessions[0].id == id);
}

TEST_CASE_FIXTURE(across_callers, "a session whose answer is of no use can be looked at, and its slot given back") {
  server.then(scripted_server::answer(201, R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f09"})"));
  CHECK(ask({.key = "k"}).failure().effect == effect::created);
  const auto id = *onboarding::session_id::parse("497f6eca-6276-4993-bfeb-53cbbbba6f09");
  CHECK(seen.lost == std::vector<std::string>{"created 497f6eca-6276-4993-bfeb-53cbbbba6f09 k"});
  REQUIRE(seen.unread.size() == 1);
  CHECK(seen.unread[0].starts_with("creation: it has no `authentication_url`"));
  CHECK(subject.view(0).open_sessions.size() == 1);
  REQUIRE(domain.slots().size() == 1);
  CHECK(domain.slots()[0].session == id.view());
  CHECK(subject.give_back_slot(0, id));
  CHECK(domain.slots().empty());
}

TEST_CASE_FIXTURE(across_callers, "who holds a slot of a session that is not known is told so") {
  auto cut = scripted_server::answer(201, session_json(1));
  cut.cut_at = 5;
  server.then(cut);
  CHECK(ask({.caller = 0}).failure().effect == effect::unknown);
  CHECK(seen.lost == std::vector<std::string>{"unknown  "});
  CHECK(ask({.caller = 0, .body = body_of("b169451c-8525-4352-b8ca-070dd449a1a5")})
            .failure()
            .detail.contains("This caller holds: one whose session is not known (yet)."));
}

TEST_CASE_FIXTURE(without_reuse, "rules that have changed since refuse what is new, and no answer that is kept") {
  answer_late();
  auto& first = ask({.key = "k"});
  say();
  REQUIRE(first.status() == 201);
  onboarding::creation_rules others;
  others.languages = {"fr"};
  policy = onboarding::creation_policy{others};
  auto& again = ask({.key = "k"});
  CHECK(again.status() == 201);
  CHECK((*again.got)->replayed);
  CHECK(again.out == first.out);
  CHECK(ask({.key = "k", .body = body_of("b169451c-8525-4352-b8ca-070dd449a1a5")}).failure().id ==
        problem::idempotency_key_reused);
  CHECK(ask({.key = "new"}).failure().id == problem::validation_failed);
  CHECK(ask().failure().id == problem::validation_failed);
  CHECK(made == 1);
  policy = onboarding::creation_policy{onboarding::creation_rules{}};
  answer_late();
  auto& then = ask({.key = "new"});  // nobody holds it
  say();
  CHECK(then.status() == 201);
}

TEST_CASE_FIXTURE(without_reuse, "one key makes one session, and everybody gets its answer byte for byte") {
  answer_late();
  auto& first = ask({.key = "k"});
  auto& second = ask({.key = "k", .body = "  " + body_of()});
  say();
  auto& third = ask({.key = "k"});
  for (const auto* one : {&first, &second, &third}) {
    CHECK(one->status() == 201);
    CHECK(one->out == first.out);
    CHECK(one->id() == first.id());
  }
  CHECK((*first.got)->replayed != (*second.got)->replayed);
  CHECK((*third.got)->replayed);
  CHECK(server.requests.size() == 1);
  CHECK(seen.made == 1);
  CHECK(seen.repeated == 2);
  advance(24h);
  CHECK(ask({.key = "k"}).status() == 201);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(without_reuse, "a key stands for one body, while it is under way and after") {
  answer_late();
  auto& first = ask({.key = "k"});
  const auto other = body_of("b169451c-8525-4352-b8ca-070dd449a1a5");
  CHECK(ask({.key = "k", .body = other}).failure().id == problem::idempotency_key_reused);
  say();
  CHECK(first.status() == 201);
  CHECK(ask({.key = "k", .body = other}).failure().id == problem::idempotency_key_reused);
  CHECK(ask({.key = "k", .caller = 1, .body = other}).status() == 201);
}

TEST_CASE_FIXTURE(without_reuse, "what had no effect is not kept: the key may be used again") {
  server.then(scripted_server::answer(404, "{}"));
  CHECK(ask({.key = "k"}).failure().id == problem::validation_failed);
  CHECK(memory.keys() == 0);
  CHECK(ask({.key = "k"}).status() == 201);
}

TEST_CASE_FIXTURE(without_reuse, "a key whose outcome is unknown says so and never creates again") {
  auto cut = scripted_server::answer(201, session_json(1));
  cut.cut_at = 5;
  server.then(cut);
  auto& first = ask({.key = "k"});
  CHECK(first.failure().effect == effect::unknown);
  auto& again = ask({.key = "k"});
  CHECK(again.failure().id == problem::upstream_error);
  CHECK(again.failure().effect == effect::unknown);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(without_reuse, "who cannot wait any longer hears that it is under way, and gets the answer later") {
  answer_late();
  auto& patient = ask({.key = "k", .within = 9s});
  auto& hurried = ask({.key = "k", .within = 1s});
  advance(1s);
  CHECK(hurried.failure().id == problem::idempotency_in_progress);
  CHECK(hurried.failure().effect == effect::unknown);
  CHECK(hurried.failure().retry_after == 1s);
  say();
  CHECK(patient.status() == 201);
  CHECK(ask({.key = "k"}).status() == 201);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(without_reuse, "a creation that was sent goes on when everybody left, and its key is kept") {
  answer_late();
  auto& first = ask({.key = "k"});
  REQUIRE(server.requests.size() == 1);
  first.leave();
  CHECK(first.failure().id == problem::request_timeout);
  CHECK(first.failure().effect == effect::unknown);
  advance(2s);
  say();
  auto& later = ask({.key = "k"});
  CHECK(later.status() == 201);
  CHECK((*later.got)->replayed);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(sharing_fixture,
                  "what was not sent ends when the last one left, and whoever comes then begins anew") {
  pool.close_idle();
  settle();
  server.ignore_connections(1);
  auto& first = ask({.key = "k"});
  auto& second = ask();
  first.leave();
  CHECK(first.failure().effect == effect::none);
  CHECK(loop.spawned() > 0);
  second.leave();
  CHECK(second.failure().effect == effect::none);
  CHECK(memory.keys() == 0);
  CHECK(server.requests.empty());
  auto& next = ask({.key = "k"});
  advance(2s);  // the connection that never came is given up
  advance(1s);
  CHECK(next.status() == 201);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(sharing_fixture, "the first caller's leaving does not end what another waits for") {
  answer_late();
  auto& first = ask();
  auto& second = ask({.key = "k"});
  first.leave();
  say();
  CHECK(second.status() == 201);
  CHECK(ask({.key = "k"}).out == second.out);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(sharing_fixture, "a shared failure is everybody's, and the next one tries again") {
  server.then({.silent = true});
  auto& first = ask({.within = 20s});
  auto& second = ask({.within = 20s});
  server.reset_all();
  settle();
  CHECK(first.failure().id == problem::upstream_error);
  CHECK(first.failure().effect == effect::unknown);
  CHECK(second.failure().detail == first.failure().detail);
  CHECK(ask().status() == 201);
}

TEST_CASE_FIXTURE(sharing_fixture, "the latest deadline counts for all") {
  answer_late();
  auto& hurried = ask({.within = 2s});
  auto& patient = ask({.within = 9s});
  advance(2s);
  CHECK(hurried.failure().id == problem::upstream_timeout);
  CHECK(hurried.failure().effect == effect::unknown);
  advance(5s);
  say();
  CHECK(patient.status() == 201);
}

TEST_CASE("two loops share one flight, and one of them may end before it") {
  sharing_fixture here;
  auto there = std::make_unique<transport::loop>(here.clock, transport::loop::drive::by_hand);
  onboarding::sessions beside{{.loop = *there,
                               .way = here.way,
                               .answers = here.answers,
                               .shared = here.shared,
                               .records = here.records,
                               .clock = here.clock,
                               .observer = here.seen,
                               .account = "sandbox",
                               .health = [] { return onboarding::upstream_view{}; }}};
  for (const bool ends : {false, true}) {
    CAPTURE(ends);
    here.answer_late();
    const std::string key = ends ? "two" : "one";
    auto& first = here.ask({.key = key});
    auto& second = here.askers.emplace_back(here);
    second.body = body_of();
    second.key = key;
    there->spawn(sharing_fixture::run(second, beside, 0, 15s, true));
    if (ends) there->abandon();
    here.say();
    for (int i = 0; i < 4; ++i) there->turn();
    CHECK((first.status() == 201 || first.status() == 200));
    CHECK(second.got.has_value() != ends);
    if (!ends) CHECK(second.out == first.out);
    here.advance(10min);
  }
  CHECK(here.server.requests.size() == 2);
}

}  // namespace
