// Every operation of the contract, answered in each way that every operation has, and that those have which ask Podero.
// What such an answer must look like is checked by tests/contract, which is told of all of them (support/recording).
#include <doctest/doctest.h>

#include "flow/hostile/world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace gateway::flow::hostile;
using namespace std::chrono_literals;

enum class body_of : std::uint8_t { none, json, lines };

struct operation {
  std::string_view method;
  std::string path;
  body_of body = body_of::none;
  bool for_callers = true;
  bool asks_podero = false;

  bool of_an_account() const { return path.contains("/sandbox"); }
};

const std::string account_path = "/v1/accounts/sandbox";
const std::string some_session = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
const std::string pumps_path = account_path + "/users/a169451c-8525-4352-b8ca-070dd449a1a5/heat-pumps";

const std::vector<operation> operations{
    {.method = "POST", .path = sessions_path, .body = body_of::json, .asks_podero = true},
    {.method = "POST", .path = sessions_path + "/batch", .body = body_of::lines},
    {.method = "GET", .path = sessions_path + "/" + some_session, .asks_podero = true},
    {.method = "DELETE", .path = sessions_path + "/" + some_session + "/slot"},
    {.method = "POST", .path = account_path + "/users", .body = body_of::json, .asks_podero = true},
    {.method = "GET", .path = pumps_path, .asks_podero = true},
    {.method = "GET", .path = pumps_path + "/" + some_session, .asks_podero = true},
    {.method = "GET", .path = "/v1/accounts"},
    {.method = "GET", .path = account_path},
    {.method = "GET", .path = "/openapi.json", .for_callers = false},
    {.method = "GET", .path = "/problems/rate-limited", .for_callers = false},
};

// A request of that operation that lacks nothing, with `more` header lines.
std::string request_of(const operation& op, std::string_view more = "", std::string_view who = authorization) {
  std::string out = std::string{op.method} + " " + op.path + " HTTP/1.1\r\nHost: g\r\n" + std::string{who};
  if (op.body == body_of::none) return out + std::string{more} + "\r\n";
  const std::string user = R"({"email":"jane@example.com"})";
  auto body = op.path.ends_with("/users") ? user : std::string{example_body};
  if (op.body == body_of::lines) body = "{\"body\":" + body + "}\n";
  if (!more.contains("Content-Type"))
    out += op.body == body_of::lines ? "Content-Type: application/x-ndjson\r\n" : json_type;
  return out + length_of(body) + std::string{more} + "\r\n" + body;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

simulator::wire_script silence() {
  return {.steps = {{.what = simulator::step::kind::stall}}, .keep_alive = false};
}

std::string organised_configuration(std::string_view more) {
  return replaced(guarded_configuration(), "  sandbox:\n",
                  "  sandbox:\n    org_id: 016b78a7-0c7c-4241-a277-015c3ad3cb90\n" + std::string{more});
}

struct documented_world : podero_world {
  explicit documented_world(std::string_view more_of_account = "", const std::string& more = "")
      : podero_world{organised_configuration(more_of_account) + more} {}

  // What is heard, within two minutes.
  answer told(support::memory_peer& caller) {
    auto got = w.heard(caller);
    for (int i = 0; i < 1200 && !got; ++i) {
      w.advance(100ms);
      got = w.heard(caller);
    }
    return got.value_or(answer{});
  }
  answer ask(const std::string& raw) {
    auto caller = w.connect();
    CHECK(caller.say(raw));
    w.settle();
    auto got = told(caller);
    caller.leave();
    w.settle();
    return got;
  }
  void check(const operation& op, const std::string& raw, unsigned status, std::string_view problem) {
    CAPTURE(op.method);
    CAPTURE(op.path);
    const auto got = ask(raw);
    CAPTURE(got.body);
    CHECK(got.status == status);
    CHECK(member_of(got, "type") == "/problems/" + std::string{problem});
  }
};

TEST_CASE("whatever is asked for, what is wrong with asking is told in the same way") {
  documented_world p;
  for (const auto& op : operations) {
    const auto good = request_of(op);
    p.check(op, request_of(op, "Expect: miracles\r\n"), 400, "malformed-request");
    p.check(op, replaced(good, op.method, "PATCH"), 405, "method-not-allowed");
    p.check(op, request_of(op, "Accept: image/png\r\n"), 406, "not-acceptable");
    p.check(op, good.substr(0, good.find("Host")), 408, "request-timeout");
    p.check(op, replaced(good, " HTTP", "?" + std::string(20000, 'x') + " HTTP"), 414, "uri-too-long");
    p.check(op, request_of(op, "X-Long: " + std::string(40000, 'x') + "\r\n"), 431, "headers-too-large");
    if (op.for_callers) p.check(op, request_of(op, "", ""), 401, "unauthenticated");
    if (op.body != body_of::lines)
      p.check(op, request_of({.method = op.method, .path = op.path}, json_type + "Content-Length: 9999999\r\n"), 413,
              "content-too-large");
    if (op.body != body_of::none)
      p.check(op, request_of(op, "Content-Type: text/plain\r\n"), 415, "unsupported-media-type");
    if (!op.of_an_account()) continue;
    p.check(op, replaced(good, "sandbox", "production"), 403, "forbidden");
    p.check(op, replaced(good, "sandbox", "nowhere"), 404, "not-found");
  }
}

TEST_CASE("whatever is asked for, a gateway that is full says so") {
  documented_world p{"", "overload: { max_in_flight: 1 }\n"};
  p.instead = silence();
  auto busy = p.w.connect();
  CHECK(busy.say(request_of(operations.front())));
  p.w.settle();
  for (const auto& op : operations) p.check(op, request_of(op), 503, "overloaded");
  busy.leave();
}

TEST_CASE("whatever Podero is asked for, its refusals and its silence are told in the same way") {
  documented_world p;
  for (const auto& op : operations) {
    if (!op.asks_podero) continue;
    const auto refusing = [&](unsigned status) {
      p.next_answer = [status](simulator::response& r) {
        r.status = status;
        r.body = R"({"detail":"no"})";
      };
    };
    refusing(403);
    p.check(op, request_of(op), 403, "upstream-forbidden");
    refusing(409);
    p.check(op, request_of(op), 409, "upstream-conflict");
    refusing(418);
    p.check(op, request_of(op), 502, "upstream-error");
    p.look = [&](const simulator::request&) { p.instead = silence(); };  // a read is asked again
    p.check(op, request_of(op), 504, "upstream-timeout");
    p.look = {};
    p.instead.reset();
  }
}

TEST_CASE("whatever Podero is asked for, a window without room is told in the same way") {
  for (const auto& op : operations) {
    if (!op.asks_podero) continue;
    documented_world p{"    limits: { requests: [ { rate: 1, per: 1h } ], queue: { max_wait: 1s } }\n"};
    CHECK(p.ask(request_of(operations.front())).status == 201);
    p.check(op, request_of(op), 429, "rate-limited");
  }
}

TEST_CASE("a user's devices have not changed since they were read, and are not sent again") {
  documented_world p;
  const auto read = get(pumps_path);
  const auto first = p.ask(read);
  CHECK(first.status == 200);
  const auto again = p.ask(replaced(read, "\r\n\r\n", "\r\nIf-None-Match: " + header_of(first, "etag") + "\r\n\r\n"));
  CHECK(again.status == 304);
  CHECK(again.body == "");
}

TEST_CASE("whatever is asked for, a fault of the gateway's own is told as such, and not what it was") {
  documented_world p;
  for (const auto& op : operations) {
    p.w.randomness.fails = true;
    const auto got = p.ask(request_of(op, "X-Request-Id: it-fails\r\n"));
    CAPTURE(op.path);
    CHECK(got.status == 500);
    CHECK(member_of(got, "type") == "/problems/internal-error");
    CHECK(member_of(got, "upstream_effect") == "none");
    CHECK_FALSE(got.body.contains("chance"));
    CHECK_FALSE(p.w.randomness.fails);
  }
  CHECK(p.w.logged().contains("chance"));
}

TEST_CASE("a fault in the middle of a request is told as such, too") {
  documented_world p;
  p.w.find_problem_page = [](std::string_view) -> std::optional<proto_free_api::problem_page> {
    throw std::runtime_error{"the shelf fell down"};
  };
  const auto got = p.ask(get("/problems/rate-limited"));
  CHECK(got.status == 500);
  CHECK(member_of(got, "type") == "/problems/internal-error");
  CHECK_FALSE(got.body.contains("shelf"));
}

TEST_CASE("what needs org_id says so where there is none") {
  guarded_world p;
  for (const auto& op : operations) {
    if (!op.path.contains("/users")) continue;
    auto caller = p.w.connect();
    CHECK(caller.say(request_of(op)));
    p.w.settle();
    const auto got = p.w.heard(caller);
    REQUIRE(got);
    CHECK(got->status == 501);
    caller.leave();
    p.w.settle();
  }
}

}  // namespace
