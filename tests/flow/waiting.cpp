// Waiting for a session's completion, through the whole gateway: what callers get and when, and what Podero is asked.
#include <doctest/doctest.h>

#include "flow/podero_world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

constexpr std::string_view polls = "    completion_polls: { interval: 2s, max_interval: 8s }\n";

struct waiting_world : podero_world {
  explicit waiting_world(const std::string& more = std::string{polls}) : podero_world{plain_configuration() + more} {
    const auto made = create_patiently();
    REQUIRE(made.status == 201);
    id = text_of(made.body, "id");
    reads_before = reads();
  }

  std::uint64_t reads() { return podero.log().requests(simulator::operation::read); }
  std::uint64_t polled() { return reads() - reads_before; }
  std::string request(std::string_view more_headers = "Prefer: wait=30\r\n") const {
    return "GET /v1/accounts/sandbox/onboarding-sessions/" + id + " HTTP/1.1\r\nHost: g\r\n" +
           std::string{more_headers} + "\r\n";
  }
  support::memory_peer begin(std::string_view more_headers = "Prefer: wait=30\r\n") {
    auto caller = w.connect();
    CHECK(caller.say(request(more_headers)));
    w.settle();
    return caller;
  }
  void complete() {
    auto* const session = podero.session_book().find(id);
    REQUIRE(session != nullptr);
    const auto done = podero.complete(*session, {.type = simulator::device_type::heat_pump, .model = "example"}, {});
    REQUIRE(done == simulator::completion::done);
  }
  // In steps, so that everything on the way has its time.
  void pass(time::duration by) {
    for (auto left = by; left > 0s; left -= 50ms) w.advance(std::min<time::duration>(left, 50ms));
  }

  std::string id;
  std::uint64_t reads_before = 0;
};

TEST_CASE_FIXTURE(waiting_world, "who waits is answered as soon as a poll sees the end, and not before") {
  auto caller = begin();
  pass(500ms);
  CHECK_FALSE(w.heard(caller));
  CHECK(polled() == 1);
  complete();
  pass(1400ms);
  CHECK_FALSE(w.heard(caller));
  pass(200ms);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body.contains(R"("state":"completed")"));
  CHECK(got->headers.at("preference-applied") == "wait=30");
  CHECK(got->headers.at("cache-control") == "no-store");
  CHECK(got->headers.at("server-timing").starts_with("poll;desc=\"interval\";dur="));
  CHECK(got->headers.contains("etag"));
  CHECK(polled() == 2);
  CHECK(w.metrics().contains(R"(onboarding_gateway_sessions_total{account="sandbox",outcome="completed"} 1)"));
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "a session that has ended is answered at once") {
  complete();
  auto caller = begin();
  pass(100ms);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->body.contains(R"("state":"completed")"));
  // What is known does not change any more: nobody asks again.
  auto again = begin();
  w.settle();
  CHECK(w.heard(again));
  CHECK(polled() == 1);
  caller.leave();
  again.leave();
}

TEST_CASE_FIXTURE(waiting_world, "however many wait, one poll per session serves them, further and further apart") {
  std::vector<support::memory_peer> all;
  for (int i = 0; i < 20; ++i) all.push_back(begin());
  pass(100ms);
  CHECK(polled() == 1);
  pass(2s);  // at 2 s
  CHECK(polled() == 2);
  pass(3s);  // at 5 s
  CHECK(polled() == 3);
  pass(4500ms);  // at 9.5 s
  CHECK(polled() == 4);
  complete();
  pass(7s);
  for (auto& one : all) {
    const auto got = w.heard(one);
    REQUIRE(got);
    CHECK(got->body.contains(R"("state":"completed")"));
    one.leave();
  }
  CHECK(polled() == 5);
}

TEST_CASE_FIXTURE(waiting_world, "when its time is over the caller gets the present body, and the connection lives") {
  auto caller = begin("Prefer: wait=3\r\n");
  pass(2900ms);
  CHECK_FALSE(w.heard(caller));
  pass(200ms);
  auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body.contains(R"("state":"pending")"));
  CHECK(got->headers.at("server-timing") == "poll;desc=\"interval\";dur=3000.00");
  // Nobody waits: nobody asks.
  const auto so_far = polled();
  pass(60s);
  CHECK(polled() == so_far);
  CHECK(caller.say(request("Prefer: wait=1\r\n")));
  pass(1100ms);
  CHECK(w.heard(caller));
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "the pace goes on where it was when the same caller waits again") {
  for (int i = 0; i < 4; ++i) {
    auto caller = begin("Prefer: wait=5\r\n");
    pass(5100ms);
    CHECK(w.heard(caller));
    caller.leave();
  }
  CHECK(polled() == 5);  // at 0, 2, 5, 9.5, 16.25 s
}

TEST_CASE("wait is capped by the account's max_wait_state, and the answer says to what") {
  waiting_world p{std::string{polls} + "    max_wait_state: 2s\n"};
  auto caller = p.begin("Prefer: wait=300\r\n");
  p.pass(2100ms);
  const auto got = p.w.heard(caller);
  REQUIRE(got);
  CHECK(got->headers.at("preference-applied") == "wait=2");
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "a caller that leaves costs nothing any more") {
  auto caller = begin();
  pass(100ms);
  REQUIRE(polled() == 1);
  caller.leave();
  w.settle();
  pass(60s);
  CHECK(polled() == 1);
}

TEST_CASE_FIXTURE(waiting_world, "the wait of a caller that leaves is told of like every request") {
  auto caller = begin("Prefer: wait=30\r\nX-Request-Id: leaver\r\n");
  pass(100ms);
  CHECK_FALSE(w.logged().contains("leaver"));
  caller.leave();
  w.settle();
  const auto logged = w.logged();
  const auto line = logged.substr(std::min(logged.find(R"("request_id":"leaver")"), logged.size()));
  CAPTURE(logged);
  CHECK(line.contains(R"("route":"read_session","method":"GET","code":499,"effect":"none","session":")"));
  CHECK(line.contains(R"("caller_left":true,)"));
  CHECK(w.metrics().contains(R"(code="499",caller="anonymous",account="sandbox",problem=""} 1)"));
  CHECK(
      w.metrics().contains(R"(requests_abandoned_total{route="read_session",account="sandbox",caller="anonymous"} 1)"));
}

TEST_CASE_FIXTURE(waiting_world, "no-cache is one poll now, and those who wait hear of it") {
  auto waits = begin();
  pass(100ms);
  complete();
  auto asks = w.connect();
  auto asks_too = w.connect();
  CHECK(asks.say(request("Cache-Control: no-cache\r\n")));
  CHECK(asks_too.say(request("cache-control: max-age=0, No-Cache\r\n")));
  pass(100ms);
  CHECK(polled() == 2);
  for (auto* one : {&waits, &asks, &asks_too}) {
    const auto got = w.heard(*one);
    REQUIRE(got);
    CHECK(got->body.contains(R"("state":"completed")"));
    one->leave();
  }
}

TEST_CASE_FIXTURE(waiting_world, "no-cache with wait looks first, waits then, and the pace begins anew") {
  auto slow = begin("Prefer: wait=60\r\n");
  pass(20s);  // polls are 6.75 s apart by now
  const auto before = polled();
  auto caller = begin("Prefer: wait=30\r\nCache-Control: no-cache\r\n");
  pass(100ms);
  CHECK(polled() == before + 1);
  CHECK_FALSE(w.heard(caller));
  complete();
  pass(2s);
  CHECK(w.heard(caller));
  CHECK(w.heard(slow));
  CHECK(polled() == before + 2);
  caller.leave();
  slow.leave();
}

TEST_CASE_FIXTURE(waiting_world, "a caller's own read is news for those who wait") {
  auto waits = begin();
  pass(100ms);
  complete();
  auto reads = begin("");
  pass(100ms);
  CHECK(w.heard(reads));
  CHECK(w.heard(waits));
  CHECK(polled() == 2);
  reads.leave();
  waits.leave();
}

TEST_CASE_FIXTURE(waiting_world, "ETag and 304, with and without waiting") {
  auto first = begin("");
  pass(100ms);
  const auto got = w.heard(first);
  REQUIRE(got);
  const auto tag = got->headers.at("etag");
  CHECK(tag.size() == 34);
  auto again = begin("If-None-Match: \"other\", W/" + tag + "\r\n");
  pass(100ms);
  const auto unchanged = w.heard(again);
  REQUIRE(unchanged);
  CHECK(unchanged->status == 304);
  CHECK(unchanged->body.empty());
  CHECK(unchanged->headers.at("etag") == tag);
  auto waits = begin("Prefer: wait=2\r\nIf-None-Match: " + tag + "\r\n");
  pass(2100ms);
  const auto still = w.heard(waits);
  REQUIRE(still);
  CHECK(still->status == 304);
  CHECK(still->headers.at("preference-applied") == "wait=2");
  auto until_it_changes = begin("Prefer: wait=30\r\nIf-None-Match: " + tag + "\r\n");
  complete();
  pass(10s);
  const auto changed = w.heard(until_it_changes);
  REQUIRE(changed);
  CHECK(changed->status == 200);
  CHECK(changed->headers.at("etag") != tag);
  for (auto* one : {&first, &again, &waits, &until_it_changes}) one->leave();
}

TEST_CASE_FIXTURE(waiting_world, "a drain answers at once, with what is known, and closes") {
  auto caller = begin();
  pass(100ms);
  w.gateway->announce_drain();
  w.gateway->hand_back();
  w.gateway->drain(0);
  w.settle();
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body.contains(R"("state":"pending")"));
  CHECK(got->headers.at("connection") == "close");
  caller.leave();
  pass(2s);
  CHECK(w.gateway->drained());
}

TEST_CASE_FIXTURE(waiting_world, "nothing is known yet, and the gateway drains: the caller is told so") {
  instead = simulator::wire_script{};  // Podero says nothing
  auto caller = begin();
  w.settle();
  w.gateway->hand_back();
  w.gateway->drain(0);
  w.settle();
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 503);
  CHECK(got->body.contains("/problems/draining"));
  caller.leave();
  pass(15s);
}

TEST_CASE_FIXTURE(waiting_world, "an unknown session is told at once; one that Podero forgets ends the wait") {
  podero.session_book().clear();
  auto caller = begin();
  pass(100ms);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 404);
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "failures of Podero end no wait of somebody who has something to be answered with") {
  auto caller = begin();
  pass(100ms);
  REQUIRE(polled() == 1);
  always = [](simulator::response& r) { r.status = 500; };
  pass(4s);
  CHECK_FALSE(w.heard(caller));
  always = {};
  complete();
  pass(10s);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->body.contains(R"("state":"completed")"));
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "where nothing is known, Podero's failure is the answer") {
  always = [](simulator::response& r) { r.status = 500; };
  auto caller = begin();
  pass(3s);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 502);
  caller.leave();
}

TEST_CASE("polls draw from the account's windows for all requests, and go only where there is room") {
  waiting_world p{std::string{polls} + "    limits: { requests: [ { rate: 2, per: 10s } ], jitter: 0ms }\n"};
  // The creation took one of two.
  auto caller = p.begin();
  p.pass(100ms);
  CHECK(p.polled() == 1);
  p.pass(9s);
  CHECK(p.polled() == 1);
  p.complete();
  p.pass(2s);
  CHECK(p.polled() == 2);
  CHECK(p.w.heard(caller));
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "the account shows the pace of what is waited for, and only of that") {
  const std::string ask = "GET /v1/accounts/sandbox HTTP/1.1\r\nHost: g\r\n\r\n";
  CHECK(w.ask(ask).body.contains(R"("poll_interval_seconds":null)"));
  auto caller = begin();
  pass(100ms);
  CHECK(w.ask(ask).body.contains(R"("poll_interval_seconds":2)"));
  caller.leave();
}

TEST_CASE_FIXTURE(waiting_world, "a waiting request's connection may have its next request behind it") {
  auto caller = w.connect();
  CHECK(caller.say(request("Prefer: wait=1\r\n") + "GET /v1/accounts HTTP/1.1\r\nHost: g\r\n\r\n"));
  pass(1100ms);
  const auto answers = read_answers(caller.heard());
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].headers.at("preference-applied") == "wait=1");
  CHECK(answers[1].body.contains("sandbox"));
  caller.leave();
}

TEST_CASE("completion gives the test account's slot back") {
  waiting_world p{std::string{polls} +
                  "    test_account: demo\ntest_accounts: { demo: { open_sessions: 1, limits: { sessions: [ { rate: "
                  "100, per: 1s } ] } } }\n"};
  auto refused = p.w.connect();
  CHECK(refused.say(example_creation()));
  p.pass(100ms);
  const auto no = p.w.heard(refused);
  auto caller = p.begin();
  p.pass(100ms);
  p.complete();
  p.pass(2s);
  CHECK(p.w.heard(caller));
  CHECK(p.create_patiently().status == 201);
  refused.leave();
  caller.leave();
}

}  // namespace
