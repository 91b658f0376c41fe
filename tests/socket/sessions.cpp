// A session from its creation to its device, and a thousand of them.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

using namespace gateway::socket_tests;
using both = both_programs;
using gateway::support::eventually;
namespace json = boost::json;

namespace {

std::string member_names(const json::value& object) {
  std::string names;
  for (const auto& one : object.as_object()) names += std::string{one.key()} + ' ';
  return names;
}

// What a person does in the Connect pages; the redirect to the success_url at the end.
std::string link_a_heat_pump(const running_simulator& podero, const std::string& id) {
  auto browser = podero.browser();
  const auto field = "onboarding_session_id=" + id;
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  CHECK(browser.call("GET", "/?" + field).status == 200);
  CHECK(browser.call("GET", "/heat-pumps?" + field).status == 200);
  CHECK(browser.call("GET", "/heat-pumps/nibe?" + field).status == 200);
  const auto proven = browser.call("POST", "/heat-pumps/nibe", field + "&email=a%40b.test&password=x", form);
  CHECK(proven.status == 303);
  CHECK(browser.call("GET", proven.header("Location")).status == 200);
  const auto linked = browser.call("POST", "/link-device", field, form);
  CHECK(linked.status == 303);
  return linked.header("Location");
}

}  // namespace

TEST_CASE("A success of Podero whose body is of no use is counted, and the log has the reason that callers get") {
  both running;
  const std::string useless =
      R"(onboarding_gateway_upstream_answers_unusable_total{account="sandbox",operation="create_session"})";
  CHECK(running.gateway.metric(useless) == 0);
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create"},"action":{"body":"{\"a\":1}"}})");
  auto caller = running.gateway.caller();
  const auto refused = caller.call("POST", sessions_path, body_for(1), json_body);
  CHECK(refused.status == 502);
  CHECK(text_in(refused.json(), "upstream_effect") == "created");
  CHECK(running.gateway.metric(useless) == 1);
  CHECK(running.gateway.process().line_with("Podero's answer cannot be used").contains("it has no `id`"));
}

TEST_CASE("The documented request makes a session that can be read, completed in the Connect pages and read again") {
  both running;
  auto caller = running.gateway.caller();
  const auto created = create(caller);
  const auto session = created.json();
  const auto id = text_in(session, "id");

  CHECK(member_names(session) ==
        "authentication_url id user success_url cancel_url expiration_date object_id external_metadata gateway ");
  CHECK(text_in(session, "user") == "a169451c-8525-4352-b8ca-070dd449a1a5");
  CHECK(text_in(session, "success_url") == "https://my-customerportal.com/success");
  CHECK(text_in(session, "cancel_url") == "https://my-customerportal.com/error");
  CHECK(session.at("object_id").is_null());
  CHECK(session.at("external_metadata") == json::object{});
  const auto& ours = session.at("gateway");
  CHECK(member_names(ours) == "state expires_at connect_urls reused defaulted ");
  CHECK(text_in(ours, "state") == "pending");
  CHECK(text_in(ours, "expires_at") == text_in(session, "expiration_date") + "T21:00:00Z");
  CHECK(ours.at("reused") == false);
  CHECK(ours.at("defaulted") == json::array{});

  // Both lead to where the session lives.
  const auto query = "?onboarding_session_id=" + id;
  CHECK(text_in(session, "authentication_url") == running.podero.origin() + query);
  CHECK(text_in(ours.at("connect_urls"), "any") == running.podero.origin() + query);
  CHECK(text_in(ours.at("connect_urls"), "heat_pump") == running.podero.origin() + "/heat-pumps" + query);

  const auto location = created.header("Location");
  CHECK(location == std::string{sessions_path} + "/" + id);
  CHECK(created.header("Content-Type") == "application/json");
  CHECK(created.header("Cache-Control") == "no-store");
  CHECK(created.header("X-Request-Id").size() == 36);

  const auto read = caller.call("GET", location);
  CHECK(read.status == 200);
  CHECK(read.json() == session);

  const auto redirect = link_a_heat_pump(running.podero, id);
  const std::string success = "https://my-customerportal.com/success?deviceId=";
  REQUIRE(redirect.starts_with(success));
  const auto done = caller.call("GET", location).json();
  CHECK(text_in(done.at("gateway"), "state") == "completed");
  CHECK(text_in(done, "object_id") == redirect.substr(success.size()));
}

TEST_CASE("A body that leaves out what has defaults is completed by them, which the answer and Podero show") {
  both running{[](auto& c) { c.account_more = "    defaults: { language: de, price_zone_default: AT }\n"; }};
  auto caller = running.gateway.caller();
  const auto made = caller.call("POST", sessions_path,
                                R"({"success_url":"https://a.example/s","cancel_url":"https://a.example/c",)"
                                R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})",
                                json_body);
  CHECK(made.status == 201);
  const auto session = made.json();
  CHECK(session.at("gateway").at("defaulted") == json::array{"/language", "/price_zone_default"});
  CHECK(text_in(running.podero.order("GET", "/sessions/" + text_in(session, "id")), "language") == "de");
}

TEST_CASE("A request id of the caller comes back, and Server-Timing says what took how long") {
  both running;
  auto caller = running.gateway.caller();
  const auto named = create(caller, "X-Request-Id: 5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42\r\n");
  CHECK(named.header("X-Request-Id") == "5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42");
  CHECK(named.header("Server-Timing").starts_with("connect;dur="));
  CHECK(create(caller).header("Server-Timing").starts_with("upstream;dur="));
}

TEST_CASE("A thousand requests over eight connections use one token and no more connections than the pool has") {
  // One loop, because connections that loops pass on to each other are closed at one end while others open.
  both running{[](auto& c) {
    c.account_more = "    pool: { max_connections: 4 }\n";
    c.more = "threads: 1\n";
  }};
  // The token endpoint has a connection of its own, which is over by now, on our side; wait for the other side.
  REQUIRE(eventually([&] { return running.podero.counter("connections_open") == 0; }));

  constexpr int connections = 8;
  constexpr int requests_each = 125;
  std::atomic<int> made{0};
  std::set<std::string> ids;
  std::mutex guards_ids;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < connections; ++i)
      callers.emplace_back([&] {
        auto over = running.gateway.caller();
        for (int n = 0; n < requests_each; ++n) {
          const auto got = over.call("POST", sessions_path, example_request, json_body);
          if (got.status != 201 || !got.keep_alive) return;
          ++made;
          const std::scoped_lock lock{guards_ids};
          ids.insert(text_in(got.json(), "id"));
        }
      });
  }
  CHECK(made == 1000);
  CHECK(ids.size() == 1000);
  const auto counters = running.podero.order("GET", "/counters");
  CHECK(counters.at("token_requests") == 1);
  CHECK(counters.at("creations") == 1000);
  CHECK(counters.at("connections_most_open").to_number<int>() <= 4);
  CHECK(counters.at("connections_accepted").to_number<int>() <= 5);
  CHECK(running.gateway.metric("onboarding_gateway_token_renewals_total{account=\"sandbox\",outcome=\"renewed\"}") ==
        1);
  CHECK(running.gateway.metric("onboarding_gateway_sessions_total{account=\"sandbox\",outcome=\"created\"}") == 1000);
}

TEST_CASE("Two loops share one token and the account's connections") {
  both running{[](auto& c) {
    c.account_more = "    pool: { max_connections: 4 }\n";
    c.more = "threads: 2\n";
  }};
  std::atomic<int> made{0};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i)
      callers.emplace_back([&] {
        auto over = running.gateway.caller();
        for (int n = 0; n < 25; ++n)
          if (over.call("POST", sessions_path, example_request, json_body).status == 201) ++made;
      });
  }
  CHECK(made == 200);
  const auto counters = running.podero.order("GET", "/counters");
  CHECK(counters.at("token_requests") == 1);
  CHECK(eventually([&] { return running.podero.counter("connections_open") <= 4; }));
}
