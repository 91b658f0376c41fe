#include "app/recent_traffic.hpp"

#include <doctest/doctest.h>

namespace gateway::app {
namespace {

using namespace std::chrono_literals;

class counting final : public listener::request_observer {
 public:
  void answered(const listener::exchange&, time::duration, const dispatch::stage_times&, unsigned) override { ++heard; }
  void answered(const listener::answered_line&) override { ++lines; }
  void failed(const listener::exchange&, std::string_view) override { ++failures; }
  int heard = 0;
  int failures = 0;
  int lines = 0;
};

struct traffic_fixture {
  time::manual_clock clock;
  counting next;
  recent_traffic traffic{next, clock, 2};

  // An answer to caller `number` (0: unknown).
  void answer(unsigned status, std::string_view problem = {}, std::uint16_t number = 1,
              std::optional<errors::guard> guard = std::nullopt, std::string_view route = "create_session") {
    listener::exchange x;
    x.route = route;
    x.caller = number == 0 ? "" : number == 1 ? "portal" : "tools";
    x.caller_number = number;
    x.account = "sandbox";
    x.problem = problem;
    x.guard = guard;
    x.reply.status = status;
    traffic.answered(x, 1ms, {}, 0);
  }
  std::vector<problem_seen> problems() const {
    std::vector<problem_seen> all;
    traffic.append_problems(all);
    return merged(std::move(all));
  }
};

}  // namespace

TEST_CASE_FIXTURE(traffic_fixture, "Every answer is passed on and counted for its caller, by how it ended") {
  answer(201);
  answer(200);
  answer(422, "validation-failed");
  answer(503, "overloaded", 1, errors::guard::queue);
  answer(502, "upstream-error");
  answer(201, {}, 2);
  answer(401, "unauthenticated", 0);
  CHECK(next.heard == 7);
  const auto portal = traffic.totals(0);
  CHECK(portal.served == 2);
  CHECK(portal.refused == 2);
  CHECK(portal.failed == 1);
  CHECK(traffic.totals(1).served == 1);
  CHECK(traffic.totals(2).served == 0);
}

TEST_CASE_FIXTURE(traffic_fixture, "Callers that come later are counted from then on, and what was counted stays") {
  answer(201);
  answer(201, {}, 3);
  traffic.make_room_for(3);
  answer(201, {}, 3);
  CHECK(traffic.totals(0).served == 1);
  CHECK(traffic.totals(2).served == 1);
  traffic.make_room_for(1);
  CHECK(traffic.totals(2).served == 1);
}

TEST_CASE_FIXTURE(traffic_fixture, "Equal problems share a place, with their number, their first and their last time") {
  answer(429, "rate-limited", 1, errors::guard::window);
  const auto first = clock.now();
  clock.advance(5s);
  answer(502, "upstream-error");
  clock.advance(5s);
  answer(429, "rate-limited", 1, errors::guard::window);
  const auto all = problems();
  REQUIRE(all.size() == 2);
  CHECK(all[0].problem == "rate-limited");
  CHECK(all[0].times == 2);
  CHECK(all[0].first == first);
  CHECK(all[0].last == clock.now());
  CHECK(all[0].guard == errors::guard::window);
  CHECK(all[1].problem == "upstream-error");
  CHECK(all[1].times == 1);
}

TEST_CASE_FIXTURE(traffic_fixture, "A batch's line with a problem is one, with its guard; one without is none") {
  traffic.answered(listener::answered_line{.request_id = "the batch's",
                                           .caller = "portal",
                                           .account = "sandbox",
                                           .caller_number = 1,
                                           .account_number = 1,
                                           .status = 429,
                                           .problem = errors::problem::rate_limited,
                                           .guard = errors::guard::window});
  traffic.answered(listener::answered_line{.caller = "portal", .account = "sandbox", .status = 201});
  CHECK(next.lines == 2);
  const auto all = problems();
  REQUIRE(all.size() == 1);
  CHECK(all[0].route == "create_batch");
  CHECK(all[0].caller == "portal");
  CHECK(all[0].account == "sandbox");
  CHECK(all[0].problem == "rate-limited");
  CHECK(all[0].status == 429);
  CHECK(all[0].guard == errors::guard::window);
  CHECK(all[0].request_id == "the batch's");
}

TEST_CASE_FIXTURE(traffic_fixture, "Another guard, caller or route is another sort") {
  answer(429, "rate-limited", 1, errors::guard::window);
  answer(429, "rate-limited", 1, errors::guard::pause);
  answer(429, "rate-limited", 2, errors::guard::window);
  answer(429, "rate-limited", 1, errors::guard::window, "read_session");
  CHECK(problems().size() == 4);
}

TEST_CASE_FIXTURE(traffic_fixture,
                  "Of too many sorts the one seen longest ago goes, and a flood of one takes one place") {
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= recent_traffic::most_problems; ++i) names.push_back("problem-" + std::to_string(i));
  for (std::size_t i = 0; i < recent_traffic::most_problems; ++i) {
    clock.advance(1s);
    answer(500, names[i]);
  }
  clock.advance(1s);
  for (int i = 0; i < 1000; ++i) answer(500, names[0]);
  clock.advance(1s);
  answer(500, names.back());
  const auto all = problems();
  REQUIRE(all.size() == recent_traffic::most_problems);
  CHECK(all[0].problem == names.back());
  CHECK(all[1].problem == names[0]);
  CHECK(all[1].times == 1001);
  CHECK(std::ranges::none_of(all, [&](const auto& p) { return p.problem == names[1]; }));
}

TEST_CASE("What several loops saw is added up") {
  problem_seen a;
  a.route = "create_session";
  a.problem = "rate-limited";
  a.times = 2;
  a.first = time::instant{1s};
  a.last = time::instant{9s};
  a.request_id = "late";
  auto b = a;
  b.times = 3;
  b.first = time::instant{0s};
  b.last = time::instant{5s};
  b.request_id = "early";
  const auto all = merged({b, a});
  REQUIRE(all.size() == 1);
  CHECK(all[0].times == 5);
  CHECK(all[0].first == time::instant{0s});
  CHECK(all[0].request_id == "late");
}

}  // namespace gateway::app
