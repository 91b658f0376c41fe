// The Lua scripts against a real server whose clock stands where a test puts it.
#include <doctest/doctest.h>

#include "server.hpp"
#include "store/pace.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;
using instants = std::vector<std::int64_t>;

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t s = 1'000'000;

// A server on which nothing is unknown any more: the rings are there, and the recovery cap is over.
struct settled {
  explicit settled(std::vector<by_hand::ring> of, slots_asked slots = {}) : rings{std::move(of)} {
    hand.reserve(rings, {}, slots);
    hand.redis.now += 100 * s;
    began = hand.at();
  }
  redis::reply reserve(const strings& ids, slots_asked slots = {}, const std::string& caller = "portal") {
    return hand.reserve(rings, ids, slots, caller);
  }
  instants granted(const strings& ids) { return since(hand.granted(reserve(ids))); }
  instants since(instants all) const {
    for (auto& one : all) one -= began;
    return all;
  }
  std::int64_t next(const redis::reply& of) const { return hand.next(of) - began; }
  void to(std::int64_t instant) const { hand.to(began + instant); }

  scripted_redis redis{};
  by_hand hand{redis};
  std::vector<by_hand::ring> rings;
  std::int64_t began = 0;
};

const by_hand::ring two_in_ten{.name = "t/sessions", .windows = "2/10000000/100000"};

TEST_CASE("a window admits its count, and then says when the next may go and what binds") {
  settled r{{two_in_ten}};
  CHECK(r.granted({"1", "2"}) == instants{0, 0});
  const auto refused = r.reserve({"3"});
  CHECK(refused[2].size() == 0);
  CHECK(r.next(refused) == 10'100 * ms);
  CHECK(refused[3][1].text() == "window");
  CHECK(refused[3][2].number() == 0);
  CHECK(refused[3][3].number() == 0);
}

TEST_CASE("a permit is reserved as far ahead as the reach, and no further") {
  settled r{{two_in_ten}};
  r.granted({"1", "2"});
  r.to(10 * s - 1);
  CHECK(r.granted({"3"}).empty());
  r.to(10 * s);
  CHECK(r.granted({"3", "4", "5"}) == instants{10'100 * ms, 10'100 * ms});
}

TEST_CASE("of several windows and rings the latest counts") {
  settled r{{{.name = "a", .windows = "5/1000000/0,6/60000000/0"}, {.name = "b", .windows = "4/10000000/0"}}};
  CHECK(r.granted({"1", "2", "3", "4", "5"}).size() == 4);
  CHECK(r.next(r.reserve({"5"})) == 10 * s);
  r.to(10 * s);
  CHECK(r.granted({"6", "7", "8"}) == instants{10 * s, 10 * s});
  const auto refused = r.reserve({"8"});
  CHECK(r.next(refused) == 60 * s);
  CHECK(refused[3][2].number() == 0);
  CHECK(refused[3][3].number() == 1);
}

TEST_CASE("of a batch each counts for the next") {
  settled r{{{.name = "a", .windows = "1/30000/0"}}};
  CHECK(r.granted({"1", "2", "3", "4", "5"}) == instants{0, 30 * ms, 60 * ms, 90 * ms});
}

TEST_CASE("a ring keeps what its windows can ask for, not more") {
  settled r{{{.name = "a", .windows = "3/1000000/0"}}};
  for (int i = 0; i < 20; ++i) {
    r.to(i * s);
    CHECK(r.granted({std::to_string(3 * i), std::to_string(3 * i + 1), std::to_string(3 * i + 2)}).size() == 3);
  }
  CHECK(r.hand.entries("a").size() == 3);
}

TEST_CASE("what is given back is as if it had never been reserved, once") {
  settled r{{two_in_ten}};
  r.granted({"1", "2"});
  const auto entry = r.hand.entry(r.began, "2");
  CHECK(r.hand.take_back({"t/sessions"}, {entry, ""})[2].number() == 1);
  CHECK(r.hand.take_back({"t/sessions"}, {entry, ""})[2].number() == 0);
  CHECK(r.granted({"3", "4"}) == instants{0});
}

TEST_CASE("what had no effect leaves the rings of creations, not those of requests") {
  settled r{{{.name = "a", .windows = "1/10000000/0"}, {.name = "b", .windows = "1/20000000/0"}}};
  r.granted({"1"});
  r.hand.take_back({"b"}, {r.hand.entry(r.began, "1"), ""});
  CHECK(r.next(r.reserve({"2"})) == 10 * s);
}

// Pauses as store::pace has them, step by step.
TEST_CASE("a pause and the pace after it are those of store::pace") {
  const time::instant zero{std::chrono::hours{1}};
  const auto us = [](std::int64_t n) { return std::chrono::microseconds{n}; };
  for (const std::int64_t per : {1 * s, 10 * s, 25 * s, 60 * s, 3600 * s}) {
    CAPTURE(per);
    settled r{{{.name = "a", .windows = "1/" + std::to_string(per) + "/50000", .paced = "sandbox"}}};
    store::pace pace{std::chrono::minutes{15}};
    std::int64_t last = 0;
    CHECK(r.granted({"0"}) == instants{0});
    const auto pause = [&](std::int64_t at, std::int64_t length) {
      r.to(at);
      r.hand.pause({"pause", "sandbox", std::to_string(length), std::to_string(900 * s)});
      pace.pause(zero + us(at + length), zero + us(at));
    };
    const auto same = [&](std::int64_t at) {
      r.to(at);
      const auto expected = std::max(pace.left(zero + us(last), us(per), us(50'000), zero + us(at)),
                                     std::max(pace.paused_until(), zero + us(at)));
      const auto refused = r.reserve({"x" + std::to_string(at)});
      const auto got = refused[2].size() == 0 ? r.next(refused) : r.since(r.hand.granted(refused))[0];
      CHECK(zero + us(got) == expected);
      if (refused[2].size() != 0) last = got;
    };
    pause(100 * ms, 10 * s);
    same(200 * ms);
    pause(5 * s, 3 * s);  // within the first, shorter
    same(6 * s);
    pause(11 * s, 20 * s);
    for (std::int64_t at = 12 * s; at < 300 * s; at += 7 * s) same(at);
    r.hand.pause({"pause", "sandbox", std::to_string(3600 * s), std::to_string(900 * s)});
    pace.pause(zero + us(293 * s + 3600 * s), zero + us(299 * s));
    same(299 * s);
    r.to(310 * s);
    r.hand.pause({"resume", "sandbox"});
    pace.resume(zero + us(310 * s));
    for (std::int64_t at = 311 * s; at < 500 * s; at += 11 * s) same(at);
    const auto hold = [&](std::int64_t at, std::int64_t length) {
      r.to(at);
      r.hand.pause({"hold", "sandbox", std::to_string(length), std::to_string(900 * s)});
      pace.hold(zero + us(at + length), zero + us(at));
    };
    hold(500 * s, 2 * s);
    for (std::int64_t at = 501 * s; at < 700 * s; at += 11 * s) same(at);
    hold(700 * s, 20 * s);
    same(705 * s);
    pause(706 * s, 5 * s);  // Podero's, within it
    for (std::int64_t at = 707 * s; at < 900 * s; at += 7 * s) same(at);
  }
}

TEST_CASE("a slot is taken with its permit, and free when its time is over") {
  const slots_asked slots{.total = 1, .time_to_live = 900 * s};
  settled r{{{.name = "a", .windows = "100/1000000/0"}}, slots};
  CHECK(r.reserve({"7"}, slots)[2].size() == 1);
  const auto refused = r.reserve({"8"}, slots);
  CHECK(r.next(refused) == 900 * s);
  CHECK(refused[3][1].text() == "slots");
  CHECK(refused[7][0][0].text() == "7");
  CHECK(refused[7][0][5][0].text() == "portal");
  r.to(900 * s - 1);
  CHECK(r.reserve({"9"}, slots)[2].size() == 0);
  r.to(900 * s);
  CHECK(r.reserve({"9"}, slots)[2].size() == 1);
}

TEST_CASE("a caller's own slots bind it alone") {
  const slots_asked slots{.total = 3, .time_to_live = 900 * s, .own_most = 1};
  settled r{{{.name = "a", .windows = "100/1000000/0"}}, slots};
  CHECK(r.reserve({"7"}, slots)[2].size() == 1);
  const auto refused = r.reserve({"8"}, slots);
  CHECK(refused[3][1].text() == "own_slots");
  CHECK(r.next(refused) == 900 * s);
  CHECK(r.reserve({"9"}, slots, "batch")[2].size() == 1);
}

TEST_CASE("a shared slot is free once every holder gave it back; whoever frees one frees it for all") {
  const slots_asked slots{.total = 2, .time_to_live = 900 * s};
  settled r{{{.name = "a", .windows = "100/1000000/0"}}, slots};
  r.reserve({"7", "8"}, slots);
  CHECK(r.hand.slot({"bind", "7", "s7"})[2].number() == 1);
  CHECK(r.hand.slot({"share", "s7", "batch"})[2].number() == 1);
  CHECK(r.hand.slot({"share", "s9", "batch"})[2].number() == 0);
  CHECK(r.hand.slot({"give_back", "s7", "portal"})[2].number() == 1);
  CHECK(r.hand.slot({"give_back", "s7", "portal"})[2].number() == 0);
  CHECK(r.reserve({"9"}, slots)[2].size() == 0);
  CHECK(r.hand.slot({"give_back", "s7", "batch"})[2].number() == 1);
  CHECK(r.reserve({"9"}, slots)[2].size() == 1);
  CHECK(r.hand.slot({"free", "8"})[2].number() == 1);
  CHECK(r.hand.slot({"bind", "9", "s9"})[2].number() == 1);
  CHECK(r.hand.slot({"free_session", "s9"})[2].number() == 1);
  CHECK(r.hand.slot({"free_session", ""})[2].number() == 0);
  CHECK(r.redis.ask({"HLEN", "gw:{demo}:slots"}).number() == 0);
}

TEST_CASE("a permit given back frees its slot") {
  const slots_asked slots{.total = 1, .time_to_live = 900 * s};
  settled r{{{.name = "a", .windows = "1/1000000/0"}}, slots};
  r.reserve({"7"}, slots);
  r.hand.take_back({"a"}, {r.hand.entry(r.began, "7"), "7"});
  CHECK(r.reserve({"8"}, slots)[2].size() == 1);
}

TEST_CASE("a mirror is told what it lacks: what was appended since, or all when something was taken out") {
  settled r{{{.name = "a", .windows = "5/10000000/0"}}};
  const auto first = r.reserve({"1", "2"});
  r.hand.epoch = first[1].text();
  auto& ring = r.rings[0];
  ring.generation = first[4][0][0].text();
  ring.appended = first[4][0][1].number().value_or(-1);
  CHECK(ring.appended == 2);
  r.hand.reserve({{.name = "a", .windows = "5/10000000/0"}}, {"3"});
  r.to(1 * s);
  const auto second = r.reserve({"4"});
  CHECK(second[4][0][2].number() == 0);
  CHECK(second[4][0][4].text() == std::to_string(r.hand.start + r.began));
  CHECK(second[4][0][1].number() == 4);
  r.hand.take_back({"a"}, {r.hand.entry(r.began, "2"), ""});
  CHECK(r.reserve({})[4][0][2].number() == 1);
}

TEST_CASE("a long history is told in parts, the oldest first") {
  settled r{{{.name = "a", .windows = "20000/86400000000/0"}}};
  strings upload{"0", r.rings[0].windows, "12000"};
  strings expected;
  for (int i = 0; i < 12'000; ++i) {
    upload.push_back(r.hand.entry(i * ms, std::to_string(1'000 + i)));
    expected.push_back(std::to_string(r.hand.start + i * ms));
  }
  r.hand.call(r.redis.scripts.upload, {"a"}, upload);
  strings told;
  auto& ring = r.rings[0];
  for (const auto& [which, appended] : std::vector<std::pair<int, int>>{{3, -7'000}, {2, -2'000}, {0, 1}}) {
    const auto news = r.reserve(which == 0 ? strings{"1"} : strings{});
    r.hand.epoch = news[1].text();
    CHECK(news[4][0][2].number() == which);
    CHECK(news[4][0][1].number() == appended);
    ring.generation = news[4][0][0].text();
    ring.appended = news[4][0][1].number().value_or(-1);
    std::string stamps{news[4][0][4].text()};
    for (std::size_t from = 0; from < stamps.size(); from += 17) told.push_back(stamps.substr(from, 16));
  }
  CHECK(told == expected);
}

TEST_CASE("as they are shipped the scripts read the server's own clock") {
  scripted_redis redis;
  const ledger_scripts shipped;
  const auto time = [&] {
    const auto read = redis.ask({"TIME"});
    return read[0].number().value_or(0) * s + read[1].number().value_or(0);
  };
  const auto before = time();
  const auto got = redis.run(shipped.reserve, {"m", "h", "r"},
                             {"e1", "run-1", "60000000", "100000", "-", "-", "sandbox", "", "0", "0", "-1", "0",
                              "1/1000000/50000", "", "-", "0", "7"});
  const auto after = time();
  REQUIRE_MESSAGE(got.has_value(), got.error().reason);
  const auto now = (*got)[0].number().value_or(0);
  CHECK(before <= now);
  CHECK(now <= after);
  CHECK((*got)[3][0].number() == now + 1'150 * ms);
}

}  // namespace
