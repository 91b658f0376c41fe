#include "onboarding/calendar.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace gateway::onboarding;
using namespace std::chrono_literals;

// The instant in RFC 3339, or "nothing".
std::string expiry(std::string_view text, std::chrono::minutes offset = 3h) {
  const auto at = earliest_expiry(text, offset);
  if (!at) return "nothing";
  std::string out;
  append_rfc3339(out, *at);
  return out;
}

}  // namespace

TEST_CASE("a date ends at midnight of the assumed zone, which is three hours ahead of UTC unless configured") {
  CHECK(expiry("2024-08-24") == "2024-08-24T21:00:00Z");
  CHECK(expiry("2024-08-24", 0h) == "2024-08-25T00:00:00Z");
  CHECK(expiry("2024-08-24", 14h) == "2024-08-24T10:00:00Z");
  CHECK(expiry("2024-08-24", -5h - 30min) == "2024-08-25T05:30:00Z");
}

TEST_CASE("month ends, leap days and year ends are counted") {
  CHECK(expiry("2024-02-29", 0h) == "2024-03-01T00:00:00Z");
  CHECK(expiry("2023-12-31", 0h) == "2024-01-01T00:00:00Z");
  CHECK(expiry("1969-12-31", 3h) == "1969-12-31T21:00:00Z");
}

TEST_CASE("an RFC 3339 date-time is taken as it is, fractions cut off") {
  CHECK(expiry("2024-08-24T12:34:56Z") == "2024-08-24T12:34:56Z");
  CHECK(expiry("2024-08-24t12:34:56.999999z") == "2024-08-24T12:34:56Z");
  CHECK(expiry("2024-08-24T01:00:00+02:00") == "2024-08-23T23:00:00Z");
  CHECK(expiry("2024-08-24 23:59:60-00:30") == "2024-08-25T00:29:59Z");
}

TEST_CASE("a date-time without an offset is read in the assumed zone") {
  CHECK(expiry("2024-08-24T12:00:00") == "2024-08-24T09:00:00Z");
}

TEST_CASE("what is no date gives nothing") {
  for (const std::string& text : std::vector<std::string>{
           "", "tomorrow", "2024", "2024-8-24", "2024-13-01", "2024-02-30", "2023-02-29", "2024-08-24x", "2024-08-24T",
           "2024-08-24T24:00:00Z", "2024-08-24T12:60:00Z", "2024-08-24T12:00:61Z", "2024-08-24T12:00:00.Z",
           "2024-08-24T12:00:00+2:00", "2024-08-24T12:00:00+02:00x", "2024-08-24T12:00:00Zx", "24-08-2024"}) {
    CAPTURE(text);
    CHECK(expiry(text) == "nothing");
  }
}
