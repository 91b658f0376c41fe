#include "settings/scalars.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;
using namespace std::chrono_literals;

TEST_CASE("A duration is a whole number and one unit") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("24h") == 24h);
  CHECK(parse_duration("0s") == 0ms);
}

TEST_CASE("A text that is no duration is refused with an example") {
  CHECK(parse_duration("50").error() == R"("50" has no unit: write a duration such as 250ms, 5s, 15m or 24h)");
  for (const auto* text :
       {"", "s", "5 s", "1.5s", "-5s", "5sec", "1h30m", "5S", "99999999999999999999s", "9999999999h"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
}

TEST_CASE("A duration is shown in the largest unit that divides it") {
  CHECK(show(std::chrono::milliseconds{0}) == "0s");
  CHECK(show(std::chrono::milliseconds{250}) == "250ms");
  CHECK(show(std::chrono::milliseconds{1500}) == "1500ms");
  CHECK(show(std::chrono::milliseconds{90s}) == "90s");
  CHECK(show(std::chrono::milliseconds{15min}) == "15m");
  CHECK(show(std::chrono::milliseconds{48h}) == "48h");
}

TEST_CASE("A size is a whole number and a binary unit") {
  CHECK(parse_size("512B") == byte_size{512});
  CHECK(parse_size("16KiB") == byte_size{16384});
  CHECK(parse_size("4MiB") == byte_size{4194304});
  CHECK(parse_size("1GiB") == byte_size{1073741824});
  CHECK(parse_size("16KB").error() ==
        R"("16KB" is no size: write a whole number and B, KiB, MiB or GiB, such as 16KiB)");
  CHECK(parse_size("16384").error() == R"("16384" has no unit: write a size such as 512B, 16KiB or 4MiB)");
  CHECK_FALSE(parse_size("99999999999GiB"));
  CHECK(show(byte_size{16384}) == "16KiB");
  CHECK(show(byte_size{1000}) == "1000B");
}

TEST_CASE("An offset from UTC has a sign, hours and minutes") {
  CHECK(parse_utc_offset("+03:00")->value == 180min);
  CHECK(parse_utc_offset("-05:30")->value == -330min);
  CHECK(parse_utc_offset("Z")->value == 0min);
  for (const auto* text : {"3", "+3:00", "+03", "+15:00", "-14:01", "+03:60", "03:00", "+03:00 "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_utc_offset(text));
  }
  CHECK(show(utc_offset{-330min}) == "-05:30");
  CHECK(show(utc_offset{180min}) == "+03:00");
}

TEST_CASE("A number is finite and nothing follows it") {
  CHECK(parse_number("0.1") == 0.1);
  CHECK(parse_number("1") == 1.0);
  for (const auto* text : {"", "nan", "inf", "0.1x", "0,1", "--1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_number(text));
  }
  CHECK(parse_whole_number("8") == 8U);
  CHECK_FALSE(parse_whole_number("-8"));
  CHECK_FALSE(parse_whole_number("8.0"));
  CHECK(parse_whole_number("99999999999999999999").error() == R"("99999999999999999999" is too large)");
}

TEST_CASE("A URL is taken apart, with its port filled in") {
  const auto api = parse_url("HTTPS://App.Podero.com/api/partners/v2.0");
  REQUIRE(api);
  CHECK(api->scheme == "https");
  CHECK(api->host == "app.podero.com");
  CHECK(api->port == 443);
  CHECK(api->path == "/api/partners/v2.0");
  CHECK(api->authority() == "app.podero.com");
  CHECK(api->text() == "https://app.podero.com/api/partners/v2.0");

  const auto local = parse_url("https://[::1]:9443/x");
  REQUIRE(local);
  CHECK(local->host == "::1");
  CHECK(local->port == 9443);
  CHECK(local->authority() == "[::1]:9443");
  CHECK(local->origin() == "https://[::1]:9443");
}

TEST_CASE("A URL that is not absolute, or has what does not belong there, is refused") {
  CHECK(parse_url("app.podero.com").error() ==
        R"("app.podero.com" is no absolute URL such as https://app.podero.com/api)");
  CHECK(parse_url("https://a.example/x?y=1").error() ==
        R"("https://a.example/x?y=1" has a query, which does not belong here)");
  CHECK_FALSE(parse_url("https://a.example/#top"));
  CHECK_FALSE(parse_url("https:///path"));
  CHECK_FALSE(parse_url("https://a.example:0/"));
  CHECK_FALSE(parse_url("https://a.example:70000/"));
  CHECK_FALSE(parse_url("https://a.example:b/c"));  // no path "b/c"
  CHECK_FALSE(parse_url("https://a.example:80b"));
  CHECK(parse_url("https://a.example:/c"));  // RFC 3986 section 3.2.3: an empty port is none
  CHECK_FALSE(parse_url("https://bücher.example/"));
}

TEST_CASE("User info in a URL is refused without being shown") {
  const auto read = parse_url("https://me:example-secret-not-real@a.example/");
  REQUIRE_FALSE(read);
  CHECK(read.error().find("example-secret-not-real") == std::string::npos);
}

TEST_CASE("A digest is 64 hexadecimal digits, and a wrong one is not shown") {
  const std::string text = "00FF" + std::string(60, 'a');
  const auto digest = parse_digest(text);
  REQUIRE(digest);
  CHECK((*digest)[1] == 255);
  CHECK(show(*digest) == "00ff" + std::string(60, 'a'));
  const auto wrong = parse_digest("ogw_example-secret-not-real");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error() ==
        "must be the SHA-256 of the key as 64 hexadecimal digits, not 27 characters (onboarding-gateway key new NAME "
        "prints such a line)");
  CHECK_FALSE(parse_digest(std::string(64, 'g')));
}

TEST_CASE("An override maps a host, with or without a port, to an address, with or without a port") {
  const auto plain = parse_override("App.Podero.test", "127.0.0.1");
  REQUIRE(plain);
  CHECK(plain->host == "app.podero.test");
  CHECK(plain->port == 0);
  CHECK(plain->to_port == 0);
  const auto full = parse_override("app.podero.test:443", "[::1]:8443");
  REQUIRE(full);
  CHECK(full->port == 443);
  CHECK(full->address.to_string() == "::1");
  CHECK(full->to_port == 8443);
  CHECK(show_from(*full) == "app.podero.test:443");
  CHECK(show_to(*full) == "[::1]:8443");
  CHECK(parse_override("a.test", "::1")->address.is_v6());
  for (const auto* to : {"localhost", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "", "[::1"}) {
    CAPTURE(to);
    CHECK_FALSE(parse_override("a.test", to));
  }
  CHECK_FALSE(parse_override("a b", "127.0.0.1"));
  CHECK_FALSE(parse_override("a.test:x", "127.0.0.1"));
}
