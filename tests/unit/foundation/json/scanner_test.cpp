#include "foundation/json/scanner.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include <string>
#include <vector>

namespace {

using namespace gateway;

// Writes down what is reported, one line per member.
struct notes final : json::visitor {
  std::vector<std::string> lines;
  void on_member(const json::member& m) override {
    std::string line{m.name};
    line += ": ";
    line += to_string(m.kind);
    if (m.kind == json::kind::string) line += " [" + std::string{m.text} + "]";
    if (m.kind == json::kind::boolean) line += m.boolean ? " true" : " false";
    if (m.kind == json::kind::integer) line += " " + std::to_string(m.integer);
    lines.push_back(line);
  }
};

std::vector<std::string> members_of(std::string_view text) {
  json::scanner scanner;
  notes seen;
  const auto result = scanner.scan(text, seen);
  REQUIRE_MESSAGE(result.has_value(), result.error().reason);
  return seen.lines;
}

json::scan_error error_of(std::string_view text) {
  json::scanner scanner;
  notes seen;
  const auto result = scanner.scan(text, seen);
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

std::string reason_of(std::string_view text) {
  return error_of(text).reason;
}

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("every kind of outermost member is reported in the order of the text") {
  CHECK(
      members_of(R"({"s": "text", "t": true, "f": false, "n": null, "i": -12, "u": 18446744073709551615, "d": 1.5})") ==
      lines{"s: a string [text]", "t: a boolean true", "f: a boolean false", "n: null", "i: a number -12",
            "u: a number", "d: a number"});
}

TEST_CASE("what is inside of arrays and objects is not reported") {
  CHECK(members_of(R"({"a": [1, "x", {"b": null}], "o": {"inner": "y", "p": true}, "z": ""})") ==
        lines{"a: an array", "o: an object", "z: a string []"});
}

TEST_CASE("escaped names and strings are reported unescaped") {
  CHECK(members_of(R"({"l\u0061nguage": "d\u00e9\n\ud83d\ude00", "a/b~c": "\"q\\"})") ==
        lines{"language: a string [dé\n😀]", "a/b~c: a string [\"q\\]"});
}

TEST_CASE("an escaped name outlives the scan of its own escaped string") {
  CHECK(members_of(R"({"n\u0031": "v\u0031", "n\u0032": {"i\u006e": "x\u0079"}, "n\u0033": "v\u0033"})") ==
        lines{"n1: a string [v1]", "n2: an object", "n3: a string [v3]"});
}

TEST_CASE("a name that begins with an escape outlives the parser's buffer for it") {
  CHECK(members_of(R"({"\u006e1": {"\u0069": "\u0078"}, "\/": ["\u0079"], "\u006e3": "\u0076", "\"": true})") ==
        lines{"n1: an object", "/: an array", "n3: a string [v]", "\": a boolean true"});
}

TEST_CASE("strings with escapes that exceed the parser's inner buffer come whole") {
  const std::string long_text(10000, 'x');
  CHECK(members_of("{\"a\": \"\\n" + long_text + "\"}") == lines{"a: a string [\n" + long_text + "]"});
}

TEST_CASE("the bounds of the object are told, with whitespace around it") {
  json::scanner scanner;
  notes seen;
  const auto empty = scanner.scan(" {} ", seen);
  REQUIRE(empty.has_value());
  CHECK(empty->open == 1);
  CHECK(empty->close == 2);
  CHECK(empty->empty);
  const auto full = scanner.scan("{\"a\":{\"b\":1}}\n", seen);
  REQUIRE(full.has_value());
  CHECK(full->open == 0);
  CHECK(full->close == 12);
  CHECK_FALSE(full->empty);
}

TEST_CASE("a duplicate member is refused with its name and place, at any depth") {
  CHECK(reason_of(R"({"language": "de", "x": 1, "language": "en"})") == "duplicate member \"language\" at byte 27");
  CHECK(reason_of(R"({"a": {"b": [{"c": 1, "c": 2}]}})") == "duplicate member \"c\" at byte 22");
  CHECK(error_of(R"({"a": 1, "a": 2})").fault == json::fault::duplicate_member);
}

TEST_CASE("a duplicate that is written with escapes is still one") {
  CHECK(reason_of(R"({"language": "de", "l\u0061nguage": "en"})") == "duplicate member \"language\" at byte 19");
  CHECK(reason_of(R"({"a:\"b": "x:", "a:\u0022b": 1})") == "duplicate member \"a:\\\"b\" at byte 16");
}

TEST_CASE("the first of several duplicates is named") {
  CHECK(reason_of(R"({"b": 1, "a": 1, "a": 2, "b": 2})") == "duplicate member \"a\" at byte 17");
}

TEST_CASE("one name in different objects is no duplicate") {
  CHECK(members_of(R"({"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]})") == lines{"a: an object", "b: an array"});
}

TEST_CASE("an absurdly long duplicate name is shortened in the reason") {
  const std::string name(1000, 'n');
  CHECK(reason_of("{\"" + name + "\":1,\"" + name + "\":2}") ==
        "duplicate member \"" + std::string(64, 'n') + "...\" at byte 1006");
}

TEST_CASE("what is not JSON is refused with the place and the reason") {
  CHECK(reason_of("") == "not JSON: the text is empty");
  CHECK(reason_of(" \n") == "not JSON: the text is empty");
  CHECK(reason_of(R"({"language": de})") == "not JSON: unexpected 'd' at byte 13");
  CHECK(reason_of(R"({"a": 1,})") == "not JSON: unexpected '}' at byte 8");
  CHECK(reason_of(R"({"a": 1)") == "not JSON: the text ends too early, at byte 7");
  CHECK(reason_of(R"({"a": "x)") == "not JSON: the text ends too early, at byte 8");
  CHECK(reason_of("{\"a\": \"x\ny\"}") == "not JSON: unexpected control character 0x0A at byte 8");
  CHECK(reason_of(R"({'a': 1})") == "not JSON: unexpected ''' at byte 1");
  CHECK(reason_of(R"({"a": /* one */ 1})") == "not JSON: unexpected '/' at byte 6");
  CHECK(reason_of("\xEF\xBB\xBF{}") == "not JSON: a byte order mark at byte 0");
  CHECK(reason_of("{\"a\": \u00e4}") == "not JSON: unexpected \"\u00e4\" at byte 6");
  CHECK(reason_of(R"({"a": "\ud800\u0041"})").starts_with("not JSON: half of a surrogate pair at byte"));
  CHECK(reason_of(R"({"a": "\u12G4"})").starts_with("not JSON: \\u without four hex digits at byte"));
  CHECK(error_of(R"({"a": 01})").fault == json::fault::not_json);
}

TEST_CASE("exactly one value is accepted") {
  CHECK(reason_of("{} {}") == "not JSON: something follows the object at byte 3");
  CHECK(error_of("{}x").fault == json::fault::trailing_bytes);
  CHECK(error_of("{}\xFF").fault == json::fault::not_utf8);
}

TEST_CASE("bytes that are not UTF-8 are refused, in names, strings and outside") {
  CHECK(reason_of("{\"a\": \"\xC3(\"}") == "not JSON: bytes that are not UTF-8 at byte 7");
  CHECK(error_of("{\"a\": \"\xED\xA0\x80\"}").fault == json::fault::not_utf8);      // a surrogate
  CHECK(error_of("{\"a\": \"\xC0\xAF\"}").fault == json::fault::not_utf8);          // overlong
  CHECK(error_of("{\"a\": \"\xF4\x90\x80\x80\"}").fault == json::fault::not_utf8);  // above U+10FFFF
  CHECK(error_of("{\"\xFE\": 1}").fault == json::fault::not_utf8);
  CHECK(error_of("{\"a\": \xFE}").fault == json::fault::not_utf8);
  CHECK(members_of("{\"a\": \"\u00e4\u20ac\U0001F600\"}") == lines{"a: a string [\u00e4\u20ac\U0001F600]"});
}

TEST_CASE("what is no object is refused by its kind") {
  CHECK(reason_of("[1, 2]") == "a JSON object is expected, found an array at byte 0");
  CHECK(reason_of(" \"x\"") == "a JSON object is expected, found a string at byte 1");
  CHECK(reason_of("null") == "a JSON object is expected, found null at byte 0");
  CHECK(reason_of("false") == "a JSON object is expected, found a boolean at byte 0");
  CHECK(reason_of("-1.5") == "a JSON object is expected, found a number at byte 0");
  CHECK(error_of("12").fault == json::fault::not_an_object);
  CHECK(reason_of("hello") == "not JSON: unexpected 'h' at byte 0");
}

TEST_CASE("32 levels are accepted and 33 refused") {
  const auto nested = [](std::size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  CHECK(members_of(nested(32)) == lines{"a: an array"});
  CHECK(reason_of(nested(33)).starts_with("nested deeper than 32 levels at byte"));
}

TEST_CASE("a scanner that has failed serves the next text") {
  json::scanner scanner;
  notes seen;
  CHECK_FALSE(scanner.scan(R"({"a": {"b\u0031": "x\u0031)", seen).has_value());
  seen.lines.clear();
  CHECK(scanner.scan(R"({"c": "d"})", seen).has_value());
  CHECK(seen.lines == lines{"c: a string [d]"});
}

TEST_CASE("many members are checked without a quadratic search") {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  json::scanner scanner;
  struct counter final : json::visitor {
    std::size_t members = 0;
    void on_member(const json::member&) override { ++members; }
  } seen;
  CHECK(scanner.scan(text + "\"last\":0}", seen).has_value());
  CHECK(seen.members == 200001);
  const auto refused = scanner.scan(text + "\"k7\":0}", seen);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().reason.starts_with("duplicate member \"k7\" at byte "));
}

TEST_CASE("limits are those of all objects together, of one name or text, and of a double") {
  const auto fault_of = [](std::string_view text, const json::scan_limits& limits) -> std::string {
    json::scanner scanner;
    notes seen;
    const auto result = scanner.scan(text, seen, limits);
    return result ? "none" : result.error().reason;
  };
  const json::scan_limits members{.members = 3};
  CHECK(fault_of(R"({"a":{"b":1},"c":[1,2,3,4,5]})", members) == "none");
  CHECK(fault_of(R"({"a":[{"b":1},{"b":2},{"b":3}]})", members).starts_with("more than 3 members at byte"));
  const json::scan_limits strings{.string = 4};
  CHECK(fault_of(R"({"abcd":"\u0061bcd","x":["efgh",12345678]})", strings) == "none");
  for (const std::string_view text : {R"({"abcde":1})", R"({"a":"abcde"})", R"({"a":["abcde"]})",
                                      R"({"a":"\n\n\n\n\n"})", R"({"a":{"\u0061bcde":1}})"}) {
    CAPTURE(text);
    CHECK(fault_of(text, strings).starts_with("a name or text of more than 4 bytes at byte"));
  }
  const json::scan_limits numbers{.finite_numbers = true};
  CHECK(fault_of(R"({"a":1.7976931348623157e308,"b":-1e308,"c":1e-400,"d":[123456789012345678901234567890]})",
                 numbers) == "none");
  for (const std::string_view number : {"1e309", "-1e309", "1e400", "1e2147483648"}) {
    CAPTURE(number);
    CHECK(fault_of("{\"a\":" + std::string{number} + "}", numbers).starts_with("a number is larger than"));
    CHECK(fault_of("{\"a\":[" + std::string{number} + "]}", numbers).starts_with("a number is larger than"));
  }
  CHECK(fault_of(R"({"a":1e309})", {}) == "none");
  CHECK(fault_of("{\"a\":" + std::string(400, '9') + "}", numbers).starts_with("a number is larger than"));
}
