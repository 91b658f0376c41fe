// The account's limits, with simulated minutes and many callers: what they are told, and what Podero sees.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>

#include "admission/key.hpp"
#include "flow/podero_world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

std::string key_of(int caller) {
  return "example-key-of-caller-" + std::to_string(caller) + "-not-real";
}

// Callers c0, c1, ... of the given accounts, each with a weight of one.
std::string callers(int how_many, std::string_view accounts = "[sandbox]") {
  std::string yaml = "callers:\n";
  for (int i = 0; i < how_many; ++i) {
    yaml += "  c" + std::to_string(i) + ": { accounts: " + std::string{accounts} + ", key_sha256: [ ";
    for (const auto byte : admission::digest_of(key_of(i))) {
      std::array<char, 3> hex{};
      std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned>(byte));
      yaml += hex.data();
    }
    yaml += " ] }\n";
  }
  return yaml;
}

std::string body_of(int number) {
  auto id = std::to_string(number);
  id.insert(0, 12 - id.size(), '0');
  std::string body{example_body};
  return body.replace(body.find("070dd449a1a5"), 12, id);
}

std::string creation_by(int caller, int number, std::string_view account = "sandbox",
                        std::string_view more_headers = "") {
  auto raw =
      example_creation("Authorization: Bearer " + key_of(caller) + "\r\n" + std::string{more_headers}, body_of(number));
  return raw.replace(raw.find("sandbox"), 7, account);
}

std::string limits(std::string_view sessions, std::string_view queue) {
  return "    limits: { sessions: " + std::string{sessions} + ", queue: " + std::string{queue} + " }\n";
}

// A caller that does as it is told: comes back when Retry-After says, until it has its session.
class obedient {
 public:
  obedient(podero_world& p, int number) : p_{p}, number_{number}, wire_{p.w.connect()} {}

  void begin() { ask(); }
  // Looks for its answer; asks again when it is time.
  void step() {
    if (asking_) {
      const auto got = p_.w.heard(wire_);
      if (!got) return;
      asking_ = false;
      if (got->status == 201) {
        served_at = p_.w.clock.now();
        return;
      }
      REQUIRE(got->status == 429);
      const auto wait = std::chrono::seconds{std::stoi(got->headers.at("retry-after"))};
      told.push_back(p_.w.clock.now() + wait);
      return;
    }
    if (!served_at && p_.w.clock.now() >= told.back()) ask();
  }
  void leave() { wire_.leave(); }

  std::optional<time::instant> served_at;
  std::vector<time::instant> told;

 private:
  void ask() {
    CHECK(wire_.say(creation_by(number_, number_)));
    p_.w.settle();
    asking_ = true;
  }

  podero_world& p_;
  int number_;
  support::memory_peer wire_;
  bool asking_ = false;
};

constexpr int fifty = 50;

enum class stranger : std::uint8_t { absent, obedient, hammering };

struct outcome {
  time::duration last{0};
  std::vector<std::vector<time::instant>> told;  // by caller
  int stranger_created = 0;
};

// Asks ten times a second, whatever it is told.
class hammer {
 public:
  explicit hammer(podero_world& p) : p_{p} {}
  void step() {
    wires_.push_back(p_.w.connect());
    CHECK(wires_.back().say(creation_by(fifty, 1000 + asked_++)));
    p_.w.settle();
    std::erase_if(wires_, [&](auto& wire) {
      const auto got = p_.w.heard(wire);
      if (!got) return false;
      CHECK((got->status == 201 || got->status == 429 || got->status == 503));
      created += got->status == 201 ? 1 : 0;
      wire.leave();
      return true;
    });
  }
  void leave() {
    for (auto& wire : wires_) wire.leave();
  }
  int created = 0;

 private:
  podero_world& p_;
  std::vector<support::memory_peer> wires_;
  int asked_ = 0;
};

// Fifty obedient callers on a window of one per second, and perhaps one more, who comes first.
outcome serve_fifty(stranger who) {
  podero_world p{plain_configuration() + limits("[ { rate: 1, per: 1s } ]", "{ length: 10, max_wait: 2s }") +
                 callers(fifty + 1)};
  outcome seen;
  const auto began = p.w.clock.now();
  hammer hammering{p};
  std::vector<std::unique_ptr<obedient>> all;
  const auto add = [&](int number) {
    all.push_back(std::make_unique<obedient>(p, number));
    all.back()->begin();
  };
  if (who == stranger::obedient) add(fifty);
  if (who == stranger::hammering) hammering.step();
  for (int i = 0; i < fifty; ++i) add(i);
  const auto unserved = [&] {
    return std::ranges::any_of(all, [](const auto& one) { return !one->served_at.has_value(); });
  };
  for (int tick = 0; unserved() && tick < 1000; ++tick) {
    if (who == stranger::hammering && tick != 0) hammering.step();
    for (auto& one : all) one->step();
    // In steps that a permit's time is a multiple of: no lateness of the test's own.
    p.w.advance(50ms);
    p.w.advance(50ms);
  }
  if (who == stranger::obedient) {
    all.front()->leave();
    all.erase(all.begin());
  }
  for (auto& one : all) {
    REQUIRE(one->served_at.has_value());
    seen.last = std::max(seen.last, *one->served_at - began);
    seen.told.push_back(one->told);
    one->leave();
  }
  hammering.leave();
  seen.stranger_created = hammering.created;
  p.w.advance(5s);
  CHECK(p.podero.log().busiest(simulator::operation::create, 1s) == 1);
  return seen;
}

// One per 1.05 s: a second and its stretch.
constexpr auto ideal = fifty * 1050ms;

TEST_CASE("fifty obedient callers on one permit per second are all served within 1.3 of the ideal time") {
  const auto seen = serve_fifty(stranger::absent);
  CHECK(seen.last <= ideal * 13 / 10);
}

TEST_CASE("a caller that asks ten times a second moves nobody and gets no more than its share") {
  const auto calm = serve_fifty(stranger::obedient);
  const auto hammered = serve_fifty(stranger::hammering);
  CHECK(hammered.last <= ideal * 13 / 10);
  CHECK(hammered.stranger_created <= 2);  // one of 51 shares, within one permit
  // As if it asked once and came back when it was told to.
  for (int i = 0; i < fifty; ++i) {
    CAPTURE(i);
    CHECK(hammered.told[static_cast<std::size_t>(i)] == calm.told[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("two accounts that name one test account never exceed its windows and its slots together") {
  const std::string two_accounts = R"(
listeners:
  api: { address: 127.0.0.1 }
accounts:
  sandbox:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-client, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
    test_account: demo
    limits: { queue: { length: 10, max_wait: 10s } }
  staging:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-client, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
    test_account: demo
    limits: { queue: { length: 10, max_wait: 10s } }
test_accounts:
  demo: { open_sessions: 2, slot_ttl: 30s, limits: { sessions: [ { rate: 1, per: 5s }, { rate: 10, per: 2m } ] } }
)";
  podero_world p{two_accounts + callers(4, "[sandbox, staging]")};
  std::vector<support::memory_peer> wires;
  int number = 0;
  int created = 0;
  int no_slot = 0;
  for (int tick = 0; tick < 1200; ++tick) {
    const auto* account = number % 2 == 0 ? "sandbox" : "staging";
    wires.push_back(p.w.connect());
    CHECK(wires.back().say(creation_by(number % 4, number, account)));
    ++number;
    p.w.advance(500ms);
    std::erase_if(wires, [&](auto& wire) {
      const auto got = p.w.heard(wire);
      if (!got) return false;
      created += got->status == 201 ? 1 : 0;
      no_slot += got->body.contains("/problems/no-free-slot") ? 1 : 0;
      wire.leave();
      return true;
    });
  }
  for (auto& wire : wires) wire.leave();
  p.w.settle();
  const auto& log = p.podero.log();
  CHECK(log.busiest(simulator::operation::create, 5s) == 1);
  CHECK(log.busiest(simulator::operation::create, 2min) <= 10);
  // Nobody gives anything back, so that no three are made within the life of a slot.
  CHECK(log.busiest(simulator::operation::create, 30s) <= 2);
  CHECK(no_slot > 0);
  // Two per half a minute for ten minutes, held down by ten in two minutes.
  CHECK(created >= 36);
}

TEST_CASE("a drain gives back what waits, and finishes what was sent") {
  podero_world p{plain_configuration() + limits("[ { rate: 1, per: 5s } ]", "{ length: 10, max_wait: 10s }")};
  CHECK(p.w.ask(example_creation()).status == 201);
  auto waiting = p.w.connect();
  CHECK(waiting.say(example_creation()));
  p.w.settle();
  p.w.gateway->hand_back();
  p.w.gateway->drain(0);
  p.w.settle();
  const auto got = p.w.heard(waiting);
  REQUIRE(got.has_value());
  CHECK(got->status == 503);
  CHECK(got->body.contains("/problems/draining"));
  CHECK(got->body.contains(R"("upstream_effect":"none")"));
  CHECK(got->body.contains(R"("guard":"draining")"));
  waiting.leave();
  p.w.settle();
  CHECK(p.w.gateway->drained());
}

TEST_CASE("a drain gives back at once what waits for a connection, with its key") {
  podero_world p{plain_configuration() + "    pool: { max_connections: 1 }\n    timeouts: { total: 130s }\n"};
  p.instead = simulator::wire_script{};  // Podero says nothing
  auto busy = p.w.connect();
  CHECK(busy.say(example_creation("Idempotency-Key: busy\r\n")));
  p.w.settle();
  auto waiting = p.w.connect();
  CHECK(waiting.say(example_creation("Idempotency-Key: waiting\r\n", body_of(2))));
  p.w.settle();
  p.w.gateway->hand_back();
  p.w.gateway->drain(0);
  p.w.settle();
  const auto got = p.w.heard(waiting);
  REQUIRE(got.has_value());
  CHECK(got->status == 503);
  CHECK(got->body.contains("/problems/draining"));
  CHECK(got->body.contains(R"("upstream_effect":"none")"));
  waiting.leave();
  CHECK_FALSE(p.w.heard(busy));
  p.w.advance(10s);
  CHECK(p.w.heard(busy));
  busy.leave();
  p.w.settle();
  CHECK(p.w.gateway->drained());
  CHECK(p.creations() == 0);
}

TEST_CASE("a creation that waits for its turn is made, also where Podero closes its connection meanwhile") {
  podero_world p{plain_configuration() + limits("[ { rate: 1, per: 10s } ]", "{ length: 10, max_wait: 14s }")};
  p.w.upstream.hidden_idle_limit(9900ms);  // it is taken half a second before its turn, which a stretch makes late
  CHECK(p.w.ask(example_creation()).status == 201);
  auto waiting = p.w.connect();
  CHECK(waiting.say(example_creation("Idempotency-Key: waiting\r\n", body_of(2))));
  p.w.settle();
  std::optional<answer> got;
  for (auto passed = 0ms; passed < 12s && !got; passed += 50ms) {
    p.w.advance(50ms);
    got = p.w.heard(waiting);
  }
  REQUIRE(got.has_value());
  CHECK(got->status == 201);
  CHECK(p.w.upstream.closed_idle() == 1);
  CHECK(p.creations() == 2);
  waiting.leave();
}

TEST_CASE("a read draws a permit like everything else, and a creation window does not hold it up") {
  podero_world p{plain_configuration() +
                 "    limits: { requests: [ { rate: 2, per: 10s } ], sessions: [ { rate: 1, per: 1m } ],"
                 " queue: { length: 10, max_wait: 0s } }\n"};
  const auto created = p.w.ask(example_creation());
  REQUIRE(created.status == 201);
  const auto read = "GET " + created.headers.at("location") + " HTTP/1.1\r\nHost: g\r\n\r\n";
  CHECK(p.w.ask(read).status == 200);
  const auto third = p.w.ask(read);
  CHECK(third.status == 429);
  CHECK(third.body.contains(R"("limit":"requests-10s")"));
  CHECK(third.headers.at("retry-after") == "11");  // ten seconds and their stretch
  p.w.advance(11s);
  CHECK(p.w.ask(read).status == 200);
  const auto again = p.w.ask(example_creation());
  CHECK(again.status == 429);
  CHECK(again.body.contains(R"("limit":"sessions-1m")"));
}

TEST_CASE("a caller's own limit is looked at first and costs the account nothing") {
  podero_world p{plain_configuration() + limits("[ { rate: 3, per: 1m } ]", "{ length: 10, max_wait: 0s }") +
                 callers(2) +
                 "  own: { accounts: [sandbox], key_sha256: [ "
                 "fb70a93b69c9577a98c3bfa0924ccdc33cbca2988dd72a5ebee6512c0551e6fa ],\n"
                 "         limits: { sandbox: { sessions: [ { rate: 1, per: 1h } ] } } }\n"};
  const auto by_own = [](int number) {
    return example_creation("Authorization: Bearer example-key-one\r\n", body_of(number));
  };
  CHECK(p.w.ask(by_own(1)).status == 201);
  for (int i = 0; i < 20; ++i) {
    const auto refused = p.w.ask(by_own(2 + i));
    CHECK(refused.status == 429);
    CHECK(refused.body.contains(R"("guard":"caller")"));
    CHECK(refused.body.contains(R"("limit":"caller-sessions-1h")"));
  }
  CHECK(p.w.ask(creation_by(0, 100)).status == 201);
  CHECK(p.w.ask(creation_by(1, 101)).status == 201);
  CHECK(p.w.ask(creation_by(0, 102)).status == 429);
}

}  // namespace
