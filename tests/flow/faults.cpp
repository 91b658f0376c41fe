// What a caller is told of the effect of its request, against what Podero really did, wherever the wire breaks.
#include <doctest/doctest.h>

#include "flow/podero_world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

// Breaks so often that the breaker and the retry budget would come in between, which have tests of their own.
std::string patient_configuration() {
  return plain_configuration() +
         "    retries: { attempts: 3, budget: 1, floor_per_second: 1000 }\n"
         "    circuit_breaker: { min_requests: 1000000 }\n";
}

std::string effect_of(const answer& got) {
  if (got.status == 201) return "created";
  const auto at = got.body.find("\"upstream_effect\":\"");
  REQUIRE(at != std::string::npos);
  const auto begin = at + 19;
  return got.body.substr(begin, got.body.find('"', begin) - begin);
}

struct tally {
  int succeeded = 0;
  int none = 0;
  int unknown = 0;
};

// One creation, and whether what the caller was told is true.
void create_and_check(podero_world& p, tally& seen) {
  const auto before = p.podero.session_book().size();
  const auto got = p.create_patiently();
  const auto made = p.podero.session_book().size() - before;
  const auto effect = effect_of(got);
  CHECK(made <= 1);  // never a second creation
  if (got.status == 201) {
    CHECK(made == 1);
    ++seen.succeeded;
  } else if (effect == "none") {
    CHECK(made == 0);
    ++seen.none;
  } else {
    CHECK(effect == "unknown");
    CHECK(text_of(got.body, "retry") == "same-key");
    ++seen.unknown;
  }
}

TEST_CASE("a request cut at every byte on its way has the effect that the caller is told") {
  podero_world p{patient_configuration()};
  p.w.upstream.hold_at_most(64);  // so that the rest of the request is still with the gateway when the wire breaks
  tally seen;
  int cuts = 0;
  for (std::size_t n = 0; n < 800; ++n) {
    CAPTURE(n);
    if (p.w.upstream.open() == 0) CHECK(p.create_patiently().status == 201);
    p.w.upstream.cut_request_after(n);
    p.w.settle();
    create_and_check(p, seen);
    ++cuts;
  }
  CHECK(seen.succeeded + seen.none + seen.unknown == cuts);
  // Nothing of what was not wholly handed over was lost: it went over another connection.
  CHECK(seen.none == 0);
  CHECK(seen.succeeded > 400);
  CHECK(seen.unknown > 0);  // handed over and lost on its way: nobody can know
  CHECK(seen.unknown < 100);
}

TEST_CASE("an answer cut at every byte leaves one creation, and the caller knows that it may have happened") {
  podero_world p{patient_configuration()};
  const auto length = p.answer_length();
  REQUIRE(length > 300);
  tally seen;
  for (std::uint64_t n = 0; n < length; ++n) {
    for (const auto kind : {simulator::cut_kind::reset, simulator::cut_kind::close}) {
      CAPTURE(n);
      p.next_answer = [&](simulator::response& r) { r.how.cut_after = simulator::cut{kind, n}; };
      create_and_check(p, seen);
    }
  }
  CHECK(seen.none == 0);
  CHECK(seen.succeeded == 0);
  CHECK(static_cast<std::uint64_t>(seen.unknown) == 2 * length);
  CHECK(p.podero.session_book().size() == 2 * length + 1);
  CHECK(p.create_patiently().status == 201);
}

TEST_CASE("work that is done and then answered with a server's error is not done again") {
  podero_world p{patient_configuration()};
  for (const unsigned status : {500U, 502U, 503U, 504U}) {
    CAPTURE(status);
    const auto before = p.podero.session_book().size();
    p.next_answer = [&](simulator::response& r) {
      r = {};
      r.status = status;
      r.headers.emplace_back("Retry-After", "1");
      r.body = "<html>after the work</html>";
    };
    const auto got = p.create_patiently();
    CHECK(got.status == 502);
    CHECK(effect_of(got) == "unknown");
    CHECK(p.podero.session_book().size() == before + 1);
  }
}

TEST_CASE("with an idle limit that Podero does not tell, no creation fails once the pool has learned it") {
  podero_world p{patient_configuration()};
  p.w.upstream.hidden_idle_limit(7s);
  random::seeded_source pauses{11};
  std::size_t closed_while_learning = 0;
  int failed = 0;
  constexpr int warm_up = 100;
  constexpr int requests = 10'000;
  auto caller = p.w.connect();
  for (int i = 0; i < requests; ++i) {
    if (i == warm_up) {
      closed_while_learning = p.w.upstream.closed_idle();
      failed = 0;
    }
    CHECK(caller.say(example_creation()));
    p.w.settle();
    const auto got = p.w.heard(caller);
    if (!got || got->status != 201) ++failed;
    p.w.advance(std::chrono::milliseconds{pauses.next() % 20'000});
  }
  caller.leave();
  CHECK(failed == 0);
  CHECK(closed_while_learning > 0);
  // What the server still closes after that are the pool's looks at whether the limit has become longer.
  CHECK(p.w.upstream.closed_idle() - closed_while_learning < requests / 50);
}

}  // namespace
