// What callers may send: every refusal of the contract's table that can occur, over real connections.
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

using namespace gateway::socket_tests;
namespace json = boost::json;

namespace {

// A caller with a key that may use `sandbox` and not `production`; small limits, so that little is too much.
struct guarded {
  // `patience`: how long a header and a body may take.
  explicit guarded(std::string patience = "20s") : patience_{std::move(patience)} {}
  std::string patience_;
  caller_key portal = make_caller_key("portal");
  both_programs running{[this](configuration& c) {
    c.api =
        "{ address: 127.0.0.1, port: 0, limits: { header: 4KiB, target: 512B, body: 1KiB },"
        " timeouts: { header: " +
        patience_ + ", body: " + patience_ + " } }";
    c.account_more =
        "  production:\n    base_url: " + c.base_url +
        "\n    token: { client_id: a, client_secret: example-secret-not-real }\n    tls: { ca_file: " + c.ca_file +
        " }\n";
    c.more = portal.yaml + "    accounts: [ sandbox ]\n";
  }};
  std::string headers(std::string_view more = {}) const {
    return portal.header() + std::string{json_body} + std::string{more};
  }
};

struct refusal {
  std::string_view what;
  std::string request;
  unsigned status;
  std::string_view name;
  std::string_view header = "";  // of the answer
  std::string_view value = "";
};

void check_problem(const answer& got, unsigned status, std::string_view name) {
  INFO(got.body);
  CHECK(got.status == status);
  CHECK(got.header("Content-Type") == "application/problem+json");
  CHECK(got.header("Cache-Control") == "no-store");
  const auto problem = got.json();
  CHECK(text_in(problem, "type") == "/problems/" + std::string{name});
  CHECK(problem.at("status") == status);
  CHECK(text_in(problem, "title") != "");
  CHECK(text_in(problem, "detail") != "");
  CHECK(text_in(problem, "request_id") == got.header("X-Request-Id"));
  CHECK(text_in(problem, "instance") == "urn:uuid:" + got.header("X-Request-Id"));
  CHECK(text_in(problem, "upstream_effect") == "none");
}

std::string pointers(const json::value& problem) {
  std::string all;
  for (const auto& fault : problem.at("errors").as_array()) all += text_in(fault, "pointer") + ' ';
  return all;
}

std::string post(std::string_view body, std::string_view headers) {
  return connection::request("POST", sessions_path, body, headers);
}

std::vector<refusal> refusals(const guarded& g) {
  const std::string good{example_request};
  const std::string sessions{sessions_path};
  const auto headers = g.headers();
  const auto& key = g.portal.header();
  const std::string nested(200, '[');
  return {
      {"no JSON", post("{\"language\": ", headers), 400, "malformed-request"},
      {"an empty body", post("", headers), 400, "malformed-request"},
      {"two members of one name", post(R"({"language": "de", "language": "en"})", headers), 400, "malformed-request"},
      {"broken UTF-8", post("{\"language\": \"\xff\"}", headers), 400, "malformed-request"},
      {"too deep", post("{\"a\": " + nested, headers), 400, "malformed-request"},
      {"no object", post("[]", headers), 400, "malformed-request"},
      {"no key", post(good, json_body), 401, "unauthenticated", "WWW-Authenticate", "Bearer"},
      {"an unknown key", post(good, "Authorization: Bearer example-key-not-real\r\n"), 401, "unauthenticated",
       "WWW-Authenticate", "Bearer"},
      {"another scheme", post(good, "Authorization: Basic YTpi\r\n"), 401, "unauthenticated", "WWW-Authenticate",
       "Bearer"},
      {"a path that is not there", connection::request("GET", "/v2/accounts", "", key), 404, "not-found"},
      {"an unknown account", connection::request("POST", "/v1/accounts/nowhere/onboarding-sessions", good, headers),
       404, "not-found"},
      {"an account of others",
       connection::request("POST", "/v1/accounts/production/onboarding-sessions", good, headers), 403, "forbidden"},
      {"a session that is none of ours",
       connection::request("GET", sessions + "/497f6eca-6276-4993-bfeb-53cbbbba6f08", "", key), 404, "not-found"},
      {"an id that is no UUID", connection::request("GET", sessions + "/1", "", key), 404, "not-found"},
      {"a method that is not served", connection::request("PUT", sessions, good, headers), 405, "method-not-allowed",
       "Allow", "POST, OPTIONS"},
      {"a method nobody knows", connection::request("BREW", sessions + "/1", "", key), 405, "method-not-allowed",
       "Allow", "GET, HEAD, OPTIONS"},
      {"an Accept without JSON", post(good, g.headers("Accept: text/html\r\n")), 406, "not-acceptable"},
      {"another media type", post(good, key + "Content-Type: text/plain\r\n"), 415, "unsupported-media-type"},
      {"no media type", post(good, key), 415, "unsupported-media-type"},
      {"another encoding", post(good, g.headers("Content-Encoding: gzip\r\n")), 415, "unsupported-media-type"},
      {"a body of more than 1 KiB", post(good + std::string(1024, ' '), headers), 413, "content-too-large"},
      {"a key that does not end", post(good, g.headers("Idempotency-Key: \"k\r\n")), 400, "malformed-request"},
      {"two keys", post(good, g.headers("Idempotency-Key: k\r\nIdempotency-Key: k\r\n")), 400, "malformed-request"},
  };
}

}  // namespace

TEST_CASE("After every refusal the same connection serves a good request") {
  const guarded g;
  auto over = g.running.gateway.caller();
  for (const auto& one : refusals(g)) {
    CAPTURE(one.what);
    over.send(one.request);
    const auto got = over.receive();
    check_problem(got, one.status, one.name);
    if (!one.header.empty()) CHECK(got.header(one.header) == one.value);
    CHECK(got.keep_alive);
    CHECK(create(over, g.portal.header()).keep_alive);
  }
}

TEST_CASE("Every fault of a body is named at once, and nothing is sent") {
  const guarded g;
  auto over = g.running.gateway.caller();
  const auto got = over.call("POST", sessions_path,
                             R"({"language": "german", "price_zone_default": "at",)"
                             R"("is_smart_optimization_active_default": "yes", "success_url": "/success",)"
                             R"("cancel_url": "http://my-customerportal.com/error", "user_id": 42,)"
                             R"("building_id": "main house", "external_metadata": []})",
                             g.headers());
  check_problem(got, 422, "validation-failed");
  CHECK(text_in(got.json(), "retry") == "never");
  CHECK(pointers(got.json()) ==
        "#/language #/price_zone_default #/is_smart_optimization_active_default #/success_url #/cancel_url #/user_id "
        "#/building_id #/external_metadata ");
  CHECK(g.running.podero.counter("creations") == 0);
}

TEST_CASE("OPTIONS says what a path allows, and the contract is there without a key") {
  const guarded g;
  auto over = g.running.gateway.caller();
  const auto options = over.call("OPTIONS", sessions_path);
  CHECK(options.status == 204);
  CHECK(options.header("Allow") == "POST, OPTIONS");
  CHECK(over.call("GET", "/openapi.json").json().at("openapi").as_string().starts_with("3."));
  const auto for_programs = over.call("GET", "/problems/validation-failed");
  CHECK(for_programs.status == 200);
  CHECK(for_programs.header("Content-Type") == "application/json");
  CHECK(for_programs.header("Vary") == "Accept");
  CHECK(for_programs.json().at("type") == "/problems/validation-failed");
  const auto for_people = over.call("GET", "/problems/validation-failed", "", "Accept: text/html, */*;q=0.8\r\n");
  CHECK(for_people.status == 200);
  CHECK(for_people.header("Content-Type") == "text/html; charset=utf-8");
  CHECK(for_people.header("Content-Security-Policy").contains("default-src 'none'"));
  CHECK(for_people.body.contains("<h2>What to do</h2>"));
  CHECK(over.call("GET", "/problems/validation-failed", "", "Accept: text/plain\r\n").status == 406);
  CHECK(over.call("GET", "/problems/no-such", "", "Accept: text/html\r\n").status == 404);
}

TEST_CASE("Requests sent at once are answered in order") {
  const guarded g;
  auto over = g.running.gateway.caller();
  over.send(post(example_request, g.headers()) + post("{", g.headers()) + post(example_request, g.headers()));
  CHECK(over.receive().status == 201);
  CHECK(over.receive().status == 400);
  CHECK(over.receive().status == 201);
}

TEST_CASE("A body arrives in pieces, in chunks, and after 100-continue") {
  const guarded g;
  auto over = g.running.gateway.caller();
  const auto request = post(example_request, g.headers());
  const auto middle = request.size() - 100;
  over.send(request.substr(0, middle));
  over.send(request.substr(middle));
  CHECK(over.receive().status == 201);

  const std::string start = "POST " + std::string{sessions_path} + " HTTP/1.1\r\nHost: localhost\r\n" + g.headers();
  char size[16];
  std::snprintf(size, sizeof size, "%zx", example_request.size());
  over.send(start + "Transfer-Encoding: chunked\r\n\r\n" + size + "\r\n" + std::string{example_request} +
            "\r\n0\r\n\r\n");
  CHECK(over.receive().status == 201);

  over.send(start + "Expect: 100-continue\r\nContent-Length: " + std::to_string(example_request.size()) + "\r\n\r\n");
  over.send(example_request);
  auto got = over.receive();
  if (got.status == 100) got = over.receive();
  CHECK(got.status == 201);
}

TEST_CASE("What leaves the end of a request uncertain is refused, and its connection closed") {
  const guarded g{"300ms"};
  const std::string line = "POST " + std::string{sessions_path} + " HTTP/1.1\r\nHost: localhost\r\n";
  const std::vector<refusal> closing{
      {"no HTTP", "what is this?\r\n\r\n", 400, "malformed-request"},
      {"TLS where there is none", "\x16\x03\x01\x02\x01\x01\r\n\r\n", 400, "malformed-request"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400, "malformed-request"},
      {"two lengths", line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed-request"},
      {"a length and chunks", line + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
       "malformed-request"},
      {"an unknown transfer encoding", line + "Transfer-Encoding: gzip\r\n\r\n", 400, "malformed-request"},
      {"a folded header", line + "X-A: 1\r\n 2\r\n\r\n", 400, "malformed-request"},
      {"malformed chunks", line + g.headers() + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "malformed-request"},
      {"a target of more than 512 bytes", connection::request("GET", "/" + std::string(600, 'a'), "", ""), 414,
       "uri-too-long"},
      {"a header of more than 4 KiB", line + "X-A: " + std::string(5000, 'a') + "\r\n\r\n", 431, "headers-too-large"},
      {"a body far beyond the limit", line + g.headers() + "Content-Length: 10000000\r\n\r\n", 413,
       "content-too-large"},
      {"chunks beyond the limit",
       line + g.headers() + "Transfer-Encoding: chunked\r\n\r\n800\r\n" + std::string(2048, ' ') + "\r\n0\r\n\r\n", 413,
       "content-too-large"},
      {"a line feed for a line end", line + "X-A: 1\nX-B: 2\r\n\r\n", 400, "malformed-request"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "malformed-request"},
      {"a PROXY line", "PROXY TCP4 192.0.2.1 192.0.2.2 40000 8080\r\n", 400, "malformed-request"},
      {"a line feed in a chunk's extension",
       line + g.headers() + "Transfer-Encoding: chunked\r\n\r\n5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", 400,
       "malformed-request"},
      {"a tunnel", "CONNECT podero.test:443 HTTP/1.1\r\nHost: podero.test:443\r\n\r\n", 405, "method-not-allowed"},
      {"a header that does not arrive", line, 408, "request-timeout"},
      {"a body that does not arrive", line + g.headers() + "Content-Length: 10\r\n\r\n{", 408, "request-timeout"},
  };
  for (const auto& one : closing) {
    CAPTURE(one.what);
    auto over = g.running.gateway.caller();
    // A good request behind it, in one piece: not what a proxy took for a part of the first one.
    const bool stalls = one.status == 408;
    over.send(one.request + (stalls ? "" : post(example_request, g.headers())));
    const auto got = over.receive();
    check_problem(got, one.status, one.name);
    CHECK_FALSE(got.keep_alive);
    CHECK(over.ends());
  }
  CHECK(g.running.podero.counter("creations") == 0);
  auto next = g.running.gateway.caller();
  create(next, g.portal.header());
}

TEST_CASE("A caller that leaves in the middle of a request disturbs nobody") {
  const guarded g;
  for (int i = 0; i < 20; ++i) {
    auto hasty = g.running.gateway.caller();
    const auto request = post(example_request, g.headers());
    hasty.send(request.substr(0, request.size() * static_cast<std::size_t>(i) / 20));
  }
  auto next = g.running.gateway.caller();
  create(next, g.portal.header());
  CHECK(gateway::support::eventually(
      [&] { return g.running.gateway.metric(R"(onboarding_gateway_connections{side="caller",state="busy"})") == 0; }));
}
