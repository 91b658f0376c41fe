#include "simulator/model/text_forms.hpp"
#include "simulator/model/calendar.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace simulator;
using namespace std::chrono_literals;

TEST_CASE("form texts are decoded, and broken percent signs refused") {
  CHECK(decode_form_text("a+b%2Bc%c3%BC") == "a b+cü");
  CHECK(!decode_form_text("%"));
  CHECK(!decode_form_text("%4"));
  CHECK(!decode_form_text("%zz"));
  const auto members = decode_form("a=1&b=&&c&a=2&%zz=3");
  CHECK(members == form_members{{"a", "1"}, {"b", ""}, {"c", ""}, {"a", "2"}});
}

TEST_CASE("base64 is taken with its padding only") {
  CHECK(decode_base64("YTpi") == "a:b");
  CHECK(decode_base64("YQ==") == "a");
  CHECK(decode_base64("") == "");
  CHECK(!decode_base64("YQ"));
  CHECK(!decode_base64("YQ=a"));
  CHECK(!decode_base64("Y!=="));
}

TEST_CASE("UUIDs have one form") {
  CHECK(is_uuid("a169451c-8525-4352-b8ca-070dd449a1a5"));
  CHECK(is_uuid("A169451C-8525-4352-B8CA-070DD449A1A5"));
  CHECK(!is_uuid("a169451c85254352b8ca070dd449a1a5"));
  CHECK(!is_uuid("a169451c-8525-4352-b8ca-070dd449a1a"));
  CHECK(!is_uuid("g169451c-8525-4352-b8ca-070dd449a1a5"));
}

TEST_CASE("dates, instants, durations and rates have their usual forms") {
  const auto day = std::chrono::sys_days{std::chrono::year{2024} / 2 / 29};
  CHECK(iso_date(day) == "2024-02-29");
  CHECK(iso_instant(day + 3h + 4min + 5s + 6ns) == "2024-02-29T03:04:05.000000006Z");
  CHECK(http_date(day + 3h + 4min + 5s) == "Thu, 29 Feb 2024 03:04:05 GMT");
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("10h") == 10h);
  for (const auto* wrong : {"", "5", "s", "-5s", "5 s", "5d", "99999999999s"}) CHECK(!parse_duration(wrong));
  CHECK(parse_rate("1/10s")->per == 10s);
  for (const auto* wrong : {"1", "0/1s", "1/0s", "x/1s", "1/s"}) CHECK(!parse_rate(wrong));
}
