#include "simulator/tests/model_fixture.hpp"

#include <doctest/doctest.h>

using namespace simulator;
using namespace simulator::testing;
namespace json = boost::json;

TEST_CASE_FIXTURE(model_fixture, "a session is completed, with a device of one's own or a random one") {
  const auto id = create_session(creation("https://a.test/?x=1"));
  next_byte = 0;
  CHECK(order("POST", "/sessions/" + id + "/complete").body ==
        R"({"device_id":"00010203-0405-4607-8809-0a0b0c0d0e0f",)"
        R"("redirect":"https://a.test/?x=1&deviceId=00010203-0405-4607-8809-0a0b0c0d0e0f"})");
  CHECK(order("POST", "/sessions/" + id + "/complete").status == 200);
  const std::string other = R"({"device_id":"8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd"})";
  CHECK(order("POST", "/sessions/" + id + "/complete", other).status == 409);
  CHECK(order("POST", "/sessions/" + create_session() + "/complete", other).status == 200);
  CHECK(order("POST", "/sessions/" + id + "/complete", R"({"device_id":"7"})").status == 400);
  CHECK(order("POST", "/sessions/nope/complete").status == 404);
}

TEST_CASE_FIXTURE(model_fixture, "an expired session shows yesterday's date and cannot be completed") {
  const auto id = create_session();
  CHECK(order("POST", "/sessions/" + id + "/expire").status == 200);
  CHECK(read_session(id).at("expiration_date") == "2024-08-22");
  CHECK(order("POST", "/sessions/" + id + "/complete").status == 409);
}

TEST_CASE_FIXTURE(model_fixture, "requests are counted by kind and by status") {
  create_session();
  call("nobody", "POST", "device-onboarding");
  browse("/?onboarding_session_id=nope");
  const auto counters = json::parse(order("GET", "/counters").body);
  CHECK(counters.at("requests") == 4);
  CHECK(counters.at("token_requests") == 1);
  CHECK(counters.at("creations") == 2);
  CHECK(counters.at("sessions_created") == 1);
  CHECK(counters.at("connect_pages") == 1);
  CHECK(counters.at("by_status") == json::parse(R"({"200":1,"201":1,"401":1,"404":1})"));
}

TEST_CASE("the log remembers so many requests, by number and with both clocks") {
  model_fixture f{{.log_capacity = 2}};
  f.token();
  f.advance(1500ms);
  f.upstream.handle({.method = "GET", .target = "/nothing", .connection = 7});
  f.upstream.handle({.method = "POST",
                     .target = "/api/partners/v2.0/device-onboarding",
                     .connection = 8,
                     .received = moment{f.now.wall + 1ns, f.now.steady + 1ns}});
  CHECK(json::parse(f.order("GET", "/requests?since=0").body) ==
        json::parse(R"({"capacity":2,"oldest":2,"newest":3,"lost":1,"requests":[
          {"number":2,"monotonic_ns":1001500000000,"received_at":"2024-08-23T12:00:01.500000000Z","operation":"connect",
           "status":404,"connection":7,"faulty":false},
          {"number":3,"monotonic_ns":1001500000001,"received_at":"2024-08-23T12:00:01.500000001Z","operation":"create",
           "status":401,"connection":8,"faulty":false}]})"));
  const auto rest = json::parse(f.order("GET", "/requests?since=2&limit=1").body);
  CHECK(rest.at("requests").as_array().size() == 1);
  CHECK(rest.at("lost") == 0);
}

TEST_CASE_FIXTURE(model_fixture, "the busiest interval is found, half open") {
  const auto right = token();
  for (const auto pause : {0ms, 400ms, 599ms, 1ms, 5000ms}) {
    advance(pause);
    call(right, "POST", "device-onboarding", creation());
  }
  CHECK(json::parse(order("GET", "/busiest?operation=create&per=1s").body).at("most") == 3);
  CHECK(json::parse(order("GET", "/busiest?operation=create&per=1ms").body).at("most") == 1);
  CHECK(json::parse(order("GET", "/busiest?operation=any&per=1h").body).at("most") == 6);
  CHECK(order("GET", "/busiest?per=fast").status == 400);
  CHECK(order("GET", "/busiest?per=1s&operation=dance").status == 400);
}

TEST_CASE_FIXTURE(model_fixture, "a reset forgets sessions, tokens, counts and faults") {
  const auto id = create_session();
  const auto right = token();
  order("POST", "/faults", R"({"action":{"status":500}})");
  CHECK(order("POST", "/reset").status == 200);
  CHECK(call(right, "GET", "device-onboarding/" + id).status == 401);
  CHECK(call(token(), "GET", "device-onboarding/" + id).status == 404);
  CHECK(json::parse(order("GET", "/counters").body).at("requests") == 3);
  CHECK(order("GET", "/faults").body == R"({"faults":[]})");
}

TEST_CASE_FIXTURE(model_fixture, "the control endpoint says what it has and what is wrong") {
  CHECK(json::parse(order("GET", "/").body).at("program") == "podero-simulator");
  CHECK(order("GET", "/nothing").status == 404);
  CHECK(order("PUT", "/counters").status == 405);
  CHECK(order("POST", "/tokens/revoke", "[]").body == R"({"error":"the body has to be a JSON object"})");
  CHECK(order("POST", "/limits", R"({"creations":["fast"]})").body ==
        R"({"error":"creations has to be a list of limits such as \"1/10s\""})");
}
