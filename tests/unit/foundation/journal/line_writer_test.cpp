#include "foundation/journal/line_writer.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>

using namespace gateway;
using journal::line_writer;

namespace {

template <class Write>
std::string written(Write write) {
  std::array<char, 4096> memory{};
  line_writer to{memory};
  write(to);
  CHECK_FALSE(to.full());
  return {memory.data(), to.size()};
}

std::string quoted(std::string_view text) {
  return written([&](line_writer& to) { to.quoted(text); });
}
std::string plain_or_quoted(std::string_view text) {
  return written([&](line_writer& to) { to.plain_or_quoted(text); });
}
template <class Number>
std::string number(Number value) {
  return written([&](line_writer& to) { to.number(value); });
}
std::string milliseconds(std::int64_t nanoseconds) {
  return written([&](line_writer& to) { to.milliseconds(nanoseconds); });
}

}  // namespace

TEST_CASE("quotes, backslashes and control characters are escaped") {
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("plain text") == "\"plain text\"");
  CHECK(quoted("a\"b\\c/d") == "\"a\\\"b\\\\c/d\"");
  CHECK(quoted("a\nb\rc\td") == "\"a\\nb\\rc\\td\"");
  CHECK(quoted(std::string_view{"\0\x1b\x7f", 3}) == "\"\\u0000\\u001b\\u007f\"");
}

TEST_CASE("UTF-8 stays as it is, up to the last code point") {
  CHECK(quoted("Wärmepumpe €") == "\"Wärmepumpe €\"");
  CHECK(quoted("\xf0\x9f\x94\xa5\xf4\x8f\xbf\xbf") == "\"\xf0\x9f\x94\xa5\xf4\x8f\xbf\xbf\"");
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  constexpr std::string_view replaced =
      "\"a\xef\xbf\xbd"
      "b\"";
  CHECK(quoted("a\xff"
               "b") == replaced);
  CHECK(quoted("a\xc3"
               "b") == replaced);  // cut off
  CHECK(quoted("a\x80"
               "b") == replaced);  // a tail without a head
  CHECK(quoted("\xc3") == "\"\xef\xbf\xbd\"");
  CHECK(quoted("\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // overlong
  CHECK(quoted("\xe0\x9f\xbf") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // overlong
  CHECK(quoted("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  CHECK(quoted("\xf4\x90\x80\x80").size() == 2 + 4 * 3);                        // above U+10FFFF
  CHECK(quoted("\xf0\x8f\xbf\xbf").size() == 2 + 4 * 3);                        // overlong
}

TEST_CASE("every byte and every pair of bytes gives JSON that Boost.JSON reads") {
  bool all_read = true;
  bool within_bound = true;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::array<char, 2> text{static_cast<char>(first), static_cast<char>(second)};
      std::array<char, 64> memory{};
      line_writer to{memory};
      to.quoted({text.data(), 2});
      boost::json::error_code error;
      const auto read = boost::json::parse({memory.data(), to.size()}, error);
      all_read = all_read && !error && read.is_string();
      if (first < 0x80 && second < 0x80) all_read = all_read && read.as_string() == std::string_view{text.data(), 2};
      within_bound = within_bound && to.size() <= journal::quoted_bound(2);
    }
  }
  CHECK(all_read);
  CHECK(within_bound);
}

TEST_CASE("a byte that has to be escaped is found wherever it stands") {
  for (std::size_t size = 1; size <= 24; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        const bool harmless = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        const auto plain = quoted(text) == '"' + text + '"';
        if (plain != harmless) FAIL_CHECK("byte " << byte << " at " << at << " of " << size);
      }
}

TEST_CASE("a text for people is quoted only where a reader could misunderstand it") {
  CHECK(plain_or_quoted("sandbox") == "sandbox");
  CHECK(plain_or_quoted("https://app.podero.com:443/x,y;z") == "https://app.podero.com:443/x,y;z");
  CHECK(plain_or_quoted("") == "\"\"");
  CHECK(plain_or_quoted("two words") == "\"two words\"");
  CHECK(plain_or_quoted("a=b") == "\"a=b\"");
  CHECK(plain_or_quoted("a\"b") == "\"a\\\"b\"");
  CHECK(plain_or_quoted("a\nb") == "\"a\\nb\"");
  CHECK(plain_or_quoted("ä") == "\"ä\"");
}

TEST_CASE("numbers are written in full") {
  CHECK(number(std::int64_t{0}) == "0");
  CHECK(number(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(number(0.1) == "0.1");
  CHECK(number(-2.5) == "-2.5");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(std::numeric_limits<double>::infinity()) == "null");
  CHECK(number(std::nan("")) == "null");
}

TEST_CASE("durations are milliseconds with three decimals, rounded down, never negative") {
  CHECK(milliseconds(0) == "0.000");
  CHECK(milliseconds(999) == "0.000");
  CHECK(milliseconds(1'000) == "0.001");
  CHECK(milliseconds(12'345'678) == "12.345");
  CHECK(milliseconds(60'000'000'000) == "60000.000");
  CHECK(milliseconds(10'050'000) == "10.050");
  CHECK(milliseconds(-1) == "0.000");
}

TEST_CASE("what does not fit is not written, and the writer says so") {
  std::array<char, 4> memory{'#', '#', '#', '#'};
  line_writer to{std::span{memory}.first(3)};
  to.put("ab");
  CHECK_FALSE(to.full());
  to.put("cd");
  CHECK(to.full());
  CHECK(to.size() == 2);
  to.put('c');
  CHECK(to.size() == 3);
  to.put('d');
  to.number(std::int64_t{1});
  to.number(1.5);
  CHECK(to.size() == 3);
  CHECK(memory[3] == '#');
}
