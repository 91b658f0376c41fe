// Limits as the account's owner sees them: by the simulator's own timestamps, with the gateway driven far beyond them.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "support/stillness.hpp"

using namespace gateway::socket_tests;
using namespace std::chrono_literals;
using gateway::support::stillness;
namespace {

struct tally {
  std::atomic<int> asked{0};
  std::atomic<int> created{0};
  std::atomic<int> refused{0};
  std::atomic<int> others{0};
  std::atomic<int> without_instant{0};

  void note_other(const answer& what) {
    ++others;
    const std::lock_guard lock{mutex_};
    other_ = std::to_string(what.status) + " " + what.body;
  }
  // The last one.
  std::string other() const {
    const std::lock_guard lock{mutex_};
    return other_;
  }

 private:
  mutable std::mutex mutex_;
  std::string other_;
};

// Asks again and again, whatever it is told, until told to stop.
void hammer(const running_gateway& gateway, int number, const std::atomic<bool>& stop, tally& seen) {
  auto caller = gateway.caller();
  for (int round = 0; !stop; ++round) {
    const auto got = caller.call("POST", sessions_path, body_for(number * 10'000 + round), json_body);
    ++seen.asked;
    if (got.status == 201) {
      ++seen.created;
      continue;
    }
    // 503 by the queue: the window is open again, and those who stand in line have not been told yet.
    const bool behind_others = got.status == 503 && text_in(got.json().at("decision"), "guard") == "queue";
    if (got.status == 429 || behind_others) {
      ++seen.refused;
      if (got.header("Retry-After").empty()) ++seen.without_instant;
    } else {
      seen.note_other(got);
    }
    std::this_thread::sleep_for(100ms);
  }
}

// 20 in 2 s and 30 in 4 s, stretched by a twentieth: 30 every 4.2 s can be had.
constexpr auto cycle = 4200ms;
constexpr int cycles = 3;
constexpr int per_cycle = 30;

// What came of three cycles at more than ten times what is allowed.
struct outcome {
  std::size_t created = 0;
  std::size_t in_two_seconds = 0;
  std::size_t in_four_seconds = 0;
  std::chrono::duration<double> taken{0};
  std::chrono::milliseconds stood_still{0};

  bool as_promised() const {
    return in_two_seconds <= 20 && in_four_seconds <= 30 &&
           taken <= std::chrono::duration<double>{cycles * cycle} / 0.98;
  }
};

outcome drive(const both_programs& running) {
  tally seen;
  std::atomic<bool> stop{false};
  const stillness watched;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 16; ++i) callers.emplace_back([&, i] { hammer(running.gateway, i, stop, seen); });
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < began + cycles * cycle + 400ms) std::this_thread::sleep_for(50ms);
  stop = true;
  callers.clear();

  const auto arrived = creations(running.podero);
  REQUIRE(arrived.size() > cycles * per_cycle);
  CHECK(seen.asked >= 10 * cycles * per_cycle);
  CHECK(seen.created == static_cast<int>(arrived.size()));
  CHECK(seen.without_instant == 0);
  CHECK_MESSAGE(seen.others == 0, seen.other());
  return {.created = arrived.size(),
          .in_two_seconds = busiest(arrived, 2s),
          .in_four_seconds = busiest(arrived, 4s),
          .taken = arrived[cycles * per_cycle] - arrived[0],
          .stood_still = watched.longest()};
}

// The simulator stamps a request when it reads it: where nothing ran for a while it sees many at once, and all is later
// than it should be. Only then is the same tried again.
void check_promise_and_throughput(const std::function<void(const both_programs&)>& prepare,
                                  const std::function<void(configuration&)>& how) {
  for (int left = 4;; --left) {
    const both_programs running{how};
    prepare(running);
    const auto got = drive(running);
    MESSAGE(got.created << " creations; busiest 2 s: " << got.in_two_seconds << ", 4 s: " << got.in_four_seconds << "; "
                        << got.taken.count() << " s; the machine stood still for " << got.stood_still.count()
                        << " ms at most");
    if (!got.as_promised() && got.stood_still > 50ms && left > 0) continue;
    CHECK(got.in_two_seconds <= 20);
    CHECK(got.in_four_seconds <= 30);
    CHECK(got.as_promised());
    return;
  }
}

void limit(configuration& c) {
  c.account_more =
      "    limits: { sessions: [ { rate: 20, per: 2s }, { rate: 30, per: 4s } ], jitter: 1s,\n"
      "              queue: { length: 100, max_wait: 500ms } }\n";
}

}  // namespace

TEST_CASE("At ten times the allowed rate no window is violated, and nearly all that is allowed is used") {
  check_promise_and_throughput([](const auto&) {}, limit);
}

TEST_CASE("The same where every tenth request needs a new connection whose handshake is slow") {
  check_promise_and_throughput(
      [](const both_programs& running) {
        running.podero.order(
            "POST", "/faults",
            R"({"match":{"operation":"connection"},"action":{"max_requests":10,"handshake_delay":"300ms"}})");
        running.podero.order("POST", "/connections/close");
      },
      limit);
}

TEST_CASE("Podero's 429 pauses everybody, and afterwards less is sent") {
  both_programs running{limit};
  auto caller = running.gateway.caller();
  create(caller);
  running.podero.order("POST", "/faults",
                       R"({"match":{"operation":"create","times":1},"action":{"status":429,"retry_after":60}})");
  const auto first = caller.call("POST", sessions_path, body_for(1), json_body);
  CHECK(first.status == 429);
  CHECK(text_in(first.json(), "upstream_effect") == "none");
  CHECK(text_in(first.json().at("decision"), "guard") == "pause");
  CHECK(first.header("Retry-After") == "60");
  const auto second = running.gateway.caller().call("POST", sessions_path, body_for(2), json_body);
  CHECK(second.status == 429);
  CHECK(text_in(second.json().at("decision"), "guard") == "pause");
  CHECK(running.podero.counter("creations") == 2);
  CHECK(running.gateway.metric(R"(onboarding_gateway_account_paused_until_seconds{account="sandbox"})") > 0);
  CHECK(running.gateway.metric(R"(onboarding_gateway_slow_down_factor{account="sandbox"})") == 2);
}
