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

TEST_CASE("a lifetime is a number, also as text; only one that is not there is unknown") {
  const auto read = [](std::string_view value) {
    return read_answer(200, R"({"access_token":"t","expires_in":)" + std::string{value} + "}", encoding::json);
  };
  for (const std::string_view value : {"36000", "3.6e4", R"("36000")", R"("36000.0")"}) {
    CAPTURE(value);
    const auto got = read(value);
    REQUIRE(std::holds_alternative<granted>(got));
    CHECK(std::get<granted>(got).lifetime == 36000s);
  }
  for (const std::string_view value : {"1e300", "18446744073709551615"}) {
    CAPTURE(value);
    CHECK(std::get<granted>(read(value)).lifetime == 3'200'000'000s);
  }
  const auto null = read("null");
  const auto missing = read_answer(200, R"({"access_token":"t"})", encoding::json);
  CHECK_FALSE(std::get<granted>(null).lifetime.has_value());
  CHECK_FALSE(std::get<granted>(missing).lifetime.has_value());
}

TEST_CASE("a token without a time to live is good for nothing") {
  const auto reason = [](std::string_view value) {
    const auto got =
        read_answer(200, R"({"access_token":"t","expires_in":)" + std::string{value} + "}", encoding::json);
    REQUIRE(std::holds_alternative<unusable>(got));
    return std::get<unusable>(got).reason;
  };
  for (const std::string_view value : {"0", "0.0", "-0.0", "-5", "-1e300", "1e-300", R"("0")", R"("-5")"}) {
    CAPTURE(value);
    CHECK(reason(value) == "the token endpoint's token has no time to live: its expires_in is not positive");
  }
  for (const std::string_view value :
       {R"("soon")", R"("")", R"("36000 s")", R"("nan")", R"("inf")", R"("1e999")", "true", "{}", "[36000]"}) {
    CAPTURE(value);
    CHECK(reason(value) == "the token endpoint's expires_in is not a number");
  }
}

TEST_CASE("a token of another type than Bearer is not used, and one that has none is taken for one") {
  const auto read = [](std::string_view type) {
    return read_answer(200, R"({"access_token":"t","token_type":)" + std::string{type} + "}", encoding::json);
  };
  for (const std::string_view type : {R"("Bearer")", R"("bearer")", R"("BEARER")"}) {
    CAPTURE(type);
    CHECK(std::holds_alternative<granted>(read(type)));
  }
  for (const std::string_view type : {R"("mac")", R"("DPoP")", R"("")", R"("Bearer ")", "null", "7"}) {
    CAPTURE(type);
    const auto got = read(type);
    REQUIRE(std::holds_alternative<unusable>(got));
    CHECK(std::get<unusable>(got).reason == "the token endpoint's token_type is not Bearer");
  }
  CHECK(std::holds_alternative<granted>(read_answer(200, R"({"access_token":"t"})", encoding::json)));
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

TEST_CASE("of a refusal only the error codes of OAuth are shown, since a server may say what it was sent") {
  const auto reason = [](std::string_view error) {
    const auto got = read_answer(400, R"({"error":")" + std::string{error} + R"("})", encoding::json);
    REQUIRE(std::holds_alternative<refused>(got));
    return std::get<refused>(got).reason;
  };
  for (const std::string_view code : {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
                                      "unsupported_grant_type", "invalid_scope"}) {
    CAPTURE(code);
    CHECK(reason(code).starts_with("the token endpoint answered 400 " + std::string{code}));
  }
  for (const std::string_view word : {"example-secret-not-real", "abcdefghij", "INVALID_CLIENT", "invalid_clients"}) {
    CAPTURE(word);
    CHECK(reason(word) == "the token endpoint answered 400");
  }
}

TEST_CASE("one attempt runs at a time, and renewal is due at 80 % of the lifetime less a jitter") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  CHECK_FALSE(r.should_ask(start));
  CHECK_FALSE(r.wake_at().has_value());
  CHECK_FALSE(r.tried());
  r.on_granted(grant_of("t1", 1000s), start, start, 0.0);
  CHECK(r.tried());
  REQUIRE(r.usable(start) != nullptr);
  CHECK(r.usable(start)->generation == 1);
  CHECK(r.wake_at() == start + 800s);
  CHECK_FALSE(r.should_ask(start + 799s));
  CHECK(r.should_ask(start + 800s));
  r.on_granted(grant_of("t2", 1000s), start + 801s, start + 801s, 1.0);
  CHECK(r.wake_at() == start + 801s + 720s);
  CHECK(r.usable(start + 801s)->generation == 2);
}

TEST_CASE("what the endpoint asks for is waited for, where that is longer than the back-off") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_trouble(false, "busy", start, 0.0, 30s);
  CHECK(r.wake_at() == start + 30s);
  CHECK(r.failing()->retry_at == start + 30s);
  CHECK(r.should_ask(start + 30s));
  r.on_trouble(false, "busy", start + 30s, 0.0, 1ms);
  CHECK(r.wake_at() == start + 30s + 500ms);
}

TEST_CASE("a token is used until its expiry counted from when the request was sent, and never after") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", 100s), start, start, 0.5);
  CHECK(r.usable(start + 100s - 1ns) != nullptr);
  CHECK(r.usable(start + 100s) == nullptr);
}

TEST_CASE("an unknown lifetime is short, an absurd one is cut") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", std::nullopt), start, start, 0.0);
  CHECK(r.usable(start)->expiry == start + 5min);
  CHECK(r.should_ask(start + 4min));
  r.on_granted(grant_of("t", 100000h), start, start, 0.0);
  CHECK(r.usable(start)->expiry == start + 24h);
}

TEST_CASE("a token that lives next to no time is renewed no sooner than a few seconds later") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", 1ms), start, start, 0.0);
  CHECK(r.usable(start) != nullptr);
  CHECK(r.failing() == nullptr);
  CHECK(r.wake_at() == start + 5s);
}

TEST_CASE("a token that has expired when it comes is trouble, and backs off") {
  renewal r{{}};
  auto now = start;
  for (const auto step : {250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 15000ms, 15000ms}) {
    REQUIRE(r.should_ask(now));
    r.on_granted(grant_of("t", 1s), now, now + 1s, 0.0);
    now += 1s;
    CHECK(r.usable(now) == nullptr);
    REQUIRE(r.attempt_failed() != nullptr);
    CHECK(r.attempt_failed()->reason == "the token had expired when it came");
    CHECK(*r.wake_at() - now == step);
    now = *r.wake_at();
  }
}

TEST_CASE("failures back off with equal jitter, up to a limit, and keep the old token") {
  renewal r{{}};
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t", 1000s), start, start, 0.0);
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
  r.on_granted(grant_of("t2", 1000s), now, now, 0.0);
  CHECK(r.failing() == nullptr);
  CHECK(r.usable(now)->generation == 2);
}

renewal with_token(time::instant at = start) {
  renewal r{{}};
  CHECK(r.should_ask(at));
  r.on_granted(grant_of("t1", 10h), at, at, 0.0);
  return r;
}

TEST_CASE("a token that worked and is refused is withheld, and renewed at once") {
  auto r = with_token();
  r.on_accepted(1, start);
  r.on_rejected(1, start);
  CHECK(r.usable(start) == nullptr);
  CHECK(r.failing() == nullptr);
  CHECK(r.should_ask(start));
  r.on_granted(grant_of("t2", 10h), start, start, 0.0);
  r.on_rejected(1, start + 1s);  // old news
  REQUIRE(r.usable(start + 1s) != nullptr);
  CHECK(r.usable(start + 1s)->generation == 2);
  CHECK(r.wake_at() == start + 8h);
}

TEST_CASE("a token that is just issued survives its first refusals, and one success ends the matter") {
  auto r = with_token();
  r.on_rejected(1, start + 100ms);
  r.on_rejected(1, start + 200ms);
  REQUIRE(r.usable(start + 200ms) != nullptr);
  CHECK(r.wake_at() == start + 4s);
  r.on_accepted(1, start + 300ms);
  CHECK(r.wake_at() == start + 8h);
  CHECK_FALSE(r.should_ask(start + 4s));
  CHECK(r.failing() == nullptr);
}

TEST_CASE("a token that is just issued and goes on being refused is renewed a little later, and serves until then") {
  auto r = with_token();
  r.on_rejected(1, start + 100ms);
  CHECK_FALSE(r.should_ask(start + 3999ms));
  CHECK(r.should_ask(start + 4s));
  CHECK(r.usable(start + 4s) != nullptr);
}

TEST_CASE("a token that nobody has used yet and is not new is withheld, like one that worked") {
  auto r = with_token();
  r.on_rejected(1, start + 4s);
  CHECK(r.usable(start + 4s) == nullptr);
  CHECK(r.should_ask(start + 4s));
}

TEST_CASE("tokens that are revoked within seconds of each other are each renewed at once") {
  auto r = with_token();
  auto now = start;
  for (const auto after : {0s, 2s, 4s, 8s, 16s, 32s}) {
    now += after;
    const auto generation = r.usable(now)->generation;
    r.on_accepted(generation, now);
    r.on_rejected(generation, now);
    CHECK(r.usable(now) == nullptr);
    REQUIRE(r.should_ask(now));
    r.on_granted(grant_of("t", 10h), now, now, 0.0);
  }
}

TEST_CASE("a request that is refused whatever the token takes none from the others for long, and costs few renewals") {
  auto r = with_token();
  int asked = 0;
  int without = 0;
  for (auto now = start; now < start + 1h; now += 100ms) {
    const auto present = [&] { return r.usable(now) != nullptr ? r.usable(now)->generation : 0; };
    r.on_accepted(present(), now);
    r.on_rejected(present(), now + 20ms);
    r.on_rejected(present(), now + 40ms);
    if (present() == 0) ++without;
    if (!r.should_ask(now + 50ms)) continue;
    ++asked;
    r.on_granted(grant_of("t", 10h), now + 50ms, now + 50ms, 0.0);
    CHECK(r.failing() == nullptr);
  }
  CHECK(asked == 64);
  CHECK(without <= asked);
}

TEST_CASE("after a calm the next refusal is answered at once again") {
  auto r = with_token();
  auto now = start;
  for (int i = 0; i < 10; ++i) {
    r.on_accepted(r.usable(now)->generation, now);
    r.on_rejected(r.usable(now)->generation, now);
    now = *r.wake_at();
    REQUIRE(r.should_ask(now));
    r.on_granted(grant_of("t", 10h), now, now, 0.0);
  }
  const auto soon = now + 1s;
  r.on_accepted(r.usable(soon)->generation, soon);
  r.on_rejected(r.usable(soon)->generation, soon);
  CHECK(r.usable(soon) != nullptr);
  CHECK(r.wake_at() == now + 1min);
  r.on_accepted(r.usable(soon)->generation, soon);
  now += 10min;
  r.on_rejected(r.usable(now)->generation, now);
  CHECK(r.should_ask(now));
  r.on_granted(grant_of("t", 10h), now, now, 0.0);
  now += 2s;
  r.on_accepted(r.usable(now)->generation, now);
  r.on_rejected(r.usable(now)->generation, now);
  CHECK(r.should_ask(now));
}

TEST_CASE("two tokens in a row that never worked mean refused credentials, until something ends it") {
  auto r = with_token();
  r.on_rejected(1, start + 1s);
  CHECK(r.failing() == nullptr);
  CHECK(r.should_ask(start + 4s));
  r.on_granted(grant_of("t2", 10h), start + 4s, start + 4s, 0.0);
  r.on_rejected(2, start + 5s);
  REQUIRE(r.failing() != nullptr);
  CHECK(r.failing()->refused);
  CHECK(r.failing()->reason == "the API refuses a token that the token endpoint has just given");
  CHECK(r.failing()->retry_at == start + 8s);
  CHECK(r.attempt_failed() == nullptr);
  CHECK(r.usable(start + 5s) != nullptr);  // for whoever finds out that it works
  CHECK(r.should_ask(start + 8s));
  r.on_granted(grant_of("t3", 10h), start + 8s, start + 8s, 0.0);
  CHECK(r.failing() != nullptr);
  SUBCASE("by a success") {
    r.on_accepted(3, start + 9s);
  }
  SUBCASE("by somebody who asks for another one") {
    r.ask_now(start + 9s);
  }
  CHECK(r.failing() == nullptr);
}

TEST_CASE("with nothing but refusals the endpoint is asked once a minute") {
  auto r = with_token();
  int asked = 0;
  for (auto now = start; now < start + 1h; now += 100ms) {
    if (const auto* present = r.usable(now)) r.on_rejected(present->generation, now);
    if (!r.should_ask(now)) continue;
    ++asked;
    r.on_granted(grant_of("t", 10h), now, now, 0.0);
  }
  CHECK(asked == 64);
}

TEST_CASE("a token that worked is back where no other is to be had, until it is refused again for some time") {
  auto r = with_token();
  r.on_accepted(1, start + 1h);
  r.on_rejected(1, start + 1h);
  CHECK(r.should_ask(start + 1h));
  CHECK(r.usable(start + 1h) == nullptr);
  r.on_trouble(false, "out of reach", start + 1h, 0.0);
  const auto next = *r.wake_at();
  REQUIRE(r.usable(start + 1h) != nullptr);
  r.on_rejected(1, start + 1h + 1s);
  CHECK(r.usable(start + 1h + 1s) != nullptr);
  CHECK(r.wake_at() == next);  // not hurried
  r.on_rejected(1, start + 1h + 4s);
  CHECK(r.usable(start + 1h + 4s) == nullptr);
  CHECK(r.wake_at() == next);
}

TEST_CASE("a token that both sides refuse, or that never worked, is not back") {
  auto r = with_token();
  bool worked = false;
  SUBCASE("refused") {
    worked = true;
    r.on_accepted(1, start + 1h);
  }
  SUBCASE("never worked") {}
  r.on_rejected(1, start + 1h);
  CHECK(r.should_ask(start + 1h));
  r.on_trouble(worked, "no", start + 1h, 0.0);
  CHECK(r.usable(start + 1h) == nullptr);
}

}  // namespace
