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

}  // namespace
