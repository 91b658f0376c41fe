#include "upstream/wire.hpp"

#include <doctest/doctest.h>

namespace {

using gateway::upstream::token_request;
using gateway::upstream::wire;

TEST_CASE("a creation is these bytes") {
  const wire podero{"app.podero.test", "/api/partners/v2.0"};
  std::string out = "of the last request";
  podero.create_session(out, "example-token-not-real", "", R"({"language":"de"})");
  CHECK(out ==
        "POST /api/partners/v2.0/device-onboarding HTTP/1.1\r\n"
        "Host: app.podero.test\r\n"
        "User-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        "Authorization: Bearer example-token-not-real\r\n"
        "Content-Length: 17\r\n"
        "\r\n"
        R"({"language":"de"})");
}

TEST_CASE("a read is these bytes, with the port in Host where it is not the scheme's own") {
  const wire podero{"localhost:8443", ""};
  std::string out = "of the last request";
  podero.read_session(out, "example-token-not-real", "", "497f6eca-6276-4993-bfeb-53cbbbba6f08");
  CHECK(out ==
        "GET /device-onboarding/497f6eca-6276-4993-bfeb-53cbbbba6f08 HTTP/1.1\r\n"
        "Host: localhost:8443\r\n"
        "User-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\n"
        "Authorization: Bearer example-token-not-real\r\n"
        "\r\n");
}

TEST_CASE("users and devices are asked for by their path below the base") {
  const wire podero{"app.podero.test", "/api/partners/v2.0"};
  std::string out = "of the last request";
  podero.post(out, "example-token-not-real", "", "/org/o/users", R"({"role":"user"})");
  CHECK(out ==
        "POST /api/partners/v2.0/org/o/users HTTP/1.1\r\n"
        "Host: app.podero.test\r\n"
        "User-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\n"
        "Content-Type: application/json\r\n"
        "Authorization: Bearer example-token-not-real\r\n"
        "Content-Length: 15\r\n"
        "\r\n"
        R"({"role":"user"})");
  podero.get(out, "example-token-not-real", "00-a-b-01", "/org/o/users/u/heat-pumps");
  CHECK(out ==
        "GET /api/partners/v2.0/org/o/users/u/heat-pumps HTTP/1.1\r\n"
        "Host: app.podero.test\r\n"
        "User-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\n"
        "Authorization: Bearer example-token-not-real\r\n"
        "traceparent: 00-a-b-01\r\n"
        "\r\n");
}

TEST_CASE("a request that is part of a trace says so in one header line, whatever it is") {
  const wire podero{"app.podero.test", ""};
  const std::string_view ours = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const std::string line = "Authorization: Bearer t\r\ntraceparent: " + std::string{ours} + "\r\n";
  std::string out;
  podero.create_session(out, "t", ours, "{}");
  CHECK(out.contains(line + "Content-Length: 2\r\n\r\n{}"));
  podero.read_session(out, "t", ours, "497f6eca-6276-4993-bfeb-53cbbbba6f08");
  CHECK(out.ends_with(line + "\r\n"));
}

TEST_CASE("a token request is these bytes, with the path as it is configured") {
  CHECK(token_request("app.podero.test", "/oauth2/token/", "Basic example", "application/json",
                      R"({"grant_type": "client_credentials"})") ==
        "POST /oauth2/token/ HTTP/1.1\r\n"
        "Host: app.podero.test\r\n"
        "User-Agent: onboarding-gateway\r\n"
        "Accept: application/json\r\n"
        "Cache-Control: no-cache\r\n"
        "Content-Type: application/json\r\n"
        "Authorization: Basic example\r\n"
        "Connection: close\r\n"
        "Content-Length: 36\r\n"
        "\r\n"
        R"({"grant_type": "client_credentials"})");
}

}  // namespace
