// Versions of windows, and what becomes of the books when Redis loses them.
#include <doctest/doctest.h>

#include "server.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;
using instants = std::vector<std::int64_t>;

constexpr std::int64_t s = 1'000'000;

std::vector<by_hand::ring> ring_of(const std::string& windows) {
  return {{.name = "a", .windows = windows}};
}

TEST_CASE("a ring without a history counts as full for its window, or for the recovery cap") {
  for (const auto& [windows, full] :
       std::vector<std::pair<std::string, std::int64_t>>{{"3/1000000/51000", 1 * s + 51'000},
                                                         {"3/60000000/160000", 60 * s + 160'000},
                                                         // What a day may be slewed is no part of the cap.
                                                         {"200/86400000000/86500000", 60 * s + 160'000}}) {
    CAPTURE(windows);
    scripted_redis redis;
    by_hand hand{redis};
    const auto refused = hand.reserve(ring_of(windows), {"1"});
    CHECK(hand.next(refused) == full + hand.reach);
    CHECK(refused[1].text() == "epoch-1");
    hand.to(full - 1);
    CHECK(hand.granted(hand.reserve(ring_of(windows), {"1"})).empty());
    hand.to(full);
    CHECK(hand.granted(hand.reserve(ring_of(windows), {"1"})) == instants{full + hand.reach});
  }
}

TEST_CASE("slots count as held for their time to live, or for the recovery cap") {
  scripted_redis redis;
  by_hand hand{redis};
  const slots_asked slots{.total = 2, .time_to_live = 900 * s};
  const auto refused = hand.reserve({}, {"1"}, slots);
  CHECK(refused[3][1].text() == "slots");
  CHECK(hand.next(refused) == 60 * s + hand.reach);
  hand.to(60 * s + hand.reach);
  CHECK(hand.reserve({}, {"1"}, slots)[2].size() == 1);
}

TEST_CASE("while another version of the windows is in use the stricter applies, and not for ever") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto old_version = ring_of("1/10000000/0");
  const auto new_version = ring_of("3/10000000/0");
  hand.reserve(old_version, {});
  hand.to(100 * s);
  CHECK(hand.granted(hand.reserve(old_version, {"1"})).size() == 1);
  const auto refused = hand.reserve(new_version, {"2"});
  CHECK(hand.next(refused) == 110 * s);
  CHECK(refused[3][3].number() == -1);
  hand.to(110 * s);
  CHECK(hand.granted(hand.reserve(new_version, {"2", "3"})).size() == 1);
  // A second of grace for how seldom its use is noted, the reach, and as long as a lease that was given under it is
  // used.
  hand.to(711 * s);
  CHECK(hand.granted(hand.reserve(new_version, {"4", "5", "6"})).size() == 1);
  hand.to(721 * s + 100'001);
  CHECK(hand.granted(hand.reserve(new_version, {"7", "8", "9"})).size() == 3);
}

TEST_CASE("the stricter of two versions binds whoever calls") {
  scripted_redis redis;
  by_hand hand{redis};
  hand.reserve(ring_of("5/10000000/0"), {});
  hand.to(100 * s);
  hand.reserve(ring_of("5/10000000/0"), {});
  hand.reserve(ring_of("2/10000000/0"), {});
  CHECK(hand.granted(hand.reserve(ring_of("5/10000000/0"), {"1", "2", "3"})).size() == 2);
}

TEST_CASE("a longer and larger window starts full where its history was forgotten, and knows it where it was not") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto before = ring_of("2/1000000/0");
  hand.reserve(before, {});
  for (int i = 0; i < 10; ++i) {
    hand.to(100 * s + i * s);
    CHECK(hand.granted(hand.reserve(before, {std::to_string(2 * i), std::to_string(2 * i + 1)})).size() == 2);
  }
  hand.to(110 * s);
  // Forgotten: up to 108 s everything counts as full.
  CHECK(hand.next(hand.reserve(ring_of("50/30000000/0"), {"x"})) == 138 * s);
  // Two are all that it can ask for.
  CHECK(hand.next(hand.reserve(ring_of("2/30000000/0"), {"x"})) == 139 * s);
}

TEST_CASE("after a loss of data there is another epoch, and everything is full up to the cap") {
  scripted_redis redis;
  by_hand hand{redis};
  hand.reserve(ring_of("2/10000000/0"), {});
  hand.to(100 * s);
  CHECK(hand.granted(hand.reserve(ring_of("2/10000000/0"), {"1"})).size() == 1);
  redis.flush();
  hand.fresh = "epoch-2";
  const auto refused = hand.reserve(ring_of("2/10000000/0"), {"2"});
  CHECK(refused[1].text() == "epoch-2");
  CHECK(hand.next(refused) == 110 * s + hand.reach);
}

TEST_CASE("a server that was started again may have forgotten: another epoch, what it still has counts too") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto windows = ring_of("1/100000000/0");
  hand.reserve(windows, {});
  hand.to(100 * s);
  CHECK(hand.granted(hand.reserve(windows, {"1"})).size() == 1);
  hand.to(101 * s);
  redis.run_id = "run-2";
  hand.fresh = "epoch-2";
  const auto refused = hand.reserve(windows, {"2"});
  CHECK(refused[1].text() == "epoch-2");
  CHECK(hand.next(refused) == 200 * s);
}

TEST_CASE("uploads are merged in the order of their instants, once") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto windows = ring_of("2/86400000000/0");
  hand.reserve(windows, {});
  hand.to(100 * s);
  CHECK(hand.granted(hand.reserve(windows, {"5"})).size() == 1);
  const strings upload{"0", windows[0].windows, "2", hand.entry(50 * s, "4"), hand.entry(100 * s, "5")};
  CHECK(hand.call(redis.scripts.upload, {"a"}, upload)[2].number() == 1);
  CHECK(hand.call(redis.scripts.upload, {"a"}, upload)[2].number() == 0);
  CHECK(hand.entries("a") == strings{hand.entry(50 * s, "4"), hand.entry(100 * s, "5")});
  CHECK(hand.next(hand.reserve(windows, {"6"})) == 50 * s + 86'400 * s);
}

TEST_CASE("pieces of several uploads come in whatever order, again and under other instants, and end in one") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto windows = ring_of("4000/86400000000/0");
  hand.reserve(windows, {});
  strings expected;
  // The permits of three replicas in turn.
  std::vector<std::vector<std::int64_t>> of(3);
  for (std::int64_t i = 0; i < 3'000; ++i) {
    of[static_cast<std::size_t>(i % 3)].push_back(i);
    expected.push_back(hand.entry(i * 10'000, std::to_string(i)));
  }
  const auto piece = [&](std::size_t whose, std::size_t from, std::int64_t later = 0) {
    strings words{"0", windows[0].windows, "100"};
    for (std::size_t i = from; i < from + 100; ++i)
      words.push_back(hand.entry(of[whose][i] * 10'000 + later, std::to_string(of[whose][i])));
    return hand.call(redis.scripts.upload, {"a"}, words)[2].number().value_or(-1);
  };
  redis.now = hand.start + 100 * s;
  for (std::size_t from = 0; from < 1'000; from += 100) {
    CHECK(piece(2, from) == 100);
    if (from % 200 == 0) CHECK(piece(2, from, 50'000) == 0);
  }
  for (std::size_t from = 0; from < 1'000; from += 100) {
    CHECK(piece(0, 900 - from) == 100);
    CHECK(piece(1, from) == 100);
  }
  for (std::size_t whose = 0; whose < 3; ++whose) CHECK(piece(whose, 500, 50'000) == 0);
  CHECK(hand.entries("a") == expected);
}

TEST_CASE("slots are uploaded, once, and not those whose time is over") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto until = std::to_string(hand.start + 900 * s);
  const auto since = std::to_string(hand.start);
  hand.call(
      redis.scripts.upload, {},
      {"2", "7", "sandbox", "s7", since, until, "2", "portal", "batch", "8", "sandbox", "", since, since, "1", "x"});
  const auto told = hand.reserve({}, {})[7];
  REQUIRE(told.size() == 1);
  CHECK(told[0][2].text() == "s7");
  CHECK(told[0][5].size() == 2);
}

TEST_CASE("a clock that was set back: nothing means anything any more, and nobody waits for the old time") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto windows = ring_of("1/10000000/0");
  hand.reserve(windows, {});
  hand.to(1'000 * s);
  hand.reserve(windows, {"1"});
  hand.to(500 * s);
  hand.fresh = "epoch-2";
  const auto refused = hand.reserve(windows, {"2"});
  CHECK(refused[1].text() == "epoch-2");
  CHECK(hand.next(refused) == 510 * s + hand.reach);
}

TEST_CASE("of several replicas that notice a jump the first begins the new epoch") {
  scripted_redis redis;
  by_hand hand{redis};
  hand.reserve(ring_of("1/10000000/0"), {});
  hand.fresh = "epoch-2";
  CHECK(hand.call(redis.scripts.lose, {"a"}, {"epoch-1"})[1].text() == "epoch-2");
  hand.fresh = "epoch-3";
  CHECK(hand.call(redis.scripts.lose, {"a"}, {"epoch-1"})[1].text() == "epoch-2");
}

TEST_CASE("leases have numbers, last, and are not given while one may be that was forgotten") {
  scripted_redis redis;
  by_hand hand{redis};
  const auto take = [&](const std::string& who, const std::string& rules = "r") {
    return hand.call(redis.scripts.lease, {}, {"take", who, rules, "2", std::to_string(700 * s)})[2].number();
  };
  CHECK(take("x") == -1);
  hand.to(700 * s);
  CHECK(take("x") == 0);
  CHECK(take("y") == 1);
  CHECK(take("z") == -1);
  CHECK(take("z", "other") == -1);
  hand.to(1'000 * s);
  CHECK(take("x") == 0);
  hand.to(1'400 * s);
  CHECK(take("z") == 1);
  hand.to(1'700 * s);
  hand.call(redis.scripts.lease, {}, {"release", "z"});
  CHECK(take("y") == 0);
}

}  // namespace
