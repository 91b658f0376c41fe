#include "foundation/trace/request_id.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace gateway;

TEST_CASE("a request id of 1 to 128 letters, digits, dots, underscores and dashes is sane") {
  CHECK(trace::sane_request_id("a"));
  CHECK(trace::sane_request_id("Az09._-"));
  CHECK(trace::sane_request_id(std::string(128, 'x')));
}

TEST_CASE("anything else is not") {
  CHECK_FALSE(trace::sane_request_id(""));
  CHECK_FALSE(trace::sane_request_id(std::string(129, 'x')));
  for (const char* text : {"a b", "a\nb", "a\"b", "a/b", "a,b", "a:b", "\xc3\xa4", "{}", "%41", "a\x7f"}) {
    CAPTURE(text);
    CHECK_FALSE(trace::sane_request_id(text));
  }
  CHECK_FALSE(trace::sane_request_id(std::string_view{"a\0b", 3}));
}

TEST_CASE("a sane id is kept, and outlives the text it came in") {
  random::seeded_source from{1};
  std::string came = "checkout-2024.08_23";
  const auto id = trace::keep_or_make(came, from);
  came.assign(came.size(), '!');
  CHECK(id.view() == "checkout-2024.08_23");
  CHECK(trace::keep_or_make(std::string(128, 'x'), from).view() == std::string(128, 'x'));
}

TEST_CASE("without a sane id a version 4 UUID is made") {
  random::seeded_source from{1};
  const auto made = trace::keep_or_make("", from);
  CHECK(made.made_here());
  CHECK_FALSE(trace::keep_or_make("order-4711", from).made_here());
  CHECK(made.view().size() == 36);
  CHECK(made.view()[14] == '4');
  CHECK(trace::sane_request_id(made.view()));
  CHECK(trace::keep_or_make("a b", from).view() != made.view());
}
