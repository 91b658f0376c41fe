#include "onboarding/forms.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace gateway::onboarding;
using enum redirect_fault;
using faults = std::vector<redirect_fault>;
using texts = std::vector<std::string>;

// Read twice: the second time it is known.
url_facts facts_of(std::string_view url) {
  url_reader reader;
  reader.read(url);
  return reader.read(url);
}

faults of(std::string_view url, const redirect_rules& rules = {}) {
  return redirect_faults(url, facts_of(url), rules);
}

std::string_view origin_of(std::string_view url) {
  return facts_of(url).origin(url);
}

}  // namespace

TEST_CASE("a UUID is 32 hexadecimal digits in five groups") {
  CHECK(is_uuid("a169451c-8525-4352-b8ca-070dd449a1a5"));
  CHECK(is_uuid("A169451C-8525-4352-B8CA-070DD449A1A5"));
  CHECK(is_uuid("00000000-0000-0000-0000-000000000000"));
  CHECK_FALSE(is_uuid(""));
  CHECK_FALSE(is_uuid("a169451c85254352b8ca070dd449a1a5"));
  CHECK_FALSE(is_uuid("{a169451c-8525-4352-b8ca-070dd449a1a5}"));
  CHECK_FALSE(is_uuid("a169451c-8525-4352-b8ca-070dd449a1a"));
  CHECK_FALSE(is_uuid("a169451c-8525-4352-b8ca-070dd449a1ag"));
  CHECK_FALSE(is_uuid("a169451c-8525-4352-b8ca_070dd449a1a5"));
  CHECK_FALSE(is_uuid("a169451c-8525-4352-b8ca-070dd449a1a5 "));
}

TEST_CASE("of every byte in every place of a UUID it is known whether it may stand there") {
  const std::string good = "a169451c-8525-4352-b8ca-070dd449a1a5";
  for (std::size_t place = 0; place < good.size(); ++place)
    for (int byte = 0; byte < 256; ++byte) {
      auto text = good;
      text[place] = static_cast<char>(byte);
      const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
      REQUIRE_MESSAGE(is_uuid(text) == (good[place] == '-' ? byte == '-' : digit), place, " ", byte);
    }
}

TEST_CASE("a language is two lower-case letters with an optional region") {
  for (const std::string& good : texts{"de", "en", "de-AT", "pt_BR", "es-419"}) CHECK_MESSAGE(is_language(good), good);
  for (const std::string& bad : texts{"", "d", "DE", "deu", "de-", "de-at", "de-AUT", "de AT", "de-AT-x", "german"})
    CHECK_FALSE_MESSAGE(is_language(bad), bad);
}

TEST_CASE("a price zone is capitals, digits and underscores, also one that nobody knew when this was compiled") {
  for (const std::string& good : texts{"AT", "DE_LU", "SE_4", "IT_CNOR", "AT_HOURLY", "X9_NEW"})
    CHECK_MESSAGE(is_price_zone(good), good);
  for (const std::string& bad : texts{"", "at", "DE-LU", "DE LU", "_AT", "4SE", "AT\n"})
    CHECK_FALSE_MESSAGE(is_price_zone(bad), bad);
  CHECK(is_price_zone(std::string(64, 'A')));
  CHECK_FALSE(is_price_zone(std::string(65, 'A')));
}

TEST_CASE("an absolute https URL of a host is accepted, with port, query and fragment") {
  for (const std::string& url :
       texts{"https://my-customerportal.com/success", "https://my-customerportal.com", "HTTPS://Portal.Example",
             "https://portal.example:8443/a/b?c=d&e=%20#/route", "https://192.0.2.7/x", "https://[2001:db8::7]:8443/x",
             "https://xn--bcher-kva.example/", "https://portal.example./", "https://a_b.example/",
             "https://0x7f.example/", "https://0xa.b.0x1z./"})
    CHECK_MESSAGE(of(url).empty(), url);
}

TEST_CASE("what is no URL is refused as such") {
  for (const std::string& url :
       texts{"", "success", "/success", "//portal.example/x", "https://portal.example/a b",
             "https://portal.example/\\x", "https:\\\\portal.example", "https://portal.example/\u00e4",
             "https://b\u00fccher.example", "https://[::1", "https://portal.example/%zz", " https://portal.example",
             "https://portal.example\n", "https://portal.example:8o/"})
    CHECK_MESSAGE(of(url) == faults{not_a_url}, url);
}

TEST_CASE("a host that only begins like another one is not taken for it") {
  const redirect_rules rules{.http_to_localhost = true, .host_allowed = [](std::string_view h) {
                               return h == "127.0.0.1" || h == "192.0.2.7" || h == "[::1]" || h == "portal.example";
                             }};
  for (const std::string& url :
       texts{"https://192.0.2.7.evil.example/", "http://127.0.0.1.evil.example/", "https://[::1].evil.example/",
             "https://[::1]x/", "https://portal.example:443x.evil.example/", "https://portal.example:x/",
             "https://portal.example@a@evil.example/"})
    CHECK_MESSAGE(of(url, rules) == faults{not_a_url}, url);
  CHECK(origin_of("https://127.0.0.1.evil.example/").empty());
}

TEST_CASE("an https URL that names no host is refused") {
  for (const std::string& url :
       texts{"https:", "https:/x", "https:x", "https:///x", "https://:8443/x", "https://portal..example/",
             "https://.example/", "https://evil.example%2f.portal.example/", "https://portal.example:70000/",
             "https://portal.example:0/", "https://a!b.example/", "https://192.0.2.700/", "https://99.1/",
             "https://0x7f.1/", "https://0X7F000001/", "https://portal.0x7f./", "https://portal.example:65536/",
             "https://[v1.x]/"})
    CHECK_MESSAGE(of(url) == faults{not_a_host}, url);
}

TEST_CASE("schemes other than https are refused, and never run as a script") {
  CHECK(of("ftp://portal.example/x") == faults{scheme});
  CHECK(of("javascript:alert(1)") == faults{scheme});
  CHECK(of("data:text/html,x") == faults{scheme});
  CHECK(of("http://portal.example/x") == faults{scheme});
}

TEST_CASE("http is accepted for localhost only, and only where it is allowed") {
  const redirect_rules allowed{.http_to_localhost = true, .host_allowed = {}};
  for (const std::string& url :
       texts{"http://localhost/x", "http://localhost:3000/x", "http://LocalHost./", "http://app.localhost:3000/",
             "http://127.0.0.1:3000/", "http://127.9.9.9/", "http://[::1]:3000/"}) {
    CHECK_MESSAGE(of(url, allowed).empty(), url);
    CHECK_MESSAGE(of(url) == faults{scheme}, url);
  }
  for (const std::string& url : texts{"http://portal.example/", "http://localhost.example/", "http://notlocalhost/",
                                      "http://128.0.0.1/", "http://[::2]/"})
    CHECK_MESSAGE(of(url, allowed) == faults{scheme}, url);
}

TEST_CASE("user info is refused: it makes a URL look like another one") {
  CHECK(of("https://my-customerportal.com@evil.example/") == faults{user_info});
  CHECK(of("https://user:word@portal.example/") == faults{user_info});
  CHECK(of("https://@portal.example/") == faults{user_info});
}

TEST_CASE("8000 characters are accepted and 8001 are not") {
  const std::string front = "https://portal.example/";
  CHECK(of(front + std::string(8000 - front.size(), 'x')).empty());
  CHECK(of(front + std::string(8001 - front.size(), 'x')) == faults{too_long});
}

TEST_CASE("every fault of a URL is told at once") {
  const redirect_rules rules{.http_to_localhost = false, .host_allowed = [](std::string_view) { return false; }};
  const auto url = "http://user@evil.example/" + std::string(8000, 'x');
  CHECK(of(url, rules) == faults{too_long, scheme, user_info, host});
}

TEST_CASE("the allow-list is asked with the host alone, not with what only looks like it") {
  std::string asked;
  const redirect_rules rules{.http_to_localhost = false, .host_allowed = [&](std::string_view h) {
                               asked = h;
                               return h == "portal.example";
                             }};
  CHECK(of("https://portal.example:8443/x", rules).empty());
  CHECK(asked == "portal.example");
  CHECK(of("https://portal.example.evil.example/", rules) == faults{redirect_fault::host});
  CHECK(asked == "portal.example.evil.example");
  CHECK(of("https://[2001:db8::7]/", rules) == faults{redirect_fault::host});
  CHECK(asked == "[2001:db8::7]");
}

TEST_CASE("the origin of a URL is its scheme, host and port") {
  CHECK(origin_of("https://connect.podero.com?onboarding_session_id=1") == "https://connect.podero.com");
  CHECK(origin_of("https://localhost:8443/connect/x#y") == "https://localhost:8443");
  CHECK(origin_of("http://[::1]:80/x") == "http://[::1]:80");
  for (const std::string& none : texts{"", "connect.podero.com", "ftp://connect.podero.com/",
                                       "https://user@connect.podero.com/", "https:/x", "javascript:x"})
    CHECK_MESSAGE(origin_of(none).empty(), none);
}

TEST_CASE(
    "a reader tells URLs apart that differ by a byte, in front of the query and in it, however many it has read") {
  url_reader reader;
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 1000; ++i) {
      const auto host = "h" + std::to_string(i) + ".example";
      for (const std::string& url : texts{"https://" + host + "/a?b=" + std::to_string(i), "https://" + host + "#c"}) {
        const auto facts = reader.read(url);
        CHECK(facts.absolute);
        CHECK(facts.host(url) == host);
        CHECK(facts.origin(url) == "https://" + host);
      }
      CHECK(reader.read("https://u@" + host + "/a").has_user_info);
      CHECK_FALSE(reader.read("https://" + host + "/a?b c").absolute);
      CHECK_FALSE(reader.read("https://" + host + "/a?%zz").absolute);
      CHECK_FALSE(reader.read("https://" + host + "/a#b#c").absolute);
      CHECK_FALSE(reader.read("?b=" + std::to_string(i)).absolute);
    }
}
