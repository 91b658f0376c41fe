// Whole creations of two replicas that have nothing in common but Redis.
#include "records_world.hpp"
#include "support/literal_names.hpp"
#include "unit/dispatch/sharing_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;
using dispatch::sharing_fixture;
using errors::effect;
using errors::problem;
using namespace std::chrono_literals;

struct creating : sharing_fixture {
  explicit creating(const support::redis_server& redis, onboarding::reuse_rules reuse = {})
      : sharing_fixture{{.reuse = reuse}},
        client{{.network = {.loop = loop, .connector = sockets, .resolve = gateway::support::literal_names()},
                .place = {.unix_path = redis.unix_path()},
                .identity = {},
                .options = redis::world::usual(),
                .uniform = [] { return 0.5; },
                .observer = watcher}},
        remembered{{.loop = loop,
                    .client = client,
                    .hints = told,
                    .randomness = randomness,
                    .observer = observer,
                    .seals = std::make_shared<const sealing>(secrets::secret{"example-secret-not-real"},
                                                             redis_records::purpose),
                    .options = options_of()}} {
    records.keep_in(remembered);
    client.start();
    REQUIRE(turn_until([&] { return client.connected(); }));
  }

  // Goes no further than to the first wait.
  asker& begin(std::string key) {
    auto& a = askers.emplace_back(*this);
    a.body = dispatch::body_of();
    a.key = std::move(key);
    loop.spawn(run(a, subject, 0, 15s, true));
    return a;
  }
  // Its clock stands still, Redis' does not.
  void turn_once() {
    loop.turn();
    ::poll(nullptr, 0, 1);
  }
  bool turn_until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + support::patience;
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > end) return false;
      turn_once();
    }
    return true;
  }
  void finish(const asker& a) {
    REQUIRE(turn_until([&] {
      if (!a.got) clock.advance(50ms);
      return a.got.has_value();
    }));
  }

  transport::socket_connector sockets{loop};
  redis::listening watcher;
  random::system_source randomness;
  counting_observer observer;
  hints told{loop};
  redis::client client;
  redis_records remembered;
};

// In all: with its key, with the session to reuse, and after it was made.
TEST_CASE("wherever the store falls silent, no creation waits for it longer than it may in all") {
  support::redis_server redis;
  int away = 0;
  int created = 0;
  for (int step = 0; step < 24; ++step) {
    for (const bool keyed : {true, false}) {
      CAPTURE(step);
      CAPTURE(keyed);
      creating here{redis, {.lifetime = 10min}};
      auto& one = here.begin(keyed ? "k" + std::to_string(step) : "");
      for (int i = 0; i < step; ++i) here.turn_once();
      redis.pause();
      const auto began = here.clock.now();
      while (!one.got && here.clock.now() < began + 1min) {
        here.clock.advance(10ms);
        here.turn_once();
      }
      redis.resume();
      REQUIRE(one.got.has_value());
      REQUIRE(here.seen.waits.size() == 1);
      CHECK(here.seen.waits.front() <= options_of().timeout + 10ms);
      CHECK(here.clock.now() - began <= options_of().timeout + 20ms);
      *one.got ? ++created : ++away;
      REQUIRE(here.turn_until([&] {
        if (here.remembered.repeating() != 0) here.clock.advance(10ms);
        return here.remembered.repeating() == 0;
      }));
      redis.ask({"FLUSHALL"});
    }
  }
  MESSAGE("created " << created << ", refused " << away);
  CHECK(away > 0);
  CHECK(created > 0);
}

TEST_CASE("keys that share one session are told together, and all of them") {
  const support::redis_server redis;
  creating here{redis, {.lifetime = 10min}};
  std::vector<sharing_fixture::asker*> all;
  here.answer_late();
  for (int i = 0; i < 100; ++i) all.push_back(&here.begin("k" + std::to_string(i)));
  REQUIRE(here.turn_until([&] { return here.server.requests.size() == 1; }));
  here.say();
  for (auto* one : all) here.finish(*one);
  for (auto* one : all) {
    CHECK((*one->got).has_value());
    CHECK(one->id() == all.front()->id());
  }
  CHECK(here.server.requests.size() == 1);
  const auto claims = redis.ask({"EVAL", "return #redis.call('KEYS','*key:*')", "0"});
  CHECK(claims == "100");
}

TEST_CASE("two replicas that get the same key at once create once, and both answer the same") {
  const support::redis_server redis;
  creating here{redis};
  creating there{redis};
  here.answer_late();
  there.answer_late();
  auto& first = here.ask({.key = "k"});
  auto& second = there.ask({.key = "k"});
  REQUIRE(here.turn_until([&] {
    there.turn_once();
    return here.server.requests.size() + there.server.requests.size() == 1;
  }));
  const bool here_it_is = here.server.requests.size() == 1;
  auto& at_it = here_it_is ? here : there;
  auto& waiting = here_it_is ? there : here;
  at_it.say();
  at_it.finish(here_it_is ? first : second);
  waiting.finish(here_it_is ? second : first);
  CHECK(first.status() == 201);
  CHECK(second.status() == 201);
  CHECK(first.out == second.out);
  CHECK(here.server.requests.size() + there.server.requests.size() == 1);
}

TEST_CASE(
    "a replica that stands still at any step, and comes back when another one has taken over, creates nothing twice") {
  int unknown = 0;
  int taken_over = 0;
  int replayed = 0;
  const support::redis_server redis;
  for (int step = 0; step < 40; ++step) {
    CAPTURE(step);
    creating here{redis};
    creating there{redis};
    const auto key = "k" + std::to_string(step);
    const bool answered_late = step % 2 == 0;
    if (answered_late) here.answer_late();
    auto& first = here.begin(key);
    for (int i = 0; i < step / 2; ++i) here.turn_once();
    // Nobody hears of it for longer than any lease.
    redis.ask({"EVAL", "for _,k in ipairs(redis.call('KEYS','*key:*')) do redis.call('HSET',k,'lease','1') end", "0"});
    const auto sent_before = here.server.requests.size();
    auto& second = there.ask({.key = key});
    there.finish(second);
    if (!*second.got) {
      CHECK(second.failure().effect == effect::unknown);
      CHECK(there.server.requests.empty());
      ++unknown;
    } else if ((*second.got)->replayed) {
      CHECK(there.server.requests.empty());
      ++replayed;
    } else {
      CHECK(sent_before == 0);
      ++taken_over;
    }
    REQUIRE(here.turn_until([&] { return first.got || (answered_late && !here.server.requests.empty()); }));
    if (answered_late) here.say();
    here.finish(first);
    CHECK(here.server.requests.size() + there.server.requests.size() <= 1);
    if (*first.got && *second.got) CHECK(first.out == second.out);
    REQUIRE(here.turn_until([&] { return here.remembered.repeating() == 0; }));
    // Whoever was first after all: its answer is the key's from now on.
    auto& third = there.ask({.key = key});
    there.finish(third);
    CHECK(third.status() == 201);
    CHECK(third.out == (*first.got ? first.out : second.out));
    CHECK(here.server.requests.size() + there.server.requests.size() == 1);
  }
  MESSAGE("taken over " << taken_over << ", unknown " << unknown << ", replayed " << replayed);
  CHECK(taken_over > 0);
  CHECK(unknown > 0);
  CHECK(replayed > 0);
}

TEST_CASE("with Redis gone a key is refused and nothing is sent, and without a key all is as ever") {
  support::redis_server redis;
  creating here{redis};
  redis.kill();
  REQUIRE(here.turn_until([&] { return !here.client.connected(); }));
  auto& refused = here.ask({.key = "k"});
  CHECK(refused.failure().id == problem::store_unavailable);
  CHECK(refused.failure().effect == effect::none);
  CHECK(here.server.requests.empty());
  CHECK(here.ask({}).status() == 201);
}

}  // namespace
