#include "simulator/tests/model_fixture.hpp"

#include <doctest/doctest.h>

using namespace simulator;
using namespace simulator::testing;

TEST_CASE_FIXTURE(model_fixture, "the documented token request gets the documented answer, member for member") {
  const auto answer = ask_token();
  CHECK(answer.status == 200);
  CHECK(
      answer.body ==
      R"({"access_token": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcd", "expires_in": 36000, "token_type": "Bearer", "scope": "read write"})");
  CHECK(header(answer, "Cache-Control") == "no-store");
}

TEST_CASE_FIXTURE(model_fixture, "every request makes a new token, and the older ones stay valid until they expire") {
  const auto first = token();
  advance(1h);
  const auto second = token();
  CHECK(first != second);
  CHECK(call(first, "POST", "device-onboarding", creation()).status == 201);
  advance(9h - 1ms);
  CHECK(call(first, "POST", "device-onboarding", creation()).status == 201);
  advance(1ms);
  const auto refused = call(first, "POST", "device-onboarding", creation());
  CHECK(refused.status == 401);
  CHECK(refused.body == R"({"detail":"Unauthorized"})");
  CHECK(call(second, "POST", "device-onboarding", creation()).status == 201);
}

TEST_CASE_FIXTURE(model_fixture, "wrong credentials and a scheme in other letters are an invalid client") {
  for (const auto* header :
       {"Basic ZXhhbXBsZS1jbGllbnQtaWQ6d3Jvbmc=", "basic ZXhhbXBsZS1jbGllbnQtaWQ6ZXhhbXBsZS1zZWNyZXQtbm90LXJlYWw=",
        "Bearer abc", "Basic ???", ""}) {
    const auto answer = ask_token(header);
    CHECK(answer.status == 401);
    CHECK(answer.body == R"({"error": "invalid_client"})");
  }
}

TEST_CASE_FIXTURE(model_fixture, "the wrong encoding is an unsupported grant even when the credentials are wrong too") {
  for (const auto* header : {basic, "Basic d3Jvbmc6d3Jvbmc="}) {
    const auto answer = ask_token(header, "grant_type=client_credentials", "application/x-www-form-urlencoded");
    CHECK(answer.status == 400);
    CHECK(answer.body == R"({"error": "unsupported_grant_type"})");
  }
  CHECK(ask_token(basic, R"({"grant_type": "password"})").status == 400);
  CHECK(ask_token(basic, "{").status == 400);
}

TEST_CASE("a server of the form encoding takes forms only, and one of either takes both") {
  model_fixture form{{.encoding = token_encoding::form}};
  const std::string type = "application/x-www-form-urlencoded; charset=utf-8";
  CHECK(form.ask_token(form.basic, "grant_type=client_credentials", type).status == 200);
  CHECK(form.ask_token().status == 400);
  model_fixture either{{.encoding = token_encoding::either}};
  CHECK(either.ask_token(either.basic, "grant_type=client_credentials", type).status == 200);
  CHECK(either.ask_token().status == 200);
}

TEST_CASE("id and secret are form-decoded after base64, so that sent raw they are refused") {
  model_fixture f{{.client_id = "a+b", .client_secret = "p%:ü"}};
  CHECK(f.ask_token("Basic YSUyQmI6cCUyNSUzQSVDMyVCQw==").status == 200);  // a%2Bb:p%25%3A%C3%BC
  CHECK(f.ask_token("Basic YStiOnAlOsO8").status == 401);                  // a+b:p%:ü
}

TEST_CASE_FIXTURE(model_fixture, "a missing trailing slash is redirected and GET is not allowed") {
  const auto moved = upstream.handle({.method = "POST", .target = "/oauth2/token"});
  CHECK(moved.status == 301);
  CHECK(header(moved, "Location") == "/oauth2/token/");
  CHECK(upstream.handle({.method = "GET", .target = "/oauth2/token/"}).status == 405);
}

TEST_CASE_FIXTURE(model_fixture, "tokens are revoked from outside, the newest or all of them") {
  const auto first = token();
  const auto second = token();
  CHECK(order("POST", "/tokens/revoke", R"({"which":"current"})").body == R"({"revoked":1})");
  CHECK(call(first, "GET", "device-onboarding/x").status == 404);
  CHECK(call(second, "GET", "device-onboarding/x").status == 401);
  CHECK(order("POST", "/tokens/revoke").body == R"({"revoked":1})");
  CHECK(call(first, "GET", "device-onboarding/x").status == 401);
}

TEST_CASE_FIXTURE(model_fixture, "the announced lifetime can be missing or any JSON value") {
  order("POST", "/tokens/expires-in", R"({"missing":true})");
  CHECK(!boost::json::parse(ask_token().body).as_object().contains("expires_in"));
  order("POST", "/tokens/expires-in", R"({"value":"36000"})");
  CHECK(boost::json::parse(ask_token().body).at("expires_in") == "36000");
  order("POST", "/tokens/expires-in", R"({"value":0})");
  CHECK(boost::json::parse(ask_token().body).at("expires_in") == 0);
  order("POST", "/tokens/expires-in");
  CHECK(boost::json::parse(ask_token().body).at("expires_in") == 36000);
}
