// Batches that last: what is in force changes while they run, and what became of a line is on record.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <future>

using namespace gateway::socket_tests;
using gateway::support::eventually;

namespace {

constexpr std::string_view ndjson = "Content-Type: application/x-ndjson\r\n";

std::string lines(int how_many) {
  std::string all;
  for (int i = 0; i < how_many; ++i) all += R"({"body":)" + body_for(i) + "}\n";
  return all;
}

// Slow enough that something can happen on the way.
std::string configured(const caller_key& key, std::string_view more = "") {
  return key.yaml + "    accounts: [ sandbox ]\n" + std::string{more};
}

struct slow_batch {
  explicit slow_batch(const caller_key& key)
      : how{[&] {
          auto made = configuration::of(podero, folder);
          made.account_more = "    limits: { sessions: [ { rate: 5, per: 1s } ] }\n";
          made.more = configured(key);
          return made;
        }()},
        gateway{how} {}

  std::future<answer> send(const caller_key& by, int how_many) {
    return std::async(std::launch::async, [this, headers = by.header(), how_many] {
      auto over = gateway.caller();
      return over.call("POST", std::string{sessions_path} + "/batch", lines(how_many), std::string{ndjson} + headers);
    });
  }
  void reload() {
    gateway.rewrite(how);
    gateway.process().signal(SIGHUP);
    gateway.process().line_with("configuration reloaded");
  }
  std::int64_t created() const { return podero.counter("creations"); }

  gateway::support::scratch_folder folder;
  running_simulator podero;
  configuration how;
  running_gateway gateway;
};

}  // namespace

TEST_CASE("Who loses the key begins no further line, and the summary says why") {
  const auto key = make_caller_key("portal");
  slow_batch running{key};
  auto sending = running.send(key, 100);
  REQUIRE(eventually([&] { return running.created() >= 3; }));
  running.how.more = configured(make_caller_key("portal"));
  running.reload();
  const auto got = sending.get();
  CHECK(got.status == 200);
  CHECK(got.body.contains(R"("complete":false,"problem":{"type":"/problems/unauthenticated")"));
  CHECK(running.created() < 50);
  CHECK(got.body.contains(R"("created":)" + std::to_string(running.created()) + ","));
}

TEST_CASE("A batch that goes on goes by what is in force when a line is begun") {
  const auto key = make_caller_key("portal");
  slow_batch running{key};
  auto sending = running.send(key, 30);
  REQUIRE(eventually([&] { return running.created() >= 3; }));
  running.how.account_more += "    require_idempotency_key: true\n";
  running.reload();
  const auto got = sending.get();
  CHECK(got.body.contains("/problems/idempotency-key-missing"));
  CHECK(got.body.contains(R"("complete":true)"));
  CHECK(running.created() < 30);
}

TEST_CASE("A line of which nobody knows what became of it is on record, and every line is counted") {
  const auto key = make_caller_key("portal");
  slow_batch running{key};
  running.podero.order("POST", "/faults",
                       R"({"match":{"operation":"create","times":1},"action":{"reset_after_sent":25}})");
  const auto got = running.send(key, 2).get();
  CHECK(got.body.contains(R"("upstream_effect":"unknown")"));
  const auto line = running.gateway.process().line_with("session may have been created");
  CHECK(line.contains(R"("audit":true)"));
  CHECK(line.contains(R"("line":1)"));
  CHECK(line.contains(R"("caller":"portal")"));
  CHECK(line.contains(R"("effect":"unknown")"));
  const auto counted = [&](std::string_view code, std::string_view problem) {
    return running.gateway.metric(R"(onboarding_gateway_batch_lines_total{account="sandbox",caller="portal",code=")" +
                                  std::string{code} + R"(",problem=")" + std::string{problem} + R"("})");
  };
  CHECK(counted("201", "") == 1);
  CHECK(counted("502", "upstream-error") == 1);
  const auto judged = [&](std::string_view verdict) {
    return running.gateway.metric(R"(onboarding_gateway_service_level_requests_total{account="sandbox",verdict=")" +
                                  std::string{verdict} + R"("})");
  };
  CHECK(judged("excluded") == 1);
  CHECK(eventually([&] { return judged("good") == 2; }));  // the other line, and the batch itself
  CHECK(judged("bad") == 0);
  const auto problem = get(running.gateway.admin(), "/status").json().at("problems").as_array().at(0);
  CHECK(text_in(problem, "problem") == "upstream-error");
  CHECK(text_in(problem, "route") == "create_batch");
}

TEST_CASE("What is known already, and what is wrong with a line, is said though the window has no room for an hour") {
  const gateway::support::scratch_folder folder;
  const running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.account_more = "    limits: { sessions: [ { rate: 2, per: 1h } ] }\n";
  const running_gateway gateway{how};
  auto caller = gateway.caller();
  std::string again;
  for (const std::string key : {"order-1", "order-2"}) {
    const auto made = caller.call("POST", sessions_path, body_for(7),
                                  std::string{json_body} + "Idempotency-Key: \"" + key + "\"\r\n");
    CHECK(made.status == 201);
    again += R"({"idempotency_key":")" + key + R"(","body":)" + body_for(7) + "}\n";
  }
  again += R"({"idempotency_key":"order-1","body":)" + body_for(8) + "}\n";
  again += R"({"idempotency_key":"order-3","body":{"user_id":"nobody"}})" + std::string{"\n"};
  again += R"({"body":{"user_id":"nobody"}})" + std::string{"\n"};
  const auto got = caller.call("POST", std::string{sessions_path} + "/batch", again, ndjson);
  CHECK(got.status == 200);
  CHECK(got.body.contains(R"({"summary":{"lines":5,"created":0,"reused":0,"replayed":2,"failed":3,"complete":true}})"));
  CHECK(got.body.contains("/problems/idempotency-key-reused"));
  CHECK(podero.counter("creations") == 2);
}
