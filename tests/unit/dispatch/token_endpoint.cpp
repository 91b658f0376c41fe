#include "dispatch/token_endpoint.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "support/scripted_server.hpp"

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using support::scripted_server;

struct endpoint_fixture : support::loop_fixture {
  scripted_server server{loop, support::serving(support::certificates().server)};
  support::one_address names;
  dispatch::token_endpoint subject{{loop, server, names},
                                   {.target = {.host = "podero.test",
                                               .port = 443,
                                               .server_name = "podero.test",
                                               .tls = support::trusting(support::certificates().authority)},
                                    .host_header = "podero.test",
                                    .path = "/oauth2/token/"}};

  ~endpoint_fixture() {
    server.hang_up();
    settle();
  }

  using outcome = std::optional<std::expected<token::endpoint::reply, std::string>>;
  static transport::task<> ask(dispatch::token_endpoint& of, outcome& into) {
    into = co_await of.ask(secrets::secret{"Basic ZXhhbXBsZTpub3QtcmVhbA=="}, "application/json",
                           R"({"grant_type": "client_credentials"})");
  }
  void ask(outcome& into) { start(ask(subject, into)); }
  std::string error_of(const outcome& from) {
    REQUIRE(from.has_value());
    REQUIRE_FALSE(from->has_value());
    CHECK(from->error().find("ZXhhbXBsZTpub3QtcmVhbA") == std::string::npos);
    return from->error();
  }
};

TEST_CASE_FIXTURE(endpoint_fixture, "the request and the answer go over a connection of their own") {
  server.otherwise([](const auto&) { return scripted_server::answer(200, R"({"access_token":"t"})"); });
  for (int i = 0; i < 2; ++i) {
    const auto asked_at = loop.now();
    outcome got;
    ask(got);
    REQUIRE(got.has_value());
    REQUIRE(got->has_value());
    CHECK((*got)->status == 200);
    CHECK((*got)->body == R"({"access_token":"t"})");
    CHECK((*got)->sent_at == asked_at);
    advance(1s);
  }
  REQUIRE(server.requests.size() == 2);
  CHECK(server.connections() == 2);
  CHECK(server.requests[0].bytes ==
        "POST /oauth2/token/ HTTP/1.1\r\nHost: podero.test\r\nUser-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\nCache-Control: no-cache\r\nContent-Type: application/json\r\n"
        "Authorization: Basic ZXhhbXBsZTpub3QtcmVhbA==\r\nConnection: close\r\nContent-Length: 36\r\n\r\n"
        R"({"grant_type": "client_credentials"})");
}

TEST_CASE_FIXTURE(endpoint_fixture, "a redirect is brought back and never followed") {
  server.then(scripted_server::answer(301, "", "Location: https://podero.test/elsewhere/\r\n"));
  outcome got;
  ask(got);
  REQUIRE(got.has_value());
  REQUIRE(got->has_value());
  CHECK((*got)->status == 301);
  CHECK(server.connections() == 1);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(endpoint_fixture, "what a 429 or a 503 asks for is brought back, and believed up to a limit") {
  const auto asked_for = [this](unsigned status, std::string_view line) {
    server.then(scripted_server::answer(status, "", line));
    outcome got;
    ask(got);
    REQUIRE(got.has_value());
    REQUIRE(got->has_value());
    return (*got)->retry_after;
  };
  CHECK(asked_for(429, "Retry-After: 30\r\n") == 30s);
  CHECK(asked_for(503, "Retry-After: 30\r\n") == 30s);
  CHECK(asked_for(503, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n") == 15min);
  CHECK(asked_for(503, "Retry-After: soon\r\n") == std::nullopt);
  CHECK(asked_for(429, "") == std::nullopt);
  CHECK(asked_for(200, "Retry-After: 30\r\n") == std::nullopt);
}

TEST_CASE_FIXTURE(endpoint_fixture, "an answer without a length ends with the connection") {
  server.then({.bytes = "HTTP/1.1 200 OK\r\n\r\n{}", .close = true});
  outcome got;
  ask(got);
  REQUIRE(got.has_value());
  REQUIRE(got->has_value());
  CHECK((*got)->body == "{}");
}

TEST_CASE_FIXTURE(endpoint_fixture, "answers beyond the limits are refused") {
  server.then(scripted_server::answer(200, std::string(64 * 1024 + 1, 'x')));
  outcome body;
  ask(body);
  CHECK(error_of(body) == "the token endpoint gave no answer: the answer's body is larger than 65536 bytes");
  server.then(scripted_server::answer(200, "{}", "X: " + std::string(60 * 1024, 'x') + "\r\n"));
  outcome head;
  ask(head);
  CHECK(error_of(head) == "the token endpoint gave no answer: the answer's header is larger than 16384 bytes");
}

TEST_CASE_FIXTURE(endpoint_fixture, "an endpoint that says nothing is given up after its time-out") {
  server.then({.silent = true});
  outcome got;
  ask(got);
  advance(10s - 1ms);
  CHECK_FALSE(got.has_value());
  advance(1ms);
  CHECK(error_of(got) == "the token endpoint gave no answer: no answer in time");
}

TEST_CASE_FIXTURE(endpoint_fixture, "a connection that breaks or cannot be had is an error that says so") {
  server.then({.cut_at = 10});
  outcome lost;
  ask(lost);
  CHECK(error_of(lost).starts_with("the token endpoint gave no answer: "));
  server.refuse_connections(1);
  outcome refused;
  ask(refused);
  CHECK(error_of(refused) == "cannot connect to podero.test:443: connection refused");
}

}  // namespace
