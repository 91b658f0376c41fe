#include "store/ledger_mirror.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace gateway::store;
using namespace std::chrono_literals;

constexpr time::instant start{1h};
constexpr server_instant server_start = 5'000'000'000;

struct mirrored {
  explicit mirrored(std::vector<window> windows)
      : mirror{{.resources = {{std::move(windows), 100ms, {}, true}}, .longest_pause = {15min}}, options} {
    clock.heard(server_start, start, start);
  }
  void hears(const ring_news& news) { mirror.learn(0, {}, news, {}, clock, start); }
  time::duration opens() {
    return mirror.books().opens({.account = 0, .caller = 0, .requests = {0}}, start).at - start;
  }

  shared_options options;
  server_clock clock;
  ledger_mirror mirror;
};

TEST_CASE("what is unknown is full for the recovery cap, and for the stretch of as much") {
  for (const auto& [windows, full] : std::vector<std::pair<std::vector<window>, time::duration>>{
           {{{3, 1s}}, 1s + 51ms},
           {{{30, 1min}}, 1min + 160ms},
           {{{200, 24h}}, 1min + 160ms},
           {{{1, 10s}, {30, 1h}, {200, 24h}}, 1min + 160ms},
       }) {
    mirrored m{windows};
    m.hears({.generation = "1", .all = true, .unknown_before = server_start});
    CHECK(m.opens() == m.options.reach + full);
  }
}

TEST_CASE("a window opens in the mirror when it opens in Redis: stretched, and by what its clock may be slewed") {
  for (const auto& [windows, full] : std::vector<std::pair<std::vector<window>, time::duration>>{
           {{{1, 1s}}, 1s + 51ms}, {{{1, 24h}}, 24h + 86'500ms}}) {
    mirrored m{windows};
    m.hears({.generation = "1", .appended = 1, .all = true, .unknown_before = 0, .stamps = {server_start}});
    CHECK(m.opens() == full);
  }
}

TEST_CASE("what is told in parts counts when all of it is told; until then what was known before") {
  mirrored m{{{2, 10s}}};
  const auto stamp = [](int seconds) { return server_start + seconds * 1'000'000; };
  const auto hears = [&](const ledger_mirror::place& asked_at, const ring_news& news,
                         std::vector<server_instant> reserved = {}) {
    m.mirror.learn(0, asked_at, news, reserved, m.clock, start);
    return m.mirror.books().histories[0].remembered();
  };
  CHECK(hears({}, {.generation = "1", .appended = 1, .all = true, .stamps = {stamp(0)}}) == 1);
  CHECK(hears({"1", 1}, {.generation = "2", .appended = 1, .all = true, .more = true, .stamps = {stamp(0)}}) == 1);
  // In reserve here: it can be had.
  CHECK(hears({"2", 1}, {.generation = "2", .appended = 3, .stamps = {stamp(1), stamp(2)}}, {stamp(2)}) == 2);
  CHECK(m.mirror.books().histories[0].newest(1) == start + 1s);
  CHECK(m.mirror.of_ring(0).appended == 3);
  // Begun again by another loss.
  hears({"2", 3}, {.generation = "3", .appended = 1, .all = true, .more = true, .stamps = {stamp(5)}});
  m.mirror.begin("e2");
  CHECK(hears({}, {.generation = "1", .appended = 1, .all = true, .stamps = {stamp(7)}}) == 1);
  CHECK(m.mirror.books().histories[0].newest(1) == start + 7s);
}

}  // namespace
