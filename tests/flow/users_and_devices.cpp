// Podero's users and devices, through the whole gateway.
#include <doctest/doctest.h>

#include "flow/podero_world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

constexpr std::string_view organisation = "    org_id: 016b78a7-0c7c-4241-a277-015c3ad3cb90\n";
constexpr std::string_view user = "a169451c-8525-4352-b8ca-070dd449a1a5";

std::string with_body(std::string_view path, std::string_view body, std::string_view more_headers = "") {
  return "POST /v1/accounts/sandbox" + std::string{path} +
         " HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n" + std::string{more_headers} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}
std::string get(std::string_view path, std::string_view more_headers = "") {
  return "GET /v1/accounts/sandbox" + std::string{path} + " HTTP/1.1\r\nHost: g\r\n" + std::string{more_headers} +
         "\r\n";
}

bool logged(podero_world& of, std::string_view text) {
  return of.w.logged().find(text) != std::string::npos;
}

struct organised_world : podero_world {
  explicit organised_world(const std::string& more = std::string{organisation})
      : podero_world{plain_configuration() + more} {}

  std::uint64_t users_asked() { return podero.log().requests(simulator::operation::users); }
  std::uint64_t devices_asked() { return podero.log().requests(simulator::operation::devices); }
  answer ask(const std::string& raw) {
    auto caller = w.connect();
    CHECK(caller.say(raw));
    w.settle();
    auto got = w.heard(caller);
    for (int i = 0; i < 200 && !got; ++i) {
      w.advance(100ms);
      got = w.heard(caller);
    }
    caller.leave();
    w.settle();
    return got.value_or(answer{});
  }
  answer make_user(std::string_view body = R"({"email":"jane@example.com","external_user_id":"4711"})",
                   std::string_view headers = "") {
    return ask(with_body("/users", body, headers));
  }
  // A heat pump, through a session of the user's.
  std::string onboard() {
    const auto made = create_patiently();
    REQUIRE(made.status == 201);
    auto* const session = podero.session_book().find(text_of(made.body, "id"));
    REQUIRE(podero.complete(*session, {.type = simulator::device_type::heat_pump, .model = "example"}, {}) ==
            simulator::completion::done);
    return *session->object_id;
  }
  std::string pumps(std::string_view device = "") const {
    auto path = "/users/" + std::string{user} + "/heat-pumps";
    if (!device.empty()) path += "/" + std::string{device};
    return path;
  }
};

TEST_CASE("a user that was made is on record once, with its request and never with who it is") {
  organised_world p;
  const std::string_view jane = R"({"email":"jane@example.com"})";
  CHECK(p.make_user(jane, "X-Request-Id: ticket-1\r\n").status == 201);
  CHECK(logged(p, R"("msg":"user created","request_id":"ticket-1","trace_id":")"));
  CHECK(p.make_user(R"({"email":"john@example.com"})", "X-Request-Id: ticket-2\r\nIdempotency-Key: k\r\n").status ==
        201);
  CHECK(logged(p, R"("msg":"user created","request_id":"ticket-2","trace_id":")"));
  p.make_user(R"({"email":"john@example.com"})", "X-Request-Id: ticket-3\r\nIdempotency-Key: k\r\n");
  CHECK_FALSE(logged(p, R"("msg":"user created","request_id":"ticket-3")"));
  CHECK_FALSE(logged(p, "example.com"));
  CHECK(p.w.metrics().find(R"(sessions_total{account="sandbox",outcome="created"} 0)") != std::string::npos);
}

TEST_CASE_FIXTURE(organised_world, "a user is made with the role that a session needs, and the answer is Podero's") {
  std::string sent;
  look = [&](const simulator::request& r) { sent = r.body; };
  const auto made = make_user();
  CHECK(made.status == 201);
  CHECK(sent == R"({"email":"jane@example.com","external_user_id":"4711","role":"user"})");
  CHECK(text_of(made.body, "email") == "jane@example.com");
  CHECK(text_of(made.body, "id").size() == 36);
  CHECK(made.headers.at("cache-control") == "no-store");
  CHECK(made.headers.contains("ratelimit-policy") == false);  // no windows are configured
  CHECK(podero.household_book().knows_user(text_of(made.body, "id")));
}

TEST_CASE_FIXTURE(organised_world, "every fault of a user's body is told at once, and nothing is sent") {
  const auto refused = make_user(R"({"email":"jane","role":"admin","external_user_id":7})");
  CHECK(refused.status == 422);
  for (const char* part :
       {R"("pointer":"#/email","code":"invalid-email")", R"("pointer":"#/role","code":"role-not-allowed")",
        R"("pointer":"#/external_user_id","code":"wrong-type")"})
    CHECK(refused.body.contains(part));
  CHECK(make_user("{}").body.contains(R"("pointer":"#/email","code":"missing")"));
  CHECK(make_user("[]").status == 400);
  CHECK(make_user(R"({"email":"a@b","email":"c@d"})").status == 400);
  CHECK(users_asked() == 0);
}

TEST_CASE("what an account that refuses unknown members accepts of a user") {
  organised_world p{std::string{organisation} + "    unknown_members: refuse\n"};
  CHECK(p.make_user(R"({"email":"a@b","nickname":"j"})").body.contains(R"("code":"unknown-member")"));
  CHECK(p.make_user(R"({"email":"a@b"})").status == 201);
}

TEST_CASE_FIXTURE(organised_world, "a key makes one user, and the same answer again, byte for byte") {
  const auto first = make_user(R"({"email":"jane@example.com"})", "Idempotency-Key: k1\r\n");
  REQUIRE(first.status == 201);
  const auto again = make_user(R"({ "email" : "jane@example.com" })", "Idempotency-Key: \"k1\"\r\n");
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
  CHECK(again.headers.at("idempotent-replayed") == "true");
  CHECK(users_asked() == 1);
  CHECK(make_user(R"({"email":"joe@example.com"})", "Idempotency-Key: k1\r\n").body.contains("idempotency-key-reused"));
  // A session's key of the same name is another one.
  CHECK(ask(example_creation("Idempotency-Key: k1\r\n")).status == 201);
  CHECK(users_asked() == 1);
}

TEST_CASE_FIXTURE(organised_world, "two requests with one key at the same time make one user") {
  auto one = w.connect();
  auto other = w.connect();
  const auto raw = with_body("/users", R"({"email":"jane@example.com"})", "Idempotency-Key: k\r\n");
  CHECK(one.say(raw));
  CHECK(other.say(raw));
  for (int i = 0; i < 30; ++i) w.advance(100ms);
  const auto first = w.heard(one);
  const auto second = w.heard(other);
  REQUIRE((first && second));
  CHECK(first->status == 201);
  CHECK(first->body == second->body);
  CHECK(users_asked() == 1);
  one.leave();
  other.leave();
}

TEST_CASE_FIXTURE(organised_world, "a user's creation whose outcome is not known is never repeated") {
  always = [](simulator::response& r) { r.status = 503; };
  const auto lost = make_user(R"({"email":"jane@example.com"})", "Idempotency-Key: k\r\n");
  CHECK(lost.status == 502);
  CHECK(text_of(lost.body, "upstream_effect") == "unknown");
  always = {};
  const auto again = make_user(R"({"email":"jane@example.com"})", "Idempotency-Key: k\r\n");
  CHECK(text_of(again.body, "upstream_effect") == "unknown");
  CHECK(users_asked() == 1);
}

TEST_CASE_FIXTURE(organised_world,
                  "whoever waits for a user waits within its own time, and what was sent is finished") {
  const auto raw = with_body("/users", R"({"email":"jane@example.com"})", "Idempotency-Key: k\r\nPrefer: wait=1\r\n");
  look = [&](const simulator::request& r) {
    auto slow = simulator::make_script(podero.handle(r), {});
    slow.steps.insert(slow.steps.begin(), {.what = simulator::step::kind::wait, .duration = 5s});
    instead = std::move(slow);
  };
  auto first = w.connect();
  CHECK(first.say(raw));
  w.settle();
  auto second = w.connect();
  CHECK(second.say(raw));
  for (int i = 0; i < 12; ++i) w.advance(100ms);
  const auto late = w.heard(first);
  REQUIRE(late);
  CHECK(late->status == 504);
  CHECK(text_of(late->body, "upstream_effect") == "unknown");
  const auto busy = w.heard(second);
  REQUIRE(busy);
  CHECK(text_of(busy->body, "type") == "/problems/idempotency-in-progress");
  CHECK(text_of(busy->body, "upstream_effect") == "unknown");
  first.leave();
  second.leave();
  look = {};
  for (int i = 0; i < 60; ++i) w.advance(100ms);
  const auto then = ask(raw);
  CHECK(then.status == 201);
  CHECK(then.headers.at("idempotent-replayed") == "true");
  CHECK(users_asked() == 1);
}

TEST_CASE_FIXTURE(organised_world, "a key's other body is refused as that, whatever else is wrong with it") {
  REQUIRE(make_user(R"({"email":"jane@example.com"})", "Idempotency-Key: k\r\n").status == 201);
  CHECK(text_of(make_user(R"({"email":"jane"})", "Idempotency-Key: k\r\n").body, "type") ==
        "/problems/idempotency-key-reused");
  CHECK(text_of(make_user(R"({"email":"jane"})", "Idempotency-Key: new\r\n").body, "type") ==
        "/problems/validation-failed");
}

TEST_CASE_FIXTURE(organised_world, "what was asked of Podero says how long that took, what was kept does not") {
  const auto asked = ask(get(pumps()));
  CHECK(asked.headers.contains("server-timing"));
  CHECK_FALSE(ask(get(pumps())).headers.contains("server-timing"));
  const auto made = create_patiently();
  const auto session = "/onboarding-sessions/" + text_of(made.body, "id");
  CHECK(ask(get(session, "Cache-Control: no-cache\r\n")).headers.contains("server-timing"));
}

TEST_CASE_FIXTURE(organised_world, "a wait bounds a look at Podero, too") {
  const auto made = create_patiently();
  always = [](simulator::response& r) { r.status = 200; };
  look = [&](const simulator::request& r) {
    auto slow = simulator::make_script(podero.handle(r), {});
    slow.steps.insert(slow.steps.begin(), {.what = simulator::step::kind::wait, .duration = 4s});
    instead = std::move(slow);
  };
  auto caller = w.connect();
  CHECK(caller.say(
      get("/onboarding-sessions/" + text_of(made.body, "id"), "Cache-Control: no-cache\r\nPrefer: wait=1\r\n")));
  for (int i = 0; i < 12; ++i) w.advance(100ms);
  const auto got = w.heard(caller);
  REQUIRE(got);
  CHECK(got->status == 504);
  caller.leave();
}

TEST_CASE_FIXTURE(organised_world, "Podero's refusals of a user are mapped like those of a session") {
  next_answer = [](simulator::response& r) {
    r.status = 422;
    r.body = R"({"detail":[{"type":"value_error","loc":["body","payload","email"],"msg":"is taken"}]})";
  };
  const auto refused = make_user();
  CHECK(refused.status == 422);
  CHECK(refused.body.contains(R"("pointer":"#/email")"));
  next_answer = [](simulator::response& r) { r.body = R"({"role":"user"})"; };
  const auto unusable = make_user();
  CHECK(unusable.status == 502);
  CHECK(text_of(unusable.body, "upstream_effect") == "created");
}

TEST_CASE("without org_id users and devices are 501, naming the key") {
  organised_world p{""};
  const auto refused = p.make_user();
  CHECK(refused.status == 501);
  CHECK(refused.body.contains("accounts.sandbox.org_id"));
  const auto devices = p.ask(get(p.pumps()));
  CHECK(devices.status == 501);
  CHECK(devices.body.contains("/problems/not-configured"));
  CHECK(p.users_asked() + p.devices_asked() == 0);
}

TEST_CASE("a creation of a user needs a key where the account says so, and draws no slot and no creation's permit") {
  organised_world p{std::string{organisation} +
                    "    require_idempotency_key: true\n    limits: { sessions: [ { rate: 1, per: 1h } ] }\n"};
  CHECK(p.make_user().status == 400);
  for (int i = 0; i < 3; ++i)
    CHECK(p.make_user(R"({"email":"a@b"})", "Idempotency-Key: k" + std::to_string(i) + "\r\n").status == 201);
}

TEST_CASE_FIXTURE(organised_world, "devices come as Podero sends them, are kept for a short while, and have a tag") {
  const auto device = onboard();
  const auto list = ask(get(pumps()));
  CHECK(list.status == 200);
  CHECK(list.body.contains(device));
  const auto one = ask(get(pumps(device)));
  CHECK(text_of(one.body, "id") == device);
  CHECK(one.headers.at("cache-control").starts_with("private, max-age="));
  const auto so_far = devices_asked();
  CHECK(so_far == 2);
  CHECK(ask(get(pumps(device))).body == one.body);
  CHECK(devices_asked() == so_far);
  const auto unchanged = ask(get(pumps(device), "If-None-Match: " + one.headers.at("etag") + "\r\n"));
  CHECK(unchanged.status == 304);
  CHECK(unchanged.body.empty());
  CHECK(ask(get(pumps(device), "Cache-Control: no-cache\r\n")).status == 200);
  CHECK(devices_asked() == so_far + 1);
  w.advance(5s);
  CHECK(ask(get(pumps(device))).status == 200);
  CHECK(devices_asked() == so_far + 2);
}

TEST_CASE_FIXTURE(organised_world, "however many ask for the same at once, Podero is asked once") {
  onboard();
  std::vector<support::memory_peer> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(w.connect());
    CHECK(all.back().say(get(pumps())));
  }
  for (int i = 0; i < 5; ++i) w.advance(100ms);
  for (auto& one : all) {
    const auto got = w.heard(one);
    REQUIRE(got);
    CHECK(got->status == 200);
    one.leave();
  }
  CHECK(devices_asked() == 1);
}

TEST_CASE_FIXTURE(organised_world, "nothing but what is configured is handed on, and no id that is none") {
  const auto base = "/users/" + std::string{user};
  for (const auto& path : {base + "/wallboxes", base + "/..", base + "/heat-pumps/not-a-uuid", base + "/Heat-Pumps",
                           std::string{"/users/nobody/heat-pumps"}})
    CHECK_MESSAGE(ask(get(path)).status == 404, path);
  CHECK(devices_asked() == 0);
  CHECK(ask(get(pumps("497f6eca-6276-4993-bfeb-53cbbbba6f08"))).status == 404);
  CHECK(devices_asked() == 1);
}

TEST_CASE("other types of devices by configuration; zero keeps nothing") {
  organised_world p{std::string{organisation} + "    devices: { types: [ heat-pumps, wallboxes ], cache: 0s }\n"};
  std::string target;
  p.look = [&](const simulator::request& r) { target = r.target; };
  p.instead =
      simulator::make_script({.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = "[]"}, {});
  const auto got = p.ask(get("/users/A169451C-8525-4352-b8ca-070dd449a1a5/wallboxes"));
  CHECK(got.body == "[]");
  CHECK(got.headers.at("cache-control") == "private, max-age=0");
  CHECK(target ==
        "/api/partners/v2.0/org/016b78a7-0c7c-4241-a277-015c3ad3cb90/users/" + std::string{user} + "/wallboxes");
  CHECK(p.ask(get(p.pumps())).status == 200);
  CHECK(p.ask(get(p.pumps())).status == 200);
  CHECK(p.devices_asked() == 2);
}

TEST_CASE_FIXTURE(organised_world, "what is no answer about devices is handed on to nobody") {
  for (const char* body : {"<html>", "{}", "[1]", ""}) {
    next_answer = [&](simulator::response& r) { r.body = body; };
    CHECK_MESSAGE(ask(get(pumps())).status == 502, body);
  }
  CHECK(ask(get(pumps())).status == 200);
}

}  // namespace
