#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <vector>

#include "limiter/domain.hpp"

namespace gateway::limiter {

using namespace std::chrono_literals;

constexpr time::instant start{1h};

// One account "sandbox" and callers of weight one that may use it.
inline domain_rules rules_of(account_rules account, std::size_t callers = 3) {
  domain_rules rules;
  if (account.name.empty()) account.name = "sandbox";
  rules.accounts.push_back(std::move(account));
  for (std::size_t i = 0; i < callers; ++i)
    rules.callers.push_back({.name = "c" + std::to_string(i), .weight = 1, .on = {own_rules{}}});
  return rules;
}

inline domain_rules on_test_account(domain_rules rules, test_account_rules test) {
  if (test.name.empty()) test.name = "demo";
  rules.test_account = std::move(test);
  return rules;
}

// A domain whose time a test moves. Requests prepare at once when they are told to, unless they are slow.
struct table {
  explicit table(domain_rules rules) : d{std::move(rules)} {}
  table(domain_rules rules, std::unique_ptr<store::ledger> of) : d{std::move(rules), std::move(of)} {}

  waiter& enter(ask what) {
    auto& who = all.emplace_back();
    what.latest = what.latest == time::instant{} ? time::instant::max() : what.latest;
    d.enter(who, what, now, out);
    if (who.at == stage::preparing && !slow) make_ready(who);
    drain();
    return who;
  }
  waiter& create(std::size_t caller = 0, time::duration within = 1h, bool in_hand = true, std::uint64_t print = 0) {
    return enter({.account = 0,
                  .caller = caller,
                  .what = kind::creation,
                  .latest = now + within,
                  .fingerprint = print,
                  .in_hand = in_hand});
  }
  waiter& read(std::size_t caller = 0, time::duration within = 1h) {
    return enter({.account = 0, .caller = caller, .what = kind::request, .latest = now + within, .in_hand = true});
  }
  void make_ready(waiter& who) {
    if (who.at != stage::preparing && who.at != stage::waiting) return;
    d.ready(who, now, out);
    send_all();
  }
  // To `until`, through everything that the domain has to do before. Whoever is granted sends at once.
  void to(time::instant until) {
    for (;;) {
      const auto next = d.next_event();
      if (!next || *next > until) break;
      now = std::max(now, *next);
      d.advance(now, out);
      drain();
    }
    now = until;
    d.advance(now, out);
    drain();
  }
  void advance(time::duration by) { to(now + by); }
  void send(waiter& who) { d.sent(who.drawn, now, now, out); }
  void drain() {
    while (!out.empty()) {
      const auto heard = std::exchange(out, {});
      for (auto* who : heard) {
        if (who->at == stage::preparing && !slow) make_ready(*who);
        if (who->at == stage::granted) granted.push_back(who);
      }
    }
    send_all();
  }
  void send_all() {
    for (auto& who : all) {
      if (who.at == stage::granted && who.drawn.sent_at == time::instant{} && sends) send(who);
    }
  }
  std::size_t count(stage at) const {
    return static_cast<std::size_t>(std::ranges::count_if(all, [at](const waiter& w) { return w.at == at; }));
  }

  std::deque<waiter> all;
  domain d;
  time::instant now = start;
  notices out;
  std::vector<waiter*> granted;  // after waiting
  bool slow = false;             // nobody gets ready
  bool sends = true;
};

}  // namespace gateway::limiter
