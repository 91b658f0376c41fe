#include "store/memory_records.hpp"

#include <doctest/doctest.h>

#include <array>

#include "foundation/transport/loop.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;
using namespace std::chrono_literals;

constexpr std::array all_states{key_state::none, key_state::claimed, key_state::sent, key_state::done,
                                key_state::unknown};

TEST_CASE("what becomes of a key: the whole table") {
  using s = key_state;
  struct row {
    key_event what;
    std::array<key_step, 5> from;  // none, claimed, sent, done, unknown
  };
  constexpr row table[] = {
      {key_event::claim,
       {{{s::claimed, true}, {s::claimed, false}, {s::sent, false}, {s::done, false}, {s::unknown, false}}}},
      {key_event::overdue,
       {{{s::claimed, true}, {s::claimed, true}, {s::unknown, false}, {s::done, false}, {s::unknown, false}}}},
      {key_event::send, {{{s::none, false}, {s::sent, true}, {s::sent, true}, {s::done, false}, {s::unknown, false}}}},
      {key_event::take_back,
       {{{s::none, false}, {s::claimed, false}, {s::claimed, true}, {s::done, false}, {s::unknown, false}}}},
      {key_event::finish, {{{s::done, true}, {s::done, true}, {s::done, true}, {s::done, false}, {s::done, true}}}},
      {key_event::lose,
       {{{s::unknown, true}, {s::claimed, false}, {s::unknown, true}, {s::done, false}, {s::unknown, false}}}},
      {key_event::release,
       {{{s::none, false}, {s::none, true}, {s::none, true}, {s::done, false}, {s::unknown, false}}}},
      {key_event::renew,
       {{{s::none, false}, {s::claimed, true}, {s::sent, false}, {s::done, false}, {s::unknown, false}}}},
  };
  for (const auto& one : table) {
    for (std::size_t i = 0; i < all_states.size(); ++i) {
      CAPTURE(static_cast<int>(one.what));
      CAPTURE(i);
      const auto got = next(all_states[i], one.what);
      CHECK(got.to == one.from[i].to);
      CHECK(got.allowed == one.from[i].allowed);
    }
  }
}

TEST_CASE("no event leads from sent, done or unknown to a second creation, but that it had no effect") {
  for (const auto from : {key_state::sent, key_state::done, key_state::unknown}) {
    for (const auto what : {key_event::claim, key_event::overdue, key_event::send, key_event::finish, key_event::lose,
                            key_event::renew}) {
      const auto step = next(from, what);
      CHECK(step.to != key_state::none);
      CHECK(step.to != key_state::claimed);
    }
  }
}

// In memory nothing waits: a task is done once it is begun.
template <typename T>
T now(transport::task<T> work) {
  std::optional<T> got;
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  loop.spawn([](transport::task<T> inner, std::optional<T>& into) -> transport::task<> {
    into.emplace(co_await std::move(inner));
  }(std::move(work), got));
  return std::move(got.value());
}
void now(transport::task<> work) {
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  loop.spawn(std::move(work));
  REQUIRE(loop.spawned() == 0);
}

struct kept {
  explicit kept(records_bounds bounds = {}) : records{clock, bounds} {}

  claim come(std::string key = "k", digest of = {1}, std::size_t caller = 0) {
    return now(records.claim_key({caller, std::move(key)}, of, clock.now() + 30s, {}));
  }
  bool sending(std::uint64_t token, std::string key = "k") {
    return now(records.sending(held(token, std::move(key)), clock.now() + 60s)) == said::yes;
  }
  bool finish(std::uint64_t token, std::string body = "{}", std::string key = "k") {
    return now(records.finished(held(token, std::move(key)), {201, "s1", std::move(body)})) == said::yes;
  }
  static hold held(std::uint64_t token, std::string key = "k") { return {.name = {0, std::move(key)}, .token = token}; }

  time::manual_clock clock;
  memory_records records;
};

TEST_CASE_FIXTURE(kept, "the first gets the key, the others see it busy, and then its answer") {
  const auto first = come();
  REQUIRE(first.is == claim::outcome::yours);
  CHECK(come().is == claim::outcome::busy);
  CHECK(sending(first.token));
  CHECK(come().is == claim::outcome::busy);
  CHECK(finish(first.token, R"({"id":"s1"})"));
  const auto later = come();
  CHECK(later.is == claim::outcome::done);
  CHECK(later.answer.status == 201);
  CHECK(later.answer.session == "s1");
  CHECK(later.answer.body == R"({"id":"s1"})");
}

TEST_CASE_FIXTURE(
    kept, "what is known without asking is the answer of a key that is done, for that caller and body, for a day") {
  const auto known = [&](digest of = {1}, std::size_t caller = 0) { return records.kept_here({caller, "k"}, of); };
  CHECK_FALSE(known());
  const auto first = come();
  CHECK_FALSE(known());
  REQUIRE(sending(first.token));
  CHECK_FALSE(known());
  REQUIRE(finish(first.token, R"({"id":"s1"})"));
  const auto answer = known();
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->session == "s1");
  CHECK(answer->body == R"({"id":"s1"})");
  CHECK_FALSE(known({2}));
  CHECK_FALSE(known({1}, 1));
  clock.advance(24h);
  CHECK_FALSE(known());
}

TEST_CASE_FIXTURE(kept, "a key belongs to its caller and to its body") {
  come();
  CHECK(come("k", {2}).is == claim::outcome::other_body);
  CHECK(come("k", {2}, 1).is == claim::outcome::yours);
  CHECK(come("other", {2}).is == claim::outcome::yours);
}

TEST_CASE_FIXTURE(kept, "whoever loses its lease before sending changes nothing any more") {
  const auto first = come();
  clock.advance(30s);
  const auto second = come();
  REQUIRE(second.is == claim::outcome::yours);
  CHECK(second.token != first.token);
  CHECK_FALSE(sending(first.token));
  CHECK_FALSE(finish(first.token));
  CHECK(sending(second.token));
}

TEST_CASE_FIXTURE(kept,
                  "a lease that ends after sending leaves the outcome unknown, until its holder says it after all") {
  const auto first = come();
  REQUIRE(sending(first.token));
  clock.advance(60s);
  CHECK(come().is == claim::outcome::unknown);
  CHECK(come().is == claim::outcome::unknown);
  CHECK(finish(first.token));
  CHECK(come().is == claim::outcome::done);
}

TEST_CASE_FIXTURE(kept, "a claim that nobody followed up binds nobody to its body, but what was sent does") {
  come();
  clock.advance(30s);
  const auto other = come("k", {2});
  REQUIRE(other.is == claim::outcome::yours);
  CHECK(come("k", {1}).is == claim::outcome::other_body);
  REQUIRE(sending(other.token));
  clock.advance(60s);
  CHECK(come("k", {1}).is == claim::outcome::other_body);
  CHECK(come("k", {2}).is == claim::outcome::unknown);
}

TEST_CASE_FIXTURE(kept, "an answer is kept for a day from its own claim, not from one that came to nothing") {
  come();
  clock.advance(23h);
  const auto second = come();
  REQUIRE(second.is == claim::outcome::yours);
  REQUIRE(sending(second.token));
  REQUIRE(finish(second.token));
  clock.advance(23h);
  CHECK(come().is == claim::outcome::done);
  clock.advance(1h);
  CHECK(come().is == claim::outcome::yours);
}

TEST_CASE_FIXTURE(kept, "who waits for its turn keeps its key by renewing it, and what is sent is not renewed") {
  const auto first = come();
  clock.advance(20s);
  CHECK(now(records.renewed(held(first.token), clock.now() + 30s)) == said::yes);
  clock.advance(20s);
  CHECK(come().is == claim::outcome::busy);
  REQUIRE(sending(first.token));
  CHECK(now(records.renewed(held(first.token), clock.now() + 1s)) == said::no);
  clock.advance(2s);
  CHECK(come().is == claim::outcome::busy);
}

TEST_CASE_FIXTURE(kept, "what had no effect is not kept") {
  const auto first = come();
  REQUIRE(sending(first.token));
  CHECK(now(records.released(held(first.token))) == said::yes);
  CHECK(records.keys() == 0);
  CHECK(come("k", {2}).is == claim::outcome::yours);
}

TEST_CASE_FIXTURE(kept, "an answer is kept for a day") {
  const auto first = come();
  REQUIRE(sending(first.token));
  REQUIRE(finish(first.token));
  clock.advance(23h + 59min);
  CHECK(come().is == claim::outcome::done);
  clock.advance(1min);
  CHECK(come("k", {2}).is == claim::outcome::yours);
}

TEST_CASE("full means no new keys, never that an old one is forgotten") {
  kept small{{.keys = 2}};
  const auto first = small.come("a");
  REQUIRE(small.sending(first.token, "a"));
  REQUIRE(small.finish(first.token, "{}", "a"));
  small.clock.advance(1h);
  small.come("b");
  const auto third = small.come("c");
  CHECK(third.is == claim::outcome::full);
  CHECK(third.room_at == small.clock.now() + 23h);
  CHECK(small.come("a").is == claim::outcome::done);
  small.clock.advance(23h);
  CHECK(small.come("c").is == claim::outcome::yours);
}

TEST_CASE("bytes are bounded as well as keys") {
  kept small{{.bytes = 20'000}};
  int taken = 0;
  while (small.come("key-" + std::to_string(taken)).is == claim::outcome::yours) ++taken;
  CHECK((taken >= 2 && taken <= 4));
}

TEST_CASE_FIXTURE(kept, "a live session is found until its time, or until it is ended") {
  const live_name name{.caller = 0, .of = {1}};
  now(records.keep_live(name, {.session = "s1", .upstream_body = "{}"}, clock.now() + 10min, {}));
  clock.advance(10min - 1s);
  const auto found = now(records.live(name, {}));
  REQUIRE(found.has_value());
  CHECK(found->session == "s1");
  clock.advance(1s);
  CHECK_FALSE(now(records.live(name, {})).has_value());
  now(records.keep_live(name, {.session = "s2"}, clock.now() + 10min, {}));
  now(records.end_live("s2"));
  CHECK_FALSE(now(records.live(name, {})).has_value());
}

}  // namespace
