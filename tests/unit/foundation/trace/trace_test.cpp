#include "foundation/trace/trace.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace gateway;

namespace {

constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string text(const trace::context& what) {
  const auto rendered = trace::render(what);
  return {rendered.data(), rendered.size()};
}

// Zeros first, then ones.
class zeros_first final : public random::source {
 public:
  void fill(std::span<std::byte> into) override {
    std::ranges::fill(into, calls_++ == 0 ? std::byte{0x00} : std::byte{0x11});
  }
  int calls() const { return calls_; }

 private:
  int calls_ = 0;
};

}  // namespace

TEST_CASE("the specification's example is read") {
  const auto got = trace::parse_traceparent(example);
  REQUIRE(got);
  CHECK(got->trace() == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(got->span() == "00f067aa0ba902b7");
  CHECK(got->sampled);
}

TEST_CASE("only the lowest flag means sampled") {
  const std::string ids = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  CHECK_FALSE(trace::parse_traceparent(ids + "00")->sampled);
  CHECK_FALSE(trace::parse_traceparent(ids + "fe")->sampled);
  CHECK(trace::parse_traceparent(ids + "03")->sampled);
  CHECK(trace::parse_traceparent(ids + "ff")->sampled);
}

TEST_CASE("a traceparent that breaks the rules counts as absent") {
  const char* const bad[] = {
      "",
      "00",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",      // no flags
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",    // half of them
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",  // version 00 ends there
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
      "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",  // an invalid version
      "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  // upper case
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",  // zeros mean none
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
      "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",  // a dash one place early
      "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01what",
      "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
  };
  for (const auto* value : bad) {
    CAPTURE(value);
    CHECK_FALSE(trace::parse_traceparent(value));
  }
}

TEST_CASE("a later version is read as far as it is known") {
  const std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  CHECK(trace::parse_traceparent("01" + ids));
  CHECK(trace::parse_traceparent("cc" + ids + "-what-the-future-brings")->trace() ==
        "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(trace::parse_traceparent("fe" + ids + "-"));
}

TEST_CASE("what is sent is of version 00, with no flag but sampled") {
  CHECK(text(*trace::parse_traceparent(example)) == example);
  CHECK(text(*trace::parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-new")) == example);
  CHECK(text(*trace::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe")) ==
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
}

TEST_CASE("a child keeps trace and flag and has a span of its own") {
  random::seeded_source from{1};
  const auto parent = *trace::parse_traceparent(example);
  const auto one = trace::child(parent, from);
  const auto two = trace::child(parent, from);
  CHECK(one.trace() == parent.trace());
  CHECK(one.sampled);
  CHECK(one.span() != parent.span());
  CHECK(one.span() != two.span());
  CHECK(trace::parse_traceparent(text(one)) == one);
}

TEST_CASE("a new trace is valid, not sampled and different from the next") {
  random::seeded_source from{1};
  const auto one = trace::start(from);
  CHECK_FALSE(one.sampled);
  CHECK(trace::parse_traceparent(text(one)) == one);
  CHECK(trace::start(from).trace() != one.trace());
}

TEST_CASE("an id of zeros is drawn again") {
  zeros_first from;
  CHECK(trace::child(*trace::parse_traceparent(example), from).span() == "1111111111111111");
  CHECK(from.calls() == 2);
}

TEST_CASE("a request continues the trace it came with, else starts one") {
  random::seeded_source from{1};
  CHECK(trace::continue_or_start(example, from) == *trace::parse_traceparent(example));
  CHECK(trace::continue_or_start("nonsense", from).trace() != "4bf92f3577b34da6a3ce929d0e0e4736");
}
