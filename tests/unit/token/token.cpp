#include <doctest/doctest.h>

#include <string>

#include "token/renewal.hpp"
#include "token/request.hpp"

namespace {

using namespace gateway;
using namespace gateway::token;
using namespace std::chrono_literals;

constexpr time::instant start{1000s};

granted grant_of(std::string_view token, std::optional<time::duration> lifetime) {
  return {secrets::secret{token}, lifetime};
}

TEST_CASE("credentials are form-urlencoded before base64") {
  const auto header = [](std::string_view id, std::string_view secret) {
    return std::string{basic_authorization({std::string{id}, secrets::secret{secret}}).reveal()};
  };
  CHECK(header("Aladdin", "open") == "Basic QWxhZGRpbjpvcGVu");
  CHECK(header("a:b", "c d+%\xc3\xbc") == "Basic YSUzQWI6YytkJTJCJTI1JUMzJUJD");  // a%3Ab:c+d%2B%25%C3%BC
}

TEST_CASE("both encodings ask for the same grant") {
  CHECK(request_body(encoding::json) == R"({"grant_type": "client_credentials"})");
  CHECK(content_type(encoding::json) == "application/json");
  CHECK(request_body(encoding::form) == "grant_type=client_credentials");
  CHECK(content_type(encoding::form) == "application/x-www-form-urlencoded");
}

TEST_CASE("the documented answer is a grant") {
  const auto got = read_answer(
      200, R"({"access_token": "example-token", "expires_in": 36000, "token_type": "Bearer", "scope": "read write"})",
      encoding::json);
  const auto* grant = std::get_if<granted>(&got);
  REQUIRE(grant != nullptr);
  CHECK(grant->token.reveal() == "example-token");
  CHECK(grant->lifetime == 36000s);
}

TEST_CASE("a lifetime that is no positive number is as good as none") {
  for (const std::string_view value : {R"("36000")", "0", "-5", "null", "true", "{}"}) {
    CAPTURE(value);
    const auto got =
        read_answer(200, R"({"access_token":"t","expires_in":)" + std::string{value} + "}", encoding::json);
    const auto* grant = std::get_if<granted>(&got);
    REQUIRE(grant != nullptr);
    CHECK_FALSE(grant->lifetime.has_value());
  }
  const auto absurd = read_answer(200, R"({"access_token":"t","expires_in":1e300})", encoding::json);
  CHECK(std::get<granted>(absurd).lifetime.has_value());
}

TEST_CASE("answers that hold no token are trouble of the endpoint") {
  for (const std::string_view body :
       {"", "<html>", "[]", "{}", R"({"access_token":""})", R"({"access_token":7})", R"({"access_token":"a\r\nb"})"}) {
    CAPTURE(body);
    CHECK(std::holds_alternative<unusable>(read_answer(200, body, encoding::json)));
  }
  CHECK(std::holds_alternative<unusable>(read_answer(503, "<html>", encoding::json)));
  CHECK(std::holds_alternative<unusable>(read_answer(429, "", encoding::json)));
}

TEST_CASE("refusals say what an operator should look at") {
  const auto reason = [](unsigned status, std::string_view body, encoding asked) {
    const auto got = read_answer(status, body, asked);
    REQUIRE(std::holds_alternative<refused>(got));
    return std::get<refused>(got).reason;
  };
  CHECK(reason(401, R"({"error": "invalid_client"})", encoding::json) ==
        "the token endpoint answered 401 invalid_client");
  CHECK(reason(400, R"({"error": "unsupported_grant_type"})", encoding::json) ==
        "the token endpoint answered 400 unsupported_grant_type: it may expect the other token.encoding than json");
  CHECK(reason(301, "", encoding::json).find("trailing slash") != std::string::npos);
  CHECK(reason(400, R"({"error": "<script>"})", encoding::form) == "the token endpoint answered 400");
  CHECK(reason(405, "", encoding::form) == "the token endpoint answered 405");
}

TEST_CASE("one attempt runs at a time, and renewal is due at 80 % of the lifetime less a jitter") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  CHECK_FALSE(r.should_ask(start));
  CHECK_FALSE(r.wake_at().has_value());
  CHECK_FALSE(r.tried());
  r.on_granted(grant_of("t1", 1000s), start, 0.0);
  CHECK(r.tried());
  REQUIRE(r.usable(start) != nullptr);
  CHECK(r.usable(start)->generation == 1);
  CHECK(r.wake_at() == start + 800s);
  CHECK_FALSE(r.should_ask(start + 799s));
  CHECK(r.should_ask(start + 800s));
  r.on_granted(grant_of("t2", 1000s), start + 801s, 1.0);
  CHECK(r.wake_at() == start + 801s + 720s);
  CHECK(r.usable(start + 801s)->generation == 2);
}

TEST_CASE("a token is used until its expiry counted from when the request was sent, and never after") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", 100s), start, 0.5);
  CHECK(r.usable(start + 100s - 1ns) != nullptr);
  CHECK(r.usable(start + 100s) == nullptr);
}

TEST_CASE("an unknown lifetime is short, an absurd one is cut") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", std::nullopt), start, 0.0);
  CHECK(r.usable(start)->expiry == start + 5min);
  CHECK(r.should_ask(start + 4min));
  r.on_granted(grant_of("t", 100000h), start, 0.0);
  CHECK(r.usable(start)->expiry == start + 24h);
}

TEST_CASE("failures back off with equal jitter, up to a limit, and keep the old token") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", 1000s), start, 0.0);
  auto now = start + 800s;
  time::duration before{0};
  for (int i = 0; i < 20; ++i) {
    CHECK(r.should_ask(now));
    r.on_trouble(false, "out of reach", now, 0.0);
    REQUIRE(r.failing() != nullptr);
    const auto wait = *r.wake_at() - now;
    CHECK(wait >= 250ms);
    CHECK(wait <= 30s);
    CHECK(wait >= before);
    before = wait;
    CHECK(r.failing()->retry_at == *r.wake_at());
    if (now < start + 1000s) CHECK(r.usable(now) != nullptr);
    now = *r.wake_at();
  }
  CHECK(r.should_ask(now));
  r.on_granted(grant_of("t2", 1000s), now, 0.0);
  CHECK(r.failing() == nullptr);
  CHECK(r.usable(now)->generation == 2);
}

TEST_CASE("a rejected token is dropped and renewed at once; one that is rejected fresh means revoked credentials") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t1", 1000s), start, 0.0);
  r.on_rejected(1, start + 10s, 0.0);
  CHECK(r.usable(start + 10s) == nullptr);
  CHECK(r.should_ask(start + 10s));
  r.on_granted(grant_of("t2", 1000s), start + 10s, 0.0);
  r.on_rejected(1, start + 11s, 0.0);  // old news
  REQUIRE(r.usable(start + 11s) != nullptr);
  r.on_rejected(2, start + 12s, 0.0);
  CHECK(r.usable(start + 12s) == nullptr);
  REQUIRE(r.failing() != nullptr);
  CHECK(r.failing()->refused);
  CHECK_FALSE(r.should_ask(start + 12s));  // no hammering: a probe at a time
  const auto probe = *r.wake_at();
  CHECK(r.should_ask(probe));
  CHECK_FALSE(r.should_ask(probe + 1h));
}

TEST_CASE("a token rejected long after the last rejection is only renewed") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t1", 10000s), start, 0.0);
  r.on_rejected(1, start + 10s, 0.0);
  CHECK(r.should_ask(start + 10s));
  r.on_granted(grant_of("t2", 10000s), start + 10s, 0.0);
  r.on_rejected(2, start + 2h, 0.0);
  CHECK(r.failing() == nullptr);
  CHECK(r.should_ask(start + 2h));
}

}  // namespace
