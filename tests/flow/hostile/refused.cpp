// Every row: the answer, whether the connection lives, and that nothing of it came to Podero.
#include <doctest/doctest.h>

#include <set>

#include "flow/hostile/world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace gateway::flow::hostile;
using namespace std::chrono_literals;

const std::string good_request = get("/v1/accounts");

rows everything_but_stalls() {
  rows all;
  for (const auto& part :
       {framing(), chunks(), first_lines(), targets(), headers(), preconditions(), documents(), redirects()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

void check_refusal(const answer& got, const row& one) {
  INFO(got.body.substr(0, 400));
  CHECK(got.status == one.status);
  CHECK(header_of(got, "content-type") == "application/problem+json");
  CHECK(header_of(got, "cache-control") == "no-store");
  CHECK(header_of(got, "connection") == (one.after == closed ? "close" : ""));
  CHECK(member_of(got, "type") == "/problems/" + one.problem);
  CHECK(member_of(got, "detail") != "");
  CHECK(member_of(got, "upstream_effect") == "none");
  CHECK(member_of(got, "request_id") == header_of(got, "x-request-id"));
}

// What came back in all, and whether the connection is over.
struct outcome {
  std::vector<answer> answers;
  bool ended = false;
};

outcome send(guarded_world& in, std::string_view bytes, std::string_view later, std::chrono::milliseconds wait) {
  auto caller = in.w.connect();
  in.deliver(caller, bytes);
  if (wait > 0ms) in.w.advance(wait);
  outcome out;
  auto heard = caller.heard();
  if (!later.empty()) in.deliver(caller, later);
  heard += caller.heard();
  out.ended = caller.ended();
  out.answers = read_answers(heard);
  caller.leave();
  in.w.advance(1s);  // as long as a closed connection is read from
  return out;
}

void check(guarded_world& in, const row& one, const outcome& got) {
  REQUIRE(got.answers.size() == (one.after == lives ? 2 : 1));
  check_refusal(got.answers.front(), one);
  CHECK(got.ended == (one.after == closed));
  if (one.after == lives) CHECK(got.answers.back().status == 200);
  CHECK(in.reached == 0);
}

}  // namespace

TEST_CASE("whatever is sent is refused as the table says, and the next request over that connection is served or not") {
  guarded_world in;
  for (const auto& one : everything_but_stalls()) {
    CAPTURE(one.what);
    check(in, one, send(in, one.bytes, good_request, one.wait));
  }
  CHECK(in.creations() == 0);
}

TEST_CASE(
    "what comes in one piece behind a refused request is the next request, or nothing where its end is not sure") {
  guarded_world in;
  for (const auto& one : everything_but_stalls()) {
    CAPTURE(one.what);
    check(in, one, send(in, one.bytes + good_request, "", 0ms));
  }
  CHECK(in.creations() == 0);
}

TEST_CASE("what does not come in time is told so, and whatever comes later is not read") {
  guarded_world in;
  for (const auto& one : stalls()) {
    CAPTURE(one.what);
    auto caller = in.w.connect();
    in.deliver(caller, one.bytes);
    in.w.advance(one.wait - 1ms);
    CHECK(read_answers(caller.heard()).empty());
    in.w.advance(1ms);
    in.deliver(caller, good_request);
    const auto answers = read_answers(caller.heard());
    REQUIRE(answers.size() == 1);
    check_refusal(answers.front(), one);
    CHECK(caller.ended());
    caller.leave();
    in.w.advance(1s);
  }
  CHECK(in.reached == 0);
}

TEST_CASE("the table has no request twice") {
  auto all = everything_but_stalls();
  const auto late = stalls();
  all.insert(all.end(), late.begin(), late.end());
  std::set<std::string> names;
  std::set<std::string> requests;
  for (const auto& one : all) {
    CHECK_MESSAGE(names.insert(one.what).second, one.what);
    CHECK_MESSAGE(requests.insert(one.bytes).second, one.what);
  }
  MESSAGE(all.size() << " hostile requests");
  CHECK(all.size() >= 120);
}
