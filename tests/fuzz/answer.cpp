// Any bytes as the body of Podero's answer, as a success and as a refusal.
#include "onboarding/answer.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/plain_reading.hpp"
#include "fuzz/strict_json.hpp"
#include "onboarding/upstream_failure.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace {

using namespace gateway;
using fuzz::expect;

void succeed(const std::string& body) {
  static onboarding::scratch memory;
  static std::string out;
  const onboarding::answer_policy policy{.connect_base_url = {}, .shortcuts = {{"heat_pump", "/heat-pumps"}}};
  const auto facts = compose_session(body, policy, {.now = {}, .creation = true}, memory, out);
  if (!facts) {
    expect(!facts.error().reason.empty(), "what is unusable is so for a reason");
    return;
  }
  expect(fuzz::strict_json{out}.is_object(), "what is handed on is strict JSON, no member twice");
  auto ours = boost::json::parse(out).as_object();
  const auto& links = ours.at("gateway").at("connect_urls").as_object();
  for (const auto& link : links)
    expect(fuzz::lower(std::string_view{link.value().as_string()}.substr(0, 4)) == "http",
           "a link leads to where the session's own does");
  auto theirs = boost::json::parse(body).as_object();
  expect(theirs.contains("gateway") == facts->foreign_gateway_member, "a foreign member is noticed");
  ours.erase("gateway");
  theirs.erase("gateway");
  // Where theirs had to go, numbers are written anew.
  if (!facts->foreign_gateway_member) expect(ours == theirs, "no member changes");
  expect(ours.size() == theirs.size(), "no member gets lost");
}

void refuse(const std::string& body) {
  for (const unsigned status : {400U, 409U, 422U, 503U}) {
    const auto f = onboarding::upstream_failure(onboarding::operation::create_session, {.status = status, .body = body},
                                                "sandbox");
    const auto text = errors::render(f, "497f6eca-6276-4993-bfeb-53cbbbba6f08");
    expect(fuzz::strict_json{text}.is_object(), "a problem is JSON");
    expect(text.size() < 64 * 1024, "a problem is bounded");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body{fuzz::text_of(data, size)};
  succeed(body);
  refuse(body);
  return 0;
}
