#include "foundation/json/canonical.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace {

using gateway::json::append_canonical;
using gateway::json::canonical_digest;

std::string canonical(std::string_view text) {
  std::string out;
  append_canonical(out, text);
  return out;
}

TEST_CASE("spacing and the order of members do not matter") {
  CHECK(canonical(R"({ "b" : [ 1, true , null ], "a" : {"d":"x","c":false} })") ==
        R"({"a":{"c":false,"d":"x"},"b":[1,true,null]})");
  CHECK(canonical_digest(R"({"a":1,"b":2})") == canonical_digest("{\"b\":2,\n \"a\":1.0}"));
  CHECK(canonical_digest(R"({"a":1})") != canonical_digest(R"({"a":"1"})"));
}

// The samples of RFC 8785, appendix B.
TEST_CASE("numbers are written as ECMAScript writes them") {
  CHECK(canonical("[0,-0.0,5e-324,1.7976931348623157e308,9007199254740992,-9007199254740992]") ==
        "[0,0,5e-324,1.7976931348623157e+308,9007199254740992,-9007199254740992]");
  CHECK(canonical("[295147905179352830000,9.999999999999997e22,1e23,1e21,1e20]") ==
        "[295147905179352830000,9.999999999999997e+22,1e+23,1e+21,100000000000000000000]");
  CHECK(canonical("[333333333.3333332,0.000001,1e-7,0.00001,-12.5,4.5]") ==
        "[333333333.3333332,0.000001,1e-7,0.00001,-12.5,4.5]");
}

TEST_CASE("a number that no double holds stands for itself") {
  CHECK(canonical("[1e400,1e-400]") == "[1e400,1e-400]");
}

// The sample of RFC 8785, section 3.2.3: sorted by UTF-16 code units, not by bytes of UTF-8.
TEST_CASE("members are sorted by the code units of UTF-16") {
  CHECK(canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}") ==
        "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001F600\":5,\"\ufb33\":3}");
}

TEST_CASE("strings have one form") {
  CHECK(canonical(R"(["\u0041\u00e9\/","\u001f\t\"\\"])") == "[\"A\u00e9/\",\"\\u001f\\t\\\"\\\\\"]");
}

TEST_CASE("what is no JSON has no canonical form") {
  CHECK_THROWS_AS(canonical("{"), std::invalid_argument);
  CHECK_THROWS_AS(canonical("{} x"), std::invalid_argument);
}

}  // namespace
