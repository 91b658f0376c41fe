// Any bytes as a caller's body for a new user, and as Podero's answer to it: what is sent on is the body with the role
// `user` and with no other one, and an id is taken from nothing but one strict object.
#include "onboarding/user.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/strict_json.hpp"

#include <boost/json/parse.hpp>

namespace {

using namespace gateway;
using fuzz::expect;

void check_composed(std::string_view body, std::string_view out) {
  expect(fuzz::strict_json{out}.is_object(), "what is sent on is strict JSON, no member twice");
  const auto sent = boost::json::parse(body).as_object();
  auto composed = boost::json::parse(out).as_object();
  expect(composed.at("role") == "user", "nobody gets another role than user");
  expect(composed.at("email").as_string().find('@') != boost::json::string::npos, "an e-mail address is one");
  if (!sent.contains("role")) composed.erase("role");
  expect(composed == sent, "no other member changes, none is lost or added");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static onboarding::scratch memory;
  static std::string out;
  const auto body = fuzz::text_of(data, size);
  bool passed = false;
  for (const auto policy : {onboarding::unknown_members::pass, onboarding::unknown_members::refuse}) {
    const auto result = compose_user(body, policy, memory, out);
    if (result) {
      check_composed(body, out);
      expect(policy == onboarding::unknown_members::pass || passed, "who refuses more accepts nothing else");
      passed = true;
      continue;
    }
    const auto rendered = errors::render(result.error(), "497f6eca-6276-4993-bfeb-53cbbbba6f08");
    expect(fuzz::strict_json{rendered}.is_object(), "a problem is JSON");
    expect((result.error().id == errors::problem::validation_failed) == !result.error().faults.empty(),
           "a body with faults names them");
  }

  const auto id = onboarding::read_user(body, memory);
  if (id) {
    expect(fuzz::strict_json{body}.is_object(), "an id is read from one strict object");
    expect(boost::json::parse(body).as_object().at("id") == boost::json::string_view{*id}, "the id is the member id");
    expect(id->size() == 36, "an id is a UUID");
  } else {
    expect(!id.error().empty(), "who cannot read an answer says why");
  }
  return 0;
}
