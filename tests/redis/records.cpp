#include "records_world.hpp"

#include <thread>

namespace {

using namespace gateway;
using namespace gateway::store;
using namespace std::chrono_literals;
using outcome = claim::outcome;

// Redis' clock is a real one.
void let_pass(time::duration how_long) {
  std::this_thread::sleep_for(how_long);
}

struct two_replicas {
  explicit two_replicas(records_bounds bounds = {}) : wishes{.options = options_of(bounds)} {}

  support::redis_server server;
  replica::wishes wishes;
  replica here{server, wishes};
  replica there{server, {.options = wishes.options, .machine = {.clock_off_by = 1000h, .listens = true}}};
};

// Brings a key to a state, with the token by which it is held.
replica::came brought_to(replica& by, key_state state, const std::string& key) {
  const auto got = by.come(key);
  const auto mine = replica::held(got, key);
  if (state != key_state::claimed) REQUIRE(by.sending(mine) == said::yes);
  if (state == key_state::done) REQUIRE(by.finished(mine) == said::yes);
  if (state == key_state::unknown) REQUIRE(by.lost(mine) == said::yes);
  return got;
}

said tell(replica& by, key_event what, const hold& mine) {
  switch (what) {
    case key_event::send:
      return by.sending(mine);
    case key_event::take_back:
      return by.taken_back(mine);
    case key_event::finish:
      return by.finished(mine);
    case key_event::lose:
      return by.lost(mine);
    case key_event::release:
      return by.released(mine);
    default:
      return by.renewed(mine);
  }
}

// The state as it is kept.
key_state state_of(const support::redis_server& server, const std::string& pattern = "*key:*") {
  const auto name = server.ask({"KEYS", pattern});
  if (name.empty()) return key_state::none;
  return static_cast<key_state>(std::stoi(server.ask({"HGET", name.substr(0, name.find('\n')), "state"})));
}

TEST_CASE("every state and event end in Redis as the table has it") {
  two_replicas in;
  for (const auto from : {key_state::none, key_state::claimed, key_state::sent, key_state::done, key_state::unknown}) {
    for (const auto what : {key_event::send, key_event::take_back, key_event::finish, key_event::lose,
                            key_event::release, key_event::renew}) {
      CAPTURE(static_cast<int>(from));
      CAPTURE(static_cast<int>(what));
      in.server.ask({"FLUSHALL"});
      const auto mine = replica::held(brought_to(in.here, from == key_state::none ? key_state::claimed : from, "k"));
      if (from == key_state::none) in.server.ask({"FLUSHALL"});
      REQUIRE(state_of(in.server) == from);
      const auto expected = next(from, what);
      CHECK(tell(in.there, what, mine) == (expected.allowed ? said::yes : said::no));
      CHECK(state_of(in.server) == expected.to);
    }
    for (const auto what : {key_event::claim, key_event::overdue}) {
      if (from == key_state::none && what == key_event::overdue) continue;
      CAPTURE(static_cast<int>(from));
      CAPTURE(static_cast<int>(what));
      in.server.ask({"FLUSHALL"});
      if (from != key_state::none) brought_to(in.here, from, "k");
      const auto record = in.server.ask({"KEYS", "*key:*"});
      if (what == key_event::overdue) in.server.ask({"HSET", record, "lease", "1"});
      const auto expected = next(from, what);
      const auto got = in.there.come();
      CHECK((got.is == outcome::yours) == expected.allowed);
      CHECK(state_of(in.server) == expected.to);
    }
  }
}

TEST_CASE_FIXTURE(two_replicas, "what one replica creates the other answers, byte for byte") {
  const auto first = here.come();
  REQUIRE(first.is == outcome::yours);
  CHECK(there.come().is == outcome::busy);
  const auto mine = replica::held(first);
  CHECK(here.sending(mine) == said::yes);
  CHECK(there.come().is == outcome::busy);
  const std::string body{"{\"id\":\"s1\"}\0\n", 13};
  CHECK(here.finished(mine, body) == said::yes);
  const auto later = there.come();
  REQUIRE(later.is == outcome::done);
  CHECK(later.answer.status == 201);
  CHECK(later.answer.session == "s1");
  CHECK(later.answer.body == body);
}

TEST_CASE_FIXTURE(two_replicas, "a key belongs to its caller by name, and to its body") {
  auto other_way_round = wishes;
  other_way_round.options.callers = {"shop", "portal"};
  replica third{server, other_way_round};
  here.come();
  CHECK(there.come("k", {2}).is == outcome::other_body);
  CHECK(third.come("k", {1}, 1).is == outcome::busy);
  CHECK(third.come("k", {1}, 0).is == outcome::yours);
  CHECK(there.come("other").is == outcome::yours);
}

TEST_CASE_FIXTURE(two_replicas, "a replica that dies at any step leads to no second creation of what was sent") {
  // Claimed: nothing was sent, somebody else may go on.
  here.come("claimed", {1}, 0, 20ms);
  CHECK(there.come("claimed").is == outcome::busy);
  // Sent: it may have been created, and nobody knows.
  const auto sent = here.come("sent");
  REQUIRE(here.sending(replica::held(sent, "sent"), 20ms) == said::yes);
  // Taken back, after an answer that says that nothing was done.
  const auto back = here.come("back");
  REQUIRE(here.sending(replica::held(back, "back"), 20ms) == said::yes);
  REQUIRE(here.taken_back(replica::held(back, "back")) == said::yes);
  // Done.
  const auto done = here.come("done");
  REQUIRE(here.sending(replica::held(done, "done"), 20ms) == said::yes);
  REQUIRE(here.finished(replica::held(done, "done")) == said::yes);
  // Released.
  const auto free = here.come("free");
  REQUIRE(here.sending(replica::held(free, "free"), 20ms) == said::yes);
  REQUIRE(here.released(replica::held(free, "free")) == said::yes);
  let_pass(30ms);
  CHECK(there.come("claimed").is == outcome::yours);
  CHECK(there.come("sent").is == outcome::unknown);
  CHECK(there.come("sent").is == outcome::unknown);
  CHECK(there.come("back").is == outcome::yours);
  CHECK(there.come("done").is == outcome::done);
  CHECK(there.come("free").is == outcome::yours);
}

TEST_CASE_FIXTURE(two_replicas, "a claim that nobody followed up binds nobody to its body, but what was sent does") {
  here.come("k", {1}, 0, 20ms);
  let_pass(30ms);
  const auto other = there.come("k", {2});
  REQUIRE(other.is == outcome::yours);
  CHECK(here.come("k", {1}).is == outcome::other_body);
  REQUIRE(there.sending(replica::held(other), 20ms) == said::yes);
  let_pass(30ms);
  CHECK(here.come("k", {1}).is == outcome::other_body);
  CHECK(here.come("k", {2}).is == outcome::unknown);
}

TEST_CASE("an answer is kept for the retention from its own claim, not from one that came to nothing") {
  two_replicas in{{.retention = 1h}};
  in.here.come("k", {1}, 0, 1ms);
  const auto record = in.server.ask({"KEYS", "*key:*"});
  in.server.ask({"PEXPIRE", record, "60000"});
  let_pass(5ms);
  REQUIRE(in.there.come().is == outcome::yours);
  CHECK(std::stol(in.server.ask({"PTTL", record})) > 3'500'000);
}

TEST_CASE_FIXTURE(two_replicas, "whoever lost its lease changes nothing any more") {
  const auto first = here.come("k", {1}, 0, 20ms);
  let_pass(30ms);
  const auto second = there.come();
  REQUIRE(second.is == outcome::yours);
  CHECK(second.token > first.token);
  for (const auto what : {key_event::send, key_event::take_back, key_event::finish, key_event::lose, key_event::release,
                          key_event::renew})
    CHECK(tell(here, what, replica::held(first)) == said::no);
  CHECK(there.sending(replica::held(second)) == said::yes);
}

TEST_CASE_FIXTURE(two_replicas,
                  "a lease that is renewed lasts; its holder may finish even when others saw it as lost") {
  const auto first = here.come("k", {1}, 0, 100ms);
  CHECK(here.renewed(replica::held(first), 30s) == said::yes);
  let_pass(110ms);
  CHECK(there.come().is == outcome::busy);
  REQUIRE(here.sending(replica::held(first), 20ms) == said::yes);
  let_pass(30ms);
  CHECK(there.come().is == outcome::unknown);
  CHECK(here.finished(replica::held(first)) == said::yes);
  CHECK(there.come().is == outcome::done);
}

TEST_CASE_FIXTURE(two_replicas, "what comes too late changes nothing, and what comes twice is as if it came once") {
  const auto got = here.come();
  auto mine = replica::held(got);
  REQUIRE(here.sending(mine) == said::yes);
  // The taking back is still on its way on a connection of before when the next sending is recorded.
  auto late = mine;
  late.by = std::make_shared<asking>();
  late.by->next_step();
  mine.by->next_step();
  REQUIRE(here.sending(mine) == said::yes);
  CHECK(there.taken_back(late) == said::no);
  CHECK(state_of(server) == key_state::sent);
  // Its answer was lost, so it is said again.
  REQUIRE(here.finished(mine) == said::yes);
  auto again = mine;
  again.by = std::make_shared<asking>();
  for (int i = 0; i < 3; ++i) again.by->next_step();
  CHECK(there.finished(again, "another") == said::yes);
  again.by = std::make_shared<asking>();
  for (int i = 0; i < 3; ++i) again.by->next_step();
  CHECK(there.lost(again) == said::no);
  CHECK(there.come().answer.body == "{}");
}

TEST_CASE("full means no new keys until the oldest expires, and never that one is forgotten") {
  two_replicas in{{.keys = 2, .retention = 400ms}};
  const auto first = in.here.come("a");
  REQUIRE(in.here.finished(replica::held(first, "a")) == said::yes);
  let_pass(50ms);
  in.there.come("b");
  const auto third = in.here.come("c");
  CHECK(third.is == outcome::full);
  CHECK(third.room_at > in.here.clock.now());
  CHECK(third.room_at <= in.here.clock.now() + 350ms);
  CHECK(in.there.come("a").is == outcome::done);
  // What is released makes room at once.
  CHECK(in.there.released(replica::held(first, "b")) == said::no);
  let_pass(400ms);
  CHECK(in.here.come("c").is == outcome::yours);
  CHECK(in.here.come("a").is == outcome::yours);
  CHECK(in.server.ask({"ZCARD", in.server.ask({"KEYS", "*}:keys"})}) == "2");
}

TEST_CASE("what is released makes room, and nothing outlives the retention") {
  two_replicas in{{.keys = 1, .retention = 1h}};
  const auto first = in.here.come("a");
  CHECK(in.there.come("b").is == outcome::full);
  REQUIRE(in.here.released(replica::held(first, "a")) == said::yes);
  const auto second = in.there.come("b");
  REQUIRE(second.is == outcome::yours);
  REQUIRE(in.there.sending(replica::held(second, "b")) == said::yes);
  REQUIRE(in.there.finished(replica::held(second, "b")) == said::yes);
  const auto left = std::stol(in.server.ask({"PTTL", in.server.ask({"KEYS", "*key:*"})}));
  CHECK(left > 3'500'000);
  CHECK(left <= 3'600'000);
  for (const auto* other : {"*}:keys", "*}:fence"}) {
    const auto its = std::stol(in.server.ask({"PTTL", in.server.ask({"KEYS", other})}));
    CHECK(its >= left);
    CHECK(its <= left + 61'000);
  }
}

TEST_CASE_FIXTURE(two_replicas, "with another secret nothing is seen and nothing is overwritten") {
  const auto first = here.come();
  REQUIRE(here.finished(replica::held(first)) == said::yes);
  replica rotated{server, {.secret = "example-rotated-not-real", .options = wishes.options}};
  CHECK(rotated.come("k", {2}).is == outcome::yours);
  CHECK(there.come().is == outcome::done);
  CHECK(rotated.observer.unreadables == 0);
}

TEST_CASE_FIXTURE(two_replicas, "an answer that somebody changed or moved counts as unknown, and is reported") {
  const auto first = here.come("a");
  REQUIRE(here.finished(replica::held(first, "a")) == said::yes);
  const auto record = server.ask({"KEYS", "*key:*"});
  const auto second = here.come("b", {1});
  REQUIRE(here.finished(replica::held(second, "b")) == said::yes);
  server.ask({"EVAL",
              "local all=redis.call('KEYS','*key:*') local a=redis.call('HGET',all[1],'answer') "
              "redis.call('HSET',all[1],'answer',redis.call('HGET',all[2],'answer')) "
              "redis.call('HSET',all[2],'answer',a)",
              "0"});
  CHECK(there.come("a").is == outcome::unknown);
  server.ask({"HSET", record, "answer", "xyz"});
  CHECK(there.come("a").is == outcome::unknown);
  CHECK(there.observer.unreadables == 2);
}

TEST_CASE_FIXTURE(two_replicas, "neither keys nor bodies nor callers nor sessions can be read in Redis") {
  const auto first = here.come("order-4711");
  REQUIRE(here.sending(replica::held(first, "order-4711")) == said::yes);
  REQUIRE(here.finished(replica::held(first, "order-4711"), R"({"user_id":"somebody"})") == said::yes);
  here.done(here.records.keep_live({.caller = 0, .of = {9}}, {.session = "session-1", .upstream_body = "somebody"},
                                   here.clock.now() + 1min, {}));
  const auto all = all_of(server);
  CHECK(all.size() > 500);
  for (const auto* text : {"order-4711", "somebody", "user_id", "session-1", "portal", "example-secret"})
    CHECK_FALSE(all.contains(text));
}

TEST_CASE_FIXTURE(two_replicas, "a live session is found by the other replica until its time, or until it is ended") {
  const live_name name{.caller = 0, .of = {9}};
  const live_session made{
      .session = "s1", .upstream_body = "{}", .expires_at = std::chrono::sys_seconds{1'724'533'200s}};
  const auto look = [&](replica& by, live_name what) { return by.result(by.records.live(what, {})); };
  here.done(here.records.keep_live(name, made, here.now() + 100ms, {}));
  const auto found = look(there, name);
  REQUIRE(found.has_value());
  CHECK(found->session == "s1");
  CHECK(found->upstream_body == "{}");
  CHECK(found->expires_at == made.expires_at);
  CHECK_FALSE(look(there, {.caller = 1, .of = {9}}).has_value());
  CHECK_FALSE(look(there, {.caller = {}, .of = {9}}).has_value());
  let_pass(110ms);
  CHECK_FALSE(look(there, name).has_value());
  here.done(here.records.keep_live(name, made, here.clock.now() + 1min, {}));
  here.done(here.records.keep_live(name, {.session = "s2"}, here.clock.now() + 1min, {}));
  there.done(there.records.end_live("s1"));
  CHECK(look(here, name)->session == "s2");
  there.done(there.records.end_live("s2"));
  CHECK_FALSE(look(here, name).has_value());
  CHECK(here.observer.unreadables + there.observer.unreadables == 0);
}

TEST_CASE_FIXTURE(two_replicas, "who waits for a key hears at once that another replica is done with it") {
  const auto first = here.come();
  const auto began = std::chrono::steady_clock::now();
  bool heard = false;
  there.loop.spawn([](replica& by, bool& into) -> transport::task<> {
    auto waiting = by.records.changed(by.loop, {0, "k"}, by.clock.now() + 1h);
    co_await std::move(waiting);
    into = true;
  }(there, heard));
  REQUIRE(here.finished(replica::held(first)) == said::yes);
  REQUIRE(there.until([&] { return heard; }));
  CHECK(std::chrono::steady_clock::now() - began < 10s);
  CHECK(there.come().is == outcome::done);
}

TEST_CASE_FIXTURE(two_replicas, "where the server lets nobody publish, what came of a key is said once all the same") {
  server.ask({"ACL", "SETUSER", "default", "resetchannels"});
  REQUIRE(there.until([&] { return there.client.connected(); }));
  const auto mine = replica::held(here.come());
  REQUIRE(here.sending(mine) == said::yes);
  const auto before = here.watcher.commands;
  CHECK(here.finished(mine) == said::yes);
  CHECK(here.watcher.commands == before + 1);
  CHECK(there.come().is == outcome::done);
}

TEST_CASE_FIXTURE(two_replicas, "with Redis gone a claim is away in time, and requests have one patience in all") {
  wishes.options.timeout = 60ms;
  replica hasty{server, wishes};
  const auto got = hasty.come();
  server.pause();
  auto mine = replica::held(got);
  const auto began = std::chrono::steady_clock::now();
  CHECK(hasty.sending(mine) == said::away);
  CHECK(mine.by->spent() >= 60ms);
  const auto once = std::chrono::steady_clock::now() - began;
  CHECK(once < 5s);
  // Nothing is left of it: what follows does not wait again.
  for (int i = 0; i < 3; ++i) CHECK(hasty.sending(mine) == said::away);
  CHECK_FALSE(hasty.result(hasty.records.live({.caller = 0, .of = {9}}, mine.by)).has_value());
  CHECK(hasty.result(hasty.records.claim_key({0, "other"}, {1}, hasty.clock.now() + 1s, mine.by)).is == outcome::away);
  server.resume();
}

TEST_CASE_FIXTURE(two_replicas, "a sending of which nothing was heard is released in the background") {
  wishes.options.timeout = 50ms;
  replica hasty{server, wishes};
  const auto got = hasty.come();
  const auto mine = replica::held(got);
  server.pause();
  REQUIRE(hasty.sending(mine) == said::away);
  CHECK(hasty.released(mine) == said::away);
  CHECK(hasty.records.repeating() == 1);
  server.resume();
  REQUIRE(hasty.until([&] { return hasty.records.repeating() == 0; }));
  CHECK(there.come().is == outcome::yours);
  CHECK(hasty.observer.given_up.empty());
}

TEST_CASE_FIXTURE(two_replicas, "an answer that could not be recorded is recorded when Redis is back") {
  wishes.options.timeout = 50ms;
  replica hasty{server, wishes};
  const auto got = hasty.come();
  const auto mine = replica::held(got);
  REQUIRE(hasty.sending(mine) == said::yes);
  server.pause();
  CHECK(hasty.finished(mine, "late") == said::away);
  server.resume();
  REQUIRE(hasty.until([&] { return hasty.records.repeating() == 0; }));
  const auto later = there.come();
  REQUIRE(later.is == outcome::done);
  CHECK(later.answer.body == "late");
}

TEST_CASE_FIXTURE(two_replicas, "it is not tried for ever: the lease's end says what is not known") {
  wishes.options.timeout = 20ms;
  wishes.options.repeat_for = 250ms;
  replica hasty{server, wishes};
  const auto got = hasty.come();
  server.kill();
  CHECK(hasty.finished(replica::held(got)) == said::away);
  REQUIRE(hasty.until([&] { return hasty.records.repeating() == 0; }));
  CHECK(hasty.observer.given_up == std::vector{key_event::finish});
  CHECK(hasty.come("other").is == outcome::away);
}

TEST_CASE_FIXTURE(two_replicas, "where Redis has lost everything no token of before is good again") {
  const auto first = here.come();
  server.ask({"FLUSHALL"});
  const auto second = there.come();
  REQUIRE(second.is == outcome::yours);
  CHECK(second.token != first.token);
  CHECK(here.sending(replica::held(first)) == said::no);
  CHECK(here.finished(replica::held(first), "first") == said::no);
  CHECK(there.sending(replica::held(second)) == said::yes);
  CHECK(here.lost(replica::held(first)) == said::no);
  CHECK(there.finished(replica::held(second), "second") == said::yes);
  CHECK(here.come().answer.body == "second");
}

TEST_CASE("where Redis has lost everything whoever sent writes anew what came of it") {
  two_replicas in{{.retention = 1h}};
  auto& [server, wishes, here, there] = in;
  for (const auto what : {key_event::finish, key_event::lose}) {
    CAPTURE(static_cast<int>(what));
    const auto first = here.come();
    const auto mine = replica::held(first);
    REQUIRE(here.sending(mine) == said::yes);
    server.ask({"FLUSHALL"});
    REQUIRE(tell(here, what, mine) == said::yes);
    const auto later = there.come();
    CHECK(later.is == (what == key_event::finish ? outcome::done : outcome::unknown));
    CHECK(later.answer.body == (what == key_event::finish ? "{}" : ""));
    CHECK(there.come("k", {2}).is == outcome::other_body);
    CHECK(std::stol(server.ask({"PTTL", server.ask({"KEYS", "*key:*"})})) > 3'500'000);
    CHECK(server.ask({"ZCARD", server.ask({"KEYS", "*}:keys"})}) == "1");
    CHECK(std::stol(server.ask({"PTTL", server.ask({"KEYS", "*}:keys"})})) > 3'600'000);
    // What is not lost yet is still fenced.
    CHECK(here.sending(mine) == said::no);
    server.ask({"FLUSHALL"});
  }
}

}  // namespace
