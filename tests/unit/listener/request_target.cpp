#include "listener/request_target.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

#include "listener/routes.hpp"

namespace {

using namespace gateway::listener;
using texts = std::initializer_list<std::string_view>;

std::string path(std::string_view target) {
  std::string memory;
  return std::string{path_of(target, memory)};
}

TEST_CASE("hosts are names and addresses, with a port or without") {
  for (const auto good : texts{"a", "a.b-c.example", "A_b", "a.", "a:", "a:0", "a:65535", "192.0.2.7:80", "[::1]",
                               "[2001:db8::7]:80", "[::ffff:192.0.2.7]:"})
    CHECK_MESSAGE(is_host_and_port(good), good);
  for (const auto bad :
       texts{"",     ":",      ":80",     "a:65536", "a:99999999999", "a:8o",   "a:-1", "a:80:80", "a b",
             "a,b",  "a/b",    "a@b",     "a%2e",    "a?b",           "a#b",    "a\\b", "[",       "[]",
             "[::1", "[::1]x", "[::1]:x", "[1]",     "[::1%eth0]",    "[v1.x]", "::1",  "\xc3\xa4"})
    CHECK_MESSAGE(!is_host_and_port(bad), bad);
}

TEST_CASE("a target has one of four forms") {
  for (const auto good : texts{"/", "/a/b", "/a?b", "/?", "/a%20b", "//a", "/a;b=c,d", "/%C3%A4?q=[{|}]^`\\",
                               "http://a", "http://a/", "HTTP://a:80/b?c", "https://[::1]:8080?x"})
    CHECK_MESSAGE(target_fault("GET", good).empty(), good);
  for (const auto bad :
       texts{"*",       "a",         "a:80",       "/a#b",        "/a b",        "/a\\b",     "/a|b",
             "/a{b}",   "/a\"b",     "/a<b>",      "/%",          "/%4",         "/%4g",      "/%00",
             "/%1f",    "/%7F",      "/a?%",       "/a?%0a",      "/a?b#c",      "/\xc3\xa4", "http:/a",
             "http://", "http:///a", "http://@a/", "http://a@b/", "http://a:b/", "ftp://a/",  "http://a#b"})
    CHECK_MESSAGE(!target_fault("GET", bad).empty(), bad);
  CHECK(target_fault("OPTIONS", "*").empty());
  CHECK(target_fault("CONNECT", "a:443").empty());
  CHECK(target_fault("CONNECT", "[::1]:443").empty());
  for (const auto bad : texts{"*", "/", "a", "http://a/", "a:443/", "u@a:443"})
    CHECK_MESSAGE(!target_fault("CONNECT", bad).empty(), bad);
}

TEST_CASE("escapes that nobody needs are decoded, once, and all others stay") {
  CHECK(path("/a/b?c=%61") == "/a/b");
  CHECK(path("/%61%2D%5f%7e%2E") == "/a-_~.");
  CHECK(path("/%2F%2f%25%3f%23%40") == "/%2F%2f%25%3f%23%40");
  CHECK(path("/%2561") == "/%2561");
  CHECK(path("/%252e%252e") == "/%252e%252e");
  CHECK(path("/%C3%A4") == "/%C3%A4");
}

TEST_CASE("the path of an absolute target comes after its host") {
  CHECK(path("http://a/b?c") == "/b");
  CHECK(path("HTTPS://a:1/b/%63") == "/b/c");
  CHECK(path("http://a") == "/");
  CHECK(path("http://a?b/c") == "/");
}

TEST_CASE("a path leads where its segments say, and nowhere with one more, one less or an empty one") {
  using boost::beast::http::verb;
  const auto led = find_route(verb::get, "/v1/accounts/a/users/u/heat-pumps/d");
  REQUIRE(led.route != nullptr);
  CHECK(led.route->id == route_id::read_device);
  CHECK(led.account == "a");
  CHECK(led.item == "u");
  CHECK(led.devices == "heat-pumps");
  CHECK(led.device == "d");
  CHECK(find_route(verb::get, "/v1/accounts/a/users/u/heat-pumps").route->id == route_id::list_devices);
  CHECK(find_route(verb::post, "/v1/accounts/a/onboarding-sessions").route->id == route_id::create_session);
  CHECK(find_route(verb::post, "/v1/accounts/a/onboarding-sessions/batch").route->id == route_id::create_batch);
  CHECK(find_route(verb::get, "/v1/accounts/a/onboarding-sessions/batch").item == "batch");
  for (const auto* const nowhere :
       {"", "/", "//", "/v1", "/v1/", "/v1//accounts", "/v1/accounts//", "/v1/accounts/a/users",
        "/v1/accounts/a/users/", "/v1/accounts/a/users/u/heat-pumps/d/", "/v1/accounts/a/users/u/heat-pumps/d/e",
        "/1/2/3/4/5/6/7/8/9"})
    CHECK_MESSAGE(find_route(verb::get, nowhere).route == nullptr, nowhere);
}

TEST_CASE("an account is a whole segment, whatever stands in it") {
  using boost::beast::http::verb;
  CHECK(find_route(verb::get, "/v1/accounts/a%2Fb").account == "a%2Fb");
  CHECK(find_route(verb::get, "/v1/accounts/..").account == "..");
  CHECK(find_route(verb::get, "/v1/accounts/a/../b").route == nullptr);
  CHECK(find_route(verb::get, "/v1/accounts/").route == nullptr);
  CHECK(find_route(verb::head, "/v1/accounts").route != nullptr);
  CHECK(find_route(verb::post, "/v1/accounts").allow == "GET, HEAD, OPTIONS");
  CHECK(all_methods() == "GET, HEAD, POST, DELETE, OPTIONS");
}

}  // namespace
