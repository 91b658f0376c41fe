#include "simulator/model/wire_script.hpp"
#include "simulator/tests/model_fixture.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace simulator;
using namespace simulator::testing;
namespace json = boost::json;

namespace {

struct fault_fixture : model_fixture {
  std::string right = token();

  std::uint64_t add(const std::string& rule) {
    const auto answer = order("POST", "/faults", rule);
    REQUIRE(answer.status == 201);
    return json::parse(answer.body).at("id").to_number<std::uint64_t>();
  }
  response create() { return call(right, "POST", "device-onboarding", creation()); }
  std::vector<unsigned> statuses(std::size_t count) {
    std::vector<unsigned> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(create().status);
    return out;
  }
  std::size_t sessions_made() { return upstream.session_book().size(); }
};

}  // namespace

TEST_CASE_FIXTURE(fault_fixture, "a rule can be for the n-th, for every n-th and for so many requests") {
  auto id = add(R"({"match":{"operation":"create","nth":2},"action":{"status":503}})");
  CHECK(statuses(4) == std::vector<unsigned>{201, 503, 201, 201});
  CHECK(order("DELETE", "/faults/" + std::to_string(id)).status == 200);
  CHECK(order("DELETE", "/faults/" + std::to_string(id)).status == 404);
  id = add(R"({"match":{"operation":"create","every":2,"times":2},"action":{"status":500}})");
  CHECK(statuses(7) == std::vector<unsigned>{201, 500, 201, 500, 201, 201, 201});
  CHECK(order("GET", "/faults").body ==
        R"({"faults":[{"id":2,"seen":7,"fired":2,)"
        R"("match":{"operation":"create","every":2,"times":2},"action":{"status":500}}]})");
}

TEST_CASE_FIXTURE(fault_fixture, "a probability draws the same sequence for the same seed") {
  const std::string rule = R"({"match":{"operation":"create","probability":0.5,"seed":42},"action":{"status":500}})";
  add(rule);
  const auto first = statuses(64);
  order("DELETE", "/faults");
  add(rule);
  CHECK(statuses(64) == first);
  const auto failed = std::ranges::count(first, 500U);
  CHECK(failed > 16);
  CHECK(failed < 48);
}

TEST_CASE_FIXTURE(fault_fixture, "a status comes before the work unless it is told to come after it") {
  add(R"({"match":{"operation":"create","times":1},"action":{"status":503,"html":true}})");
  const auto before = create();
  CHECK(before.status == 503);
  CHECK(header(before, "Content-Type") == "text/html");
  CHECK(sessions_made() == 0);
  add(R"({"match":{"operation":"create","times":1},"action":{"status":502,"after_work":true,"body":""}})");
  const auto after = create();
  CHECK(after.status == 502);
  CHECK(after.body.empty());
  CHECK(sessions_made() == 1);
}

TEST_CASE_FIXTURE(fault_fixture, "Retry-After is seconds, a date or nonsense") {
  add(R"({"match":{"operation":"create","times":1},"action":{"status":429,"retry_after":7}})");
  CHECK(header(create(), "Retry-After") == "7");
  add(R"({"match":{"operation":"create","times":1},"action":{"status":429,"retry_after":{"date_in":30}}})");
  CHECK(header(create(), "Retry-After") == "Fri, 23 Aug 2024 12:00:30 GMT");
  add(R"({"match":{"operation":"create","times":1},"action":{"status":429,"retry_after":"soon"}})");
  CHECK(header(create(), "Retry-After") == "soon");
}

TEST_CASE_FIXTURE(fault_fixture, "body and headers of the true answer can be replaced") {
  add(R"({"match":{"operation":"token"},"action":{"body":{"access_token":7},"headers":{"content-type":"text/weird","X-A":"b"}}})");
  const auto answer = ask_token();
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"access_token":7})");
  CHECK(header(answer, "Content-Type") == "text/weird");
  CHECK(header(answer, "X-A") == "b");
}

TEST_CASE_FIXTURE(fault_fixture, "rules add up, and where two say the same the older one stands") {
  add(R"({"action":{"latency":"250ms"}})");
  add(R"({"match":{"operation":"create"},"action":{"latency":9,"status":500}})");
  const auto answer = create();
  CHECK(answer.how.delay == 250ms);
  CHECK(answer.status == 500);
  CHECK(ask_token().how.delay == 250ms);
}

TEST_CASE_FIXTURE(fault_fixture, "latencies are drawn from a range or an exponential distribution") {
  const auto uniform = add(R"({"action":{"latency":{"uniform":[100,200]}}})");
  for (int i = 0; i < 100; ++i) {
    const auto delay = create().how.delay;
    CHECK(delay >= 100ms);
    CHECK(delay <= 200ms);
  }
  order("DELETE", "/faults/" + std::to_string(uniform));
  add(R"({"action":{"latency":{"exponential":"100ms"}}})");
  auto sum = 0ms;
  for (int i = 0; i < 1000; ++i) sum += create().how.delay;
  CHECK(sum > 80s);
  CHECK(sum < 120s);
}

TEST_CASE_FIXTURE(fault_fixture, "a request that is broken off does no work and is remembered without a status") {
  add(R"({"match":{"operation":"create"},"action":{"reset_after_received":40}})");
  const auto ex = upstream.begin("POST", "/api/partners/v2.0/device-onboarding");
  CHECK(ex.on_arrival() == cut{cut_kind::reset, 40});
  const auto answer = create();
  CHECK(answer.how.cut_after == cut{cut_kind::reset, 0});
  CHECK(sessions_made() == 0);
  const auto counters = json::parse(order("GET", "/counters").body);
  CHECK(counters.at("unanswered") == 1);
  CHECK(counters.at("faulty") == 1);
}

TEST_CASE_FIXTURE(fault_fixture, "connection rules decide how a new connection is treated") {
  CHECK(upstream.accept().idle_timeout == 75s);
  add(R"({"match":{"operation":"connection","nth":1},"action":{"idle_timeout":"500ms","max_requests":3,"announce_last":false}})");
  add(R"({"match":{"operation":"connection","nth":2},"action":{"handshake":"reset","handshake_delay":20}})");
  const auto first = upstream.accept();
  CHECK(first.idle_timeout == 500ms);
  CHECK(first.max_requests == 3);
  CHECK(!first.announce_last);
  const auto second = upstream.accept();
  CHECK(second.instead_of_handshake == cut_kind::reset);
  CHECK(second.handshake_delay == 20ms);
  CHECK(create().status == 201);
}

TEST_CASE_FIXTURE(fault_fixture, "a rule that cannot be read is refused with the member's name") {
  const auto refusal = [this](const std::string& rule) {
    const auto answer = order("POST", "/faults", rule);
    CHECK(answer.status == 400);
    return std::string{json::parse(answer.body).at("error").as_string()};
  };
  CHECK(refusal("7") == "a rule has to be a JSON object with match and action");
  CHECK(refusal("{}") == "action is missing");
  CHECK(refusal(R"({"action":{},"x":1})") == "x is not known here");
  CHECK(refusal(R"({"action":{"stauts":500}})") == "action.stauts is not known here");
  CHECK(refusal(R"({"action":{"status":99}})") == "action.status has to be a status from 200 to 599");
  CHECK(refusal(R"({"match":{"nth":0},"action":{}})") == "match.nth has to be a number from 1");
  CHECK(refusal(R"({"match":{"probability":2},"action":{}})") == "match.probability has to be a number from 0 to 1");
  CHECK(refusal(R"({"action":{"latency":{"uniform":[5,1]}}})").starts_with("action.latency has to be a duration"));
  CHECK(refusal(R"({"action":{"headers":{"A":"b\r\nC: d"}}})") == "action.headers has to be an object of texts");
  CHECK(refusal(R"({"action":{"idle_timeout":5}})") == "action.idle_timeout is not known here");
  CHECK(refusal(R"({"action":{"after_work":true}})") == "action.after_work goes with action.status");
}
