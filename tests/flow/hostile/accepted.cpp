// Unusual, and right: what real clients and proxies send must not be taken for an attack.
#include <doctest/doctest.h>

#include "flow/hostile/world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace gateway::flow::hostile;
using namespace std::chrono_literals;

struct good {
  std::string what;
  std::string bytes;
  std::vector<unsigned> statuses;
  hostile::after after = lives;
};

const std::string example{example_body};
const std::string accounts = "/v1/accounts";

std::string in_http_1_0(std::string_view more) {
  return "GET /v1/accounts HTTP/1.0\r\nHost: g\r\n" + authorization + std::string{more} + "\r\n";
}
std::string with_host(std::string_view line) {
  return "GET /v1/accounts HTTP/1.1\r\n" + std::string{line} + authorization + "\r\n";
}
std::string as(std::string_view type) {
  return start("POST", sessions_path) + "Content-Type: " + std::string{type} + "\r\n" + length_of(example) + "\r\n" +
         example;
}
std::string in_chunks_of(std::size_t size, std::string_view extension) {
  std::string all;
  for (std::size_t at = 0; at < example.size(); at += size) {
    const auto piece = example.substr(at, size);
    std::array<char, 20> digits{};
    std::snprintf(digits.data(), digits.size(), "%zX", piece.size());
    all += digits.data() + std::string{extension} + "\r\n" + piece + "\r\n";
  }
  return all;
}
std::string leads(std::string_view url) {
  return post(example_with("https://my-customerportal.com/success", url));
}
std::string padding(int lines) {
  std::string all;
  for (int i = 0; i < lines; ++i) all += "X-" + std::to_string(i) + ": 1\r\n";
  return all;
}

std::vector<good> requests() {
  const auto line = get(accounts);
  return {
      {"names in capitals",
       "GET /v1/accounts HTTP/1.1\r\nHOST: g\r\nAUTHORIZATION: Bearer " + std::string{key} + "\r\n\r\n",
       {200}},
      {"no blank behind the colon", get(accounts, "X-A:1\r\n"), {200}},
      {"tabs and blanks around a value", get(accounts, "X-A: \t 1 \t \r\n"), {200}},
      {"a value of nothing", get(accounts, "X-A:\r\nX-B: \r\n"), {200}},
      {"a value that is not ASCII", get(accounts, "X-Name: M\xc3\xbcller\r\nX-Latin: M\xfcller\r\n"), {200}},
      {"every character that a name may have", get(accounts, "!#$%&'*+-.^_`|~09azAZ: 1\r\n"), {200}},
      {"64 header lines", get(accounts, padding(62)), {200}},
      {"a header of 15 KiB", get(accounts, "Cookie: " + std::string(15 * 1024, 'c') + "\r\n"), {200}},
      {"a scheme in small letters and two blanks",
       "GET /v1/accounts HTTP/1.1\r\nHost: g\r\nauthorization: bearer  " + std::string{key} + "\r\n\r\n",
       {200}},
      {"an empty line in front", "\r\n" + line, {200}},
      {"empty lines in front, which earn no time", "\r\n\r\n\r\n" + line, {200}},
      {"two requests at once", line + line, {200, 200}},
      {"a creation and a read at once", post(example) + line, {201, 200}},
      {"an empty line between requests", post(example) + "\r\n" + line, {201, 200}},
      {"a host with a port", with_host("Host: gateway.example:8080\r\n"), {200}},
      {"a host with a colon and no port", with_host("Host: gateway.example:\r\n"), {200}},
      {"a host with an underscore", with_host("Host: onboarding_gateway:8080\r\n"), {200}},
      {"a host with a dot at its end", with_host("Host: Gateway.Example.\r\n"), {200}},
      {"an address as a host", with_host("Host: 127.0.0.1:8080\r\n"), {200}},
      {"an IPv6 address as a host", with_host("Host: [2001:db8::7]:8080\r\n"), {200}},
      {"a host of nothing", with_host("Host:\r\n"), {200}},
      {"a target in absolute form", get("http://gateway.example/v1/accounts"), {200}},
      {"a target in absolute form with a port and another scheme",
       get("HTTPS://gateway.example:8443/v1/accounts?x"),
       {200}},
      {"a target of another host than Host, which counts for less", get("http://other.example/v1/accounts"), {200}},
      {"an escaped account", get("/v1/accounts/s%61ndbox"), {200}},
      {"escapes in small letters and capitals", get("/v1/%61ccounts/sandbo%78?a=%2F%2f"), {200}},
      {"an escaped hyphen", ask("OPTIONS", "/v1/accounts/sandbox/onboarding%2Dsessions"), {204}},
      {"a query, which means nothing here", get("/v1/accounts?a=b&c[]={d}|e^f`\\g"), {200}},
      {"OPTIONS of everything", ask("OPTIONS", "*"), {204}},
      {"OPTIONS of a path", ask("OPTIONS", sessions_path), {204}},
      {"HTTP/1.0", in_http_1_0(""), {200}, closed},
      {"HTTP/1.0 that wants to stay", in_http_1_0("Connection: Keep-Alive\r\n"), {200}},
      {"HTTP/1.0 with an expectation, which it has not", in_http_1_0("Expect: x\r\n"), {200}, closed},
      {"a farewell", get(accounts, "Connection: close\r\n"), {200}, closed},
      {"a farewell with a request behind it", get(accounts, "Connection: close\r\n") + line, {200}, closed},
      {"HTTP/1.0 with a request behind it", in_http_1_0("") + line, {200}, closed},
      {"a farewell in capitals, among others", get(accounts, "Connection: keep-alive, CLOSE\r\n"), {200}, closed},
      {"a farewell in a second line", get(accounts, "Connection: te\r\nConnection: close\r\n"), {200}, closed},
      {"what goes without saying", get(accounts, "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"), {200}},
      {"an upgrade to HTTP/2, which is not taken up",
       get(accounts, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
       {200}},
      {"an upgrade to a WebSocket, which is not taken up",
       get(accounts, "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
       {200}},
      {"a body that nobody needs", get(accounts, "Content-Length: 5\r\n") + "hello", {200}},
      {"a chunked body that nobody needs",
       get(accounts, "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n",
       {200}},
      {"an expectation without a body", get(accounts, "Expect: 100-continue\r\n"), {200}},
      {"an expectation in capitals with its body", post(example, "Expect: 100-CONTINUE\r\n"), {201}},
      {"a length with zeros in front",
       creation("Content-Length: 000" + std::to_string(example.size()) + "\r\n") + example,
       {201}},
      {"chunks", chunked(in_chunks_of(100, "") + "0\r\n\r\n"), {201}},
      {"chunked in capitals", creation("transfer-encoding:CHUNKED\r\n") + in_chunks_of(100, "") + "0\r\n\r\n", {201}},
      {"chunks of one byte", chunked(in_chunks_of(1, "") + "0\r\n\r\n"), {201}},
      {"chunks with extensions", chunked(in_chunks_of(200, ";a;b=c ; d = \"e\\\"f\t\"") + "0;last\r\n\r\n"), {201}},
      {"a signature for every chunk",
       chunked(in_chunks_of(100, ";chunk-signature=" + std::string(64, 'f')) + "0\r\n\r\n"),
       {201}},
      {"a chunk with zeros in front", chunked("0000" + in_chunks_of(4096, "") + "000\r\n\r\n"), {201}},
      {"trailers", chunked(in_chunks_of(4096, "") + "0\r\nX-Checksum: 1\r\nX-B:\t2\r\n\r\n") + line, {201, 200}},
      {"JSON with a charset", as("application/json; charset=UTF-8"), {201}},
      {"JSON with a charset in quotes", as("Application/JSON;Charset=\"utf-8\""), {201}},
      {"a kind of JSON", as("application/vnd.example+json"), {201}},
      {"a coding that is none", post(example, "Content-Encoding: identity\r\n"), {201}},
      {"blanks and line ends in a body", post(" \r\n\t" + example_with(",", " ,\n ") + "\r\n"), {201}},
      {"escapes in a body", post(example_with("\"language\":\"de\"", R"("l\u0061nguage":"\u0064e")")), {201}},
      {"all of Unicode in a body",
       post(example_with("{",
                         "{\"external_metadata\":{\"\xf0\x9f\x98\x80\":\"\\ud83d\\ude00\xf4\x8f\xbf\xbf\\u0000\"},")),
       {201}},
      {"large and small numbers in a body",
       post(example_with("{", R"({"external_metadata":{"a":-0,"b":1e308,"c":18446744073709551616,"d":1E-400},)")),
       {201}},
      {"a nesting of thirty",
       post(example_with("{", "{\"external_metadata\":{\"a\":" + std::string(30, '[') + std::string(30, ']') + "},")),
       {201}},
      {"every type is acceptable", get(accounts, "Accept: text/html, */*;q=0.1\r\n"), {200}},
      {"types in two lines, one of them JSON",
       get(accounts, "Accept: text/html\r\nAccept: application/json\r\n"),
       {200}},
      {"nothing in particular is acceptable", get(accounts, "Accept:\r\n"), {200}},
      {"preferences nobody knows", post(example, "Prefer: respond-async, x=\"y\";z\r\nPrefer: wait=5\r\n"), {201}},
      {"an id of a request that is not kept", get(accounts, "X-Request-Id: <script>\r\n"), {200}},
      {"an idempotency key of 255 characters",
       post(example, "Idempotency-Key: " + std::string(255, 'k') + "\r\n"),
       {201}},
      {"an idempotency key with escapes", post(example, "Idempotency-Key: \"a \\\"b\\\\\"\r\n"), {201}},
      {"a redirect with everything", leads("https://my-customerportal.com:8443/a/b;c?d=e&f=%20#/g"), {201}},
      {"a redirect in capitals", leads("HTTPS://My-CustomerPortal.COM/"), {201}},
      {"a redirect with a dot at its end", leads("https://my-customerportal.com./"), {201}},
      {"a redirect below a wildcard", leads("https://a.portal.example/"), {201}},
      {"a redirect far below a wildcard", leads("https://a.b.c.portal.example"), {201}},
      {"a redirect to an international name", leads("https://xn--bcher-kva.portal.example/"), {201}},
      {"a redirect that names another one", leads("https://my-customerportal.com/?next=https://evil.example/"), {201}},
      {"a redirect of 8000 characters",
       leads("https://my-customerportal.com/" + std::string(8000 - sizeof "https://my-customerportal.com/" + 1, 'x')),
       {201}},
  };
}

std::vector<unsigned> statuses_of(const std::vector<answer>& answers) {
  std::vector<unsigned> all;
  for (const auto& one : answers) all.push_back(one.status);
  return all;
}

}  // namespace

TEST_CASE("what is unusual and right is served, and so is the next request") {
  guarded_world in;
  const auto all = requests();
  CHECK(all.size() >= 25);
  for (const auto& one : all) {
    CAPTURE(one.what);
    auto caller = in.w.connect();
    CHECK(in.deliver(caller, one.bytes));
    auto heard = caller.heard();
    in.deliver(caller, get("/v1/accounts"));
    heard += caller.heard();
    auto expected = one.statuses;
    if (one.after == lives) expected.push_back(200);
    INFO(heard);
    CHECK(statuses_of(read_answers(heard)) == expected);
    CHECK(caller.ended() == (one.after == closed));
    caller.leave();
    in.w.advance(1s);
  }
}

TEST_CASE("the same requests are served when they come byte by byte") {
  guarded_world in;
  for (const auto& one : requests()) {
    if (one.bytes.size() > 3000) continue;
    CAPTURE(one.what);
    auto caller = in.w.connect();
    for (const char c : one.bytes) in.deliver(caller, {&c, 1});
    CHECK(statuses_of(read_answers(caller.heard())) == one.statuses);
    caller.leave();
    in.w.advance(1s);
  }
}

TEST_CASE("HEAD has the headers of GET and no body") {
  guarded_world in;
  const auto head_of = [](const std::string& all) { return all.substr(0, all.find("\r\n\r\n") + 4); };
  for (const auto* path : {"/v1/accounts", "/openapi.json", "/v1/accounts/production", "/v2"}) {
    CAPTURE(path);
    auto caller = in.w.connect();
    in.deliver(caller, get(path, "X-Request-Id: the-same\r\n"));
    const auto whole = caller.heard();
    in.deliver(caller, ask("HEAD", path, "X-Request-Id: the-same\r\n"));
    CHECK(caller.heard() == head_of(whole));
    CHECK(head_of(whole).find("Content-Length: ") != std::string::npos);
    caller.leave();
    in.w.settle();
  }
  auto caller = in.w.connect();
  in.deliver(caller, "HEAD /v1/accounts HTTP/1.1\r\n\r\n");
  const auto refused = caller.heard();
  CHECK(refused.starts_with("HTTP/1.1 400 "));
  CHECK(refused == head_of(refused));
  caller.leave();
  in.w.advance(1s);
}

TEST_CASE("OPTIONS says what is allowed, and HTTP/1.0 is told that its connection stays") {
  guarded_world in;
  const auto everything = in.w.ask(ask("OPTIONS", "*"));
  CHECK(everything.status == 204);
  CHECK(everything.headers.at("allow") == "GET, HEAD, POST, DELETE, OPTIONS");
  CHECK_FALSE(everything.headers.contains("content-length"));
  CHECK(in.w.ask(ask("OPTIONS", sessions_path)).headers.at("allow") == "POST, OPTIONS");
  CHECK(in.w.ask(ask("OPTIONS", "http://g/v1/accounts")).headers.at("allow") == "GET, HEAD, OPTIONS");
  CHECK(in.w.ask(in_http_1_0("Connection: keep-alive\r\n")).headers.at("connection") == "keep-alive");
  CHECK(in.w.ask(in_http_1_0("")).headers.at("connection") == "close");
}

TEST_CASE("100 is said once, before the body, to who asked and has not sent it yet") {
  guarded_world in;
  auto caller = in.w.connect();
  const auto asking = creation("Expect: 100-continue\r\n" + length_of(example));
  in.deliver(caller, asking);
  CHECK(caller.heard() == "HTTP/1.1 100 Continue\r\n\r\n");
  in.deliver(caller, example);
  CHECK(caller.heard().starts_with("HTTP/1.1 201 "));
  in.deliver(caller, asking + example);
  CHECK(caller.heard().starts_with("HTTP/1.1 201 "));
  caller.leave();
  in.w.settle();
}
