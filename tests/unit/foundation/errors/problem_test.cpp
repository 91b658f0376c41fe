#include "foundation/errors/problem.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

namespace {

using namespace gateway::errors;

constexpr std::string_view id = "5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42";

TEST_CASE("a problem is rendered with every member that is known, and no other") {
  failure f;
  f.id = problem::rate_limited;
  f.detail = "A \"quoted\" reason";
  f.upstream_status = 429;
  f.faults.push_back({fault::place::header, "Prefer", "too-long", "At most 60."});
  f.decision = decision{guard::window, "sessions-10s", "1 of 1 used", "2024-08-23T09:30:10Z"};
  CHECK(render(f, id) ==
        R"({"type":"/problems/rate-limited","title":"A limit leaves no room in time","status":429,)"
        R"("detail":"A \"quoted\" reason","instance":"urn:uuid:5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42",)"
        R"("request_id":"5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42","upstream_effect":"none","retry":"later",)"
        R"("upstream_status":429,"errors":[{"header":"Prefer","code":"too-long","detail":"At most 60."}],)"
        R"("decision":{"guard":"window","limit":"sessions-10s","state":"1 of 1 used",)"
        R"("admitted_at":"2024-08-23T09:30:10Z"}})");
  failure bare;
  bare.id = problem::not_found;
  const auto document = boost::json::parse(render(bare, id)).as_object();
  CHECK(document.size() == 8);
  CHECK(document.at("detail") == "There is nothing here");
}

TEST_CASE("a request id that is no UUID still gives a valid and always the same instance") {
  failure f;
  f.id = problem::not_found;
  const auto instance = [&](std::string_view request_id) {
    const auto document = boost::json::parse(render(f, request_id)).as_object();
    CHECK(std::string_view{document.at("request_id").as_string()} == request_id);
    return std::string{document.at("instance").as_string()};
  };
  CHECK(instance("order-4711") == instance("order-4711"));
  CHECK(instance("order-4711") != instance("order-4712"));
  CHECK(instance("order-4711").size() == 9 + 36);
}

TEST_CASE("a request id that is a UUID is the instance, in whichever form it came") {
  failure f;
  f.id = problem::not_found;
  const auto instance = [&](std::string_view request_id) {
    return std::string{boost::json::parse(render(f, request_id)).at("instance").as_string()};
  };
  const std::string expected = "urn:uuid:5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42";
  CHECK(instance("5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e42") == expected);
  CHECK(instance("5F0C3C1E-8A55-4C7E-9D21-6A1F5B0C9E42") == expected);
  CHECK(instance("5f0c3c1e8a554c7e9d216a1f5b0c9e42") == expected);
  for (const auto* const another : {"5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e4", "5f0c3c1e-8a55-4c7e-9d21-6a1f5b0c9e4g",
                                    "5f0c3c1ea8a55-4c7e-9d21-6a1f5b0c9e42", "----", "5f0c3c1e"}) {
    CHECK_MESSAGE(instance(another).size() == expected.size(), another);
    CHECK_MESSAGE(instance(another) != expected, another);
  }
  std::string of_ours;
  render(f, expected.substr(9), id_origin::gateway, of_ours);
  CHECK(of_ours == render(f, expected.substr(9)));
}

TEST_CASE("where something was or may have been done, only the same key is safe") {
  failure f;
  f.id = problem::upstream_error;
  CHECK(to_string(advice_of(f)) == "later");
  f.effect = effect::unknown;
  CHECK(to_string(advice_of(f)) == "same-key");
  f.effect = effect::created;
  CHECK(to_string(advice_of(f)) == "same-key");
  f.advice = retry::operator_action;
  CHECK(to_string(advice_of(f)) == "operator");
}

TEST_CASE("whoever is to come back later is told when") {
  using namespace std::chrono_literals;
  failure f;
  f.id = problem::upstream_error;
  CHECK(wait_of(f) == 1s);
  f.retry_after = 7s;
  CHECK(wait_of(f) == 7s);
  f.retry_after.reset();
  f.effect = effect::unknown;  // with the same key, at once
  CHECK_FALSE(wait_of(f).has_value());
  f = failure_of(problem::validation_failed, "");
  CHECK_FALSE(wait_of(f).has_value());
}

TEST_CASE("every problem has its own name") {
  for (const auto& a : rows())
    for (const auto& b : rows())
      if (a.id != b.id) CHECK(a.name != b.name);
}

}  // namespace
