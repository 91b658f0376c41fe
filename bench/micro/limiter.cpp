// What one decision of the limiter costs, without its lock: the domain is pure, so it is simply called.
#include <benchmark/benchmark.h>

#include <deque>

#include "micro/work.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using namespace std::chrono_literals;

using bench::creation;
using bench::usual_rules;

void grant(benchmark::State& state) {
  bench::grant work;
  for (auto _ : state) work();
}
BENCHMARK(grant);

// A read draws from the account's windows of all requests only.
void grant_read(benchmark::State& state) {
  domain limited{usual_rules(50)};
  notices out;
  time::instant now{1h};
  for (auto _ : state) {
    now += 50ms;
    waiter who;
    limited.enter(who, {.account = 0, .caller = 0, .what = kind::request, .latest = now, .in_hand = true}, now, out);
    if (who.at != stage::granted) return state.SkipWithError("it was not granted");
    limited.sent(who.drawn, now, now, out);
  }
}
BENCHMARK(grant_read);

// At the door, with an instant that nobody else was told; `state.range(0)` requests wait.
void refuse(benchmark::State& state) {
  auto rules = usual_rules(50);
  rules.test_account->windows = {.requests = {}, .sessions = {{1, 10s}}};
  rules.test_account->open_sessions = 1000;
  domain limited{rules};
  notices out;
  time::instant now{1h};
  waiter first;
  limited.enter(first, creation(now), now, out);
  limited.sent(first.drawn, now, now, out);
  std::deque<waiter> waiting;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    limited.enter(waiting.emplace_back(), creation(now + 2h, static_cast<std::size_t>(i) % 50), now, out);
  std::size_t caller = 0;
  for (auto _ : state) {
    now += 1us;
    waiter who;
    limited.enter(who, creation(now + 1s, caller), now, out);
    if (who.at != stage::refused) return state.SkipWithError("it was not refused");
    benchmark::DoNotOptimize(who.why.admitted_at);
    caller = (caller + 1) % 50;
  }
  for (auto& one : waiting) limited.leave(one, now, out);
}
BENCHMARK(refuse)->Arg(0)->Arg(10);

// What the headers RateLimit and RateLimit-Policy say.
void remaining(benchmark::State& state) {
  domain limited{usual_rules(50)};
  notices out;
  const time::instant now{1h};
  std::vector<window_state> seen;
  for (auto _ : state) {
    seen.clear();
    limited.windows(0, 0, kind::creation, now, seen);
    benchmark::DoNotOptimize(seen.data());
  }
}
BENCHMARK(remaining);

}  // namespace

BENCHMARK_MAIN();
