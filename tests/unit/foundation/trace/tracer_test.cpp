#include "foundation/trace/tracer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

using namespace gateway;

namespace {

constexpr std::string_view sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::string_view not_sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

struct fixture {
  random::seeded_source randomness{1};
  trace::span_queue queue{4};
};

trace::span span_of(const trace::context& own) {
  trace::span one;
  one.own = own;
  return one;
}

}  // namespace

TEST_CASE("a caller's trace is continued with a span of our own, a child of the caller's") {
  fixture f;
  trace::tracer tracer{f.randomness, &f.queue, 0};
  const auto at = tracer.begin(sampled);
  CHECK(at.own.trace() == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(at.own.span() != "00f067aa0ba902b7");
  CHECK(at.has_parent);
  CHECK(std::string_view{at.parent.data(), at.parent.size()} == "00f067aa0ba902b7");
  CHECK(at.own.sampled);
  const auto upstream = tracer.child(at.own);
  CHECK(upstream.trace() == at.own.trace());
  CHECK(upstream.span() != at.own.span());
}

TEST_CASE("what the caller says about sampling goes before our own share") {
  fixture f;
  trace::tracer all{f.randomness, &f.queue, 1};
  trace::tracer none{f.randomness, &f.queue, 0};
  CHECK_FALSE(all.begin(not_sampled).own.sampled);
  CHECK(none.begin(sampled).own.sampled);
}

TEST_CASE("of the traces that begin here, the share is sampled") {
  fixture f;
  trace::tracer tracer{f.randomness, &f.queue, 0.25};
  int count = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto at = tracer.begin("");
    CHECK_FALSE(at.has_parent);
    count += at.own.sampled ? 1 : 0;
  }
  CHECK(count > 900);
  CHECK(count < 1100);
}

TEST_CASE("the share is decided by the trace's id alone") {
  const auto low = *trace::parse_traceparent("00-4bf92f3577b34da6a300000000000001-00f067aa0ba902b7-00");
  const auto high = *trace::parse_traceparent("00-4bf92f3577b34da6a3ffffffffffffff-00f067aa0ba902b7-00");
  CHECK(trace::in_share(low, 0.01));
  CHECK_FALSE(trace::in_share(low, 0));
  CHECK(trace::in_share(high, 1));
  CHECK_FALSE(trace::in_share(high, 0.99));
}

TEST_CASE("where nothing is exported, a caller's trace goes on and ours are never sampled") {
  fixture f;
  trace::tracer off{f.randomness, nullptr, 1};
  const auto theirs = off.begin(sampled);
  CHECK(theirs.own.sampled);  // they record, and we say so upstream
  CHECK_FALSE(off.records(theirs.own));
  off.record(span_of(theirs.own));
  CHECK_FALSE(off.begin("").own.sampled);
}

TEST_CASE("only sampled spans are kept, and beyond the queue's size they are dropped and counted") {
  fixture f;
  trace::tracer tracer{f.randomness, &f.queue, 0};
  tracer.record(span_of(tracer.begin(not_sampled).own));
  CHECK(f.queue.size() == 0);
  for (int i = 0; i < 6; ++i) tracer.record(span_of(tracer.begin(sampled).own));
  CHECK(f.queue.size() == 4);
  CHECK(f.queue.dropped() == 2);
  trace::span got;
  CHECK(f.queue.pop(got));
  tracer.record(span_of(tracer.begin(sampled).own));
  CHECK(f.queue.size() == 4);
  CHECK(f.queue.dropped() == 2);
}

TEST_CASE("a queue between two threads loses nothing that it took, and keeps the order") {
  trace::span_queue queue{64};
  constexpr unsigned many = 20'000;
  std::uint64_t taken = 0;
  std::jthread writer{[&] {
    for (unsigned i = 1; i <= many; ++i) {
      trace::span one;
      one.status = i;
      queue.push(one);
    }
    trace::span last;
    last.status = many + 1;
    while (!queue.push(last)) std::this_thread::yield();
  }};
  trace::span got;
  unsigned before = 0;
  bool in_order = true;
  for (;;) {
    if (!queue.pop(got)) {
      std::this_thread::yield();
      continue;
    }
    in_order = in_order && got.status > before;
    before = got.status;
    if (got.status == many + 1) break;
    ++taken;
  }
  writer.join();
  CHECK(in_order);
  // The last one may have been refused, and counted, several times before there was room.
  CHECK(taken + queue.dropped() >= many);
}

TEST_CASE("a text that is too long is cut") {
  CHECK(trace::short_text<4>{"abcdef"}.view() == "abcd");
  CHECK(trace::short_text<4>{}.view() == "");
}
