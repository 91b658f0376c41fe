#include "foundation/json/write.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

namespace json = gateway::json;

namespace {

std::string written(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("strings are written with the escapes that JSON asks for") {
  CHECK(written("") == R"("")");
  CHECK(written("plain") == R"("plain")");
  CHECK(written("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(written(std::string_view{"\n\r\t\0\x1f\x7f", 6}) == "\"\\n\\r\\t\\u0000\\u001f\x7f\"");
  CHECK(written("\u00e4\U0001F600") == "\"\u00e4\U0001F600\"");
}

TEST_CASE("what is written is read back as it was, for every byte below 128") {
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  all += '\x7f';
  CHECK(boost::json::parse(written(all)).as_string() == all);
}

TEST_CASE("a name is written with its colon") {
  std::string out = "{";
  json::append_name(out, "a\"b");
  CHECK(out == R"({"a\"b":)");
}

TEST_CASE("a text is cut between two characters") {
  CHECK(json::cut("abc", 3) == "abc");
  CHECK(json::cut("abcd", 3) == "abc");
  CHECK(json::cut("a\u00e4", 2) == "a");
  CHECK(json::cut("\U0001F600", 3) == "");
  CHECK(json::shorten("abcdef", 3) == "abc...");
  CHECK(json::shorten("abc", 3) == "abc");
}

TEST_CASE("JSON Pointers are escaped, and percent-encoded in a fragment") {
  std::string pointer;
  json::append_pointer_step(pointer, "a/b~c");
  CHECK(pointer == "/a~1b~0c");
  CHECK(json::fragment_pointer("success_url") == "#/success_url");
  CHECK(json::fragment_pointer("c%d") == "#/c%25d");  // the examples of RFC 6901 section 6
  CHECK(json::fragment_pointer("e^f") == "#/e%5Ef");
  CHECK(json::fragment_pointer("k\"l") == "#/k%22l");
  CHECK(json::fragment_pointer(" ") == "#/%20");
  CHECK(json::fragment_pointer("m~n") == "#/m~0n");
  CHECK(json::fragment_pointer("a/b") == "#/a~1b");
  CHECK(json::fragment_pointer("\u00e4") == "#/%C3%A4");
}
