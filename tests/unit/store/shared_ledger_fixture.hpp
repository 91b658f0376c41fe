#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "store/shared_ledger.hpp"

namespace gateway::store {

using namespace std::chrono_literals;

constexpr time::instant start{1h};
constexpr server_instant server_start = 5'000'000'000;  // its clock at `start`, in microseconds

using redis::reply;

inline reply text(std::string_view of) {
  return reply::bulk(of);
}
inline reply text(std::int64_t number) {
  return reply::bulk(std::to_string(number));
}

struct said {
  std::vector<server_instant> granted{};  // from server_start
  std::int64_t next = 0;
  std::string why = "window";
  std::vector<reply> slots{};
};

// A ledger with a Redis that the test plays: resources 0 "a/requests" (3 in 1 s), 1 "a/sessions" (1 in 10 s), 2 a
// caller's own sessions (2 in 60 s). The random numbers are 101, 103, 105, ...
struct played {
  explicit played(shared_options changed = {}, std::uint32_t slots = 0, std::vector<window> requests = {{3, 1s}})
      : scripts{}, ledger{make(changed, slots, std::move(requests))} {}

  shared_ledger make(shared_options changed, std::uint32_t slots, std::vector<window> requests) {
    ledger_rules rules;
    rules.resources = {{std::move(requests), 0ms, 0}, {{{1, 10s}}, 0ms, 0}, {{{2, 60s}}, 0ms, {}}};
    rules.longest_pause = {15min};
    rules.slots = slots;
    rules.slot_ttl = 15min;
    changed.prefix = "gw:";
    changed.domain = "demo";
    changed.resources = {{"a/requests"}, {"a/sessions"}, {"c/portal/sessions", true}};
    changed.accounts = {"sandbox"};
    changed.callers = {"portal", "batch"};
    changed.replica = "r1";
    return {std::move(rules), std::move(changed), scripts, [this] { return random += 2; }};
  }

  // The order of this script, now or earlier. The others stay under way.
  order expect(const redis::script& of) {
    for (auto& one : ledger.take_orders(now)) under_way.push_back(std::move(one));
    const auto found = std::ranges::find(under_way, &of, &order::what);
    REQUIRE(found != under_way.end());
    auto taken = std::move(*found);
    under_way.erase(found);
    return taken;
  }
  // Whether it is asked now.
  bool asks(const redis::script& of) {
    auto all = ledger.take_orders(now);
    const auto found = std::ranges::find(all, &of, &order::what) != all.end();
    std::ranges::move(all, std::back_inserter(under_way));
    return found;
  }

  server_instant server_now() const { return server_start + (now - start) / 1us + jump / 1us; }

  // What `reserve` answers, over so many rings of which nothing new is told.
  reply reservation(std::size_t rings, const said& what = {}) const {
    std::vector<reply> granted;
    for (const auto one : what.granted) granted.push_back(text(server_start + one));
    std::vector<reply> next;
    if (what.next != 0) next = {text(server_start + what.next), text(what.why), reply::integer(0), reply::integer(0)};
    std::vector<reply> told;
    for (std::size_t i = 0; i < rings; ++i)
      told.push_back(reply::array({text("0"), text("0"), reply::integer(1), text("0"), text("")}));
    std::vector<reply> all{text(server_now()),
                           text(epoch),
                           reply::array(std::move(granted)),
                           reply::array(std::move(next)),
                           reply::array(std::move(told)),
                           reply::array({reply::array({text("0"), text("1")})}),
                           text("1"),
                           reply::array(what.slots)};
    return reply::array(std::move(all));
  }
  reply done(std::int64_t value = 1) const {
    return reply::array({text(server_now()), text(epoch), reply::integer(value)});
  }
  // The answer comes after so long; the server read its clock at the moment of the question.
  void answer(const order& of, reply with, time::duration after = 2ms) {
    const auto asked = now;
    now += after;
    ledger.answered(of.tag, std::move(with), asked, now);
  }
  void no_answer(const order& of) {
    const auto asked = now;
    now += 50ms;
    redis::trouble t;
    t.what = redis::trouble::kind::timed_out;
    t.written = true;
    ledger.answered(of.tag, std::unexpected{t}, asked, now);
  }
  // Connected, and looked once.
  void begin() {
    ledger.connected("run-1", now);
    const auto first = expect(scripts.reserve);
    answer(first, reservation(3));
  }

  use read() const { return {.account = 0, .caller = 0, .requests = {0}}; }
  use create(std::size_t caller = 1, bool slot = false) const {
    return {.account = 0, .caller = caller, .requests = {0}, .creations = {1}, .slot = slot};
  }

  std::vector<order> under_way;
  std::uint64_t random = 99;
  std::string epoch = "e1";
  time::instant now = start;
  time::duration jump{0};
  ledger_scripts scripts;
  shared_ledger ledger;
};

}  // namespace gateway::store
