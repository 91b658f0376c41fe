#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "support/scripted_server.hpp"

namespace gateway::dispatch {

// Gives t1, t2, ... at once, or what it is told.
struct ready_endpoint final : token::endpoint {
  explicit ready_endpoint(transport::loop& on) : loop{on} {}
  transport::task<std::expected<reply, std::string>> ask(secrets::secret, std::string_view, std::string_view) override {
    ++asked;
    if (held) {
      transport::parking place{loop.ready()};
      waiting = &place;
      co_await place.wait(loop.deadlines(), time::instant::max());
    }
    if (status != 200) co_return reply{status, R"({"error":"invalid_client"})", loop.now(), retry_after};
    co_return reply{200, R"({"access_token":"t)" + std::to_string(asked) + R"(","expires_in":36000})", loop.now()};
  }
  transport::loop& loop;
  void release() {
    held = false;
    waiting->wake_up();
  }
  unsigned status = 200;
  std::optional<time::duration> retry_after;
  int asked = 0;
  bool held = false;  // until `release`
  transport::parking* waiting = nullptr;
};

struct deaf_token_observer final : token::observer {
  void renewed(time::duration) override {}
  void failed(const token::trouble&) override {}
};

struct noting_observer final : observer {
  void exchanged(const errand&, unsigned status, bool, const upstream::exchange_result& result) override {
    exchanges.push_back(status);
    last_sent = result.sent;
  }
  void repeated(operation, std::string_view reason) override { repetitions.emplace_back(reason); }
  void permitted(operation, std::string_view decision) override { permits.emplace_back(decision); }
  void paused(time::duration how_long) override { pauses.push_back(how_long); }
  void connect_failed(const errand&, std::string_view reason) override { connect_failures.emplace_back(reason); }
  void circuit_changed(circuit_state now, std::string_view reason) override {
    circuit.push_back(now);
    circuit_reason = reason;
  }
  void abandoned(const errand&, std::size_t caller) noexcept override { abandoned_of.push_back(caller); }

  std::vector<unsigned> exchanges;
  std::vector<std::string> repetitions;
  std::vector<std::string> permits;
  std::vector<time::duration> pauses;
  std::vector<std::string> connect_failures;
  std::vector<circuit_state> circuit;
  std::string circuit_reason;             // of the last change
  std::vector<std::size_t> abandoned_of;  // whose requests were
  bool last_sent = false;
};

// Unless a test says otherwise, neither the breaker nor the budget stands in its way.
struct way_wishes {
  std::size_t capacity = 64 * 1024;
  std::uint32_t breaker_min_requests = 1'000'000;
  budget_options budget{.floor_per_second = 1000};
  std::size_t connections = 4;
  limiter::account_rules limits{};  // no window
  std::optional<limiter::test_account_rules> test_account{};
};

// The way upstream of one account on one loop, with a scripted server at its end.
struct way_fixture : support::loop_fixture {
  explicit way_fixture(way_wishes w = {})
      : server{loop, identity(), w.capacity},
        connections{w.connections},
        health{{.min_requests = w.breaker_min_requests}, w.budget},
        domain{rules(std::move(w.limits), std::move(w.test_account)), loop} {
    tokens_source.start();
    settle();
  }
  ~way_fixture() {
    pool.close_idle();
    settle();
    server.hang_up();
    settle();
  }

  static std::shared_ptr<tls::server_context> identity() { return support::serving(support::certificates().server); }
  static upstream::target where() {
    return {.host = "podero.test",
            .port = 443,
            .server_name = "podero.test",
            .tls = support::trusting(support::certificates().authority)};
  }

  support::scripted_server server;
  support::one_address names;
  upstream::connection_budget connections;
  // Nothing is opened ahead of need, so that a test knows what each connection is for.
  upstream::pool pool{{loop, server, names}, where(), {.ready_connections = 0}, connections, [] { return 0.5; }};
  ready_endpoint endpoint{loop};
  deaf_token_observer token_observer;
  token::keeper tokens_source{{.home = loop,
                               .endpoint = endpoint,
                               .credentials = []() -> std::expected<token::credentials, std::string> {
                                 return token::credentials{"id", secrets::secret{"example-secret-not-real"}};
                               },
                               .options = {},
                               .uniform = [] { return 0.0; },
                               .observer = token_observer}};
  token::view tokens{loop, tokens_source};
  upstream::wire wire{"podero.test", "/api"};
  noting_observer noted;
  account_health health;
  limiter::shared_domain domain;
  limiter::gate gate{loop, domain, 0};
  random::seeded_source randomness{7};
  trace::span_queue spans{64};
  trace::tracer tracer{randomness, &spans, 1.0};
  dispatcher way{over(pool), settings()};

  // The way over these connections.
  dispatcher::parts over(upstream::pool& connections_of) {
    return {.loop = loop,
            .pool = connections_of,
            .tokens = tokens,
            .wire = wire,
            .health = health,
            .limits = gate,
            .uniform = [] { return 0.5; },
            .observer = noted,
            .tracer = tracer};
  }

  // One account, and two callers of the same weight.
  static limiter::domain_rules rules(limiter::account_rules account,
                                     std::optional<limiter::test_account_rules> test_account) {
    account.name = "sandbox";
    limiter::domain_rules all;
    all.test_account = std::move(test_account);
    all.accounts.push_back(std::move(account));
    for (const auto* name : {"portal", "batch"}) all.callers.push_back({.name = name, .on = {limiter::own_rules{}}});
    return all;
  }
  static options settings() {
    options how;
    how.account = "sandbox";
    how.server = "podero.test";
    how.port = 443;
    how.longest_pause = std::chrono::seconds{60};
    return how;
  }

  // As far as anybody knows.
  void token_works() {
    tokens.accepted(1);
    settle();
  }

  // One call and what became of it.
  struct result {
    std::optional<std::expected<void, errors::failure>> got;
    workspace space;
    transport::departure caller;
    unsigned status() const { return space.answer.head.status; }
    const errors::failure& failure() const {
      REQUIRE(got.has_value());
      REQUIRE_FALSE(got->has_value());
      return got->error();
    }
    bool delivered() const { return got.has_value() && got->has_value(); }
  };
  static transport::task<> run(dispatcher& on, call what, result& into) {
    into.got = co_await on.send(what, into.space);
  }
  void create(result& into, std::string_view body = "{}", time::duration within = std::chrono::seconds{15}) {
    create_over(way, into, body, within);
  }
  void create_over(dispatcher& on, result& into, std::string_view body, time::duration within) {
    call what;
    what.what = operation::create_session;
    what.body = body;
    what.deadline = loop.now() + within;
    what.caller = &into.caller;
    start(run(on, what, into));
  }
  void read(result& into, time::duration within = std::chrono::seconds{15}) {
    call what;
    what.what = operation::read_session;
    what.session_id = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
    what.deadline = loop.now() + within;
    what.caller = &into.caller;
    start(run(way, what, into));
  }
  // In a trace of its own.
  void create_traced(result& into) {
    into.space.trace = tracer.begin({}).own;
    create(into);
  }
  // The finished span of that stage, or of the exchange with an empty name; that there was none is an empty one.
  trace::span span_of(std::string_view stage) {
    trace::span one;
    while (spans.pop(one))
      if (one.name == stage) return one;
    return {};
  }
  void leave(result& who) {
    who.caller.happen(loop.ready());
    settle();
  }
};

}  // namespace gateway::dispatch
