// Any bytes as Podero's answer, as a success and as a refusal.
#include "onboarding/answer.hpp"
#include "onboarding/upstream_failure.hpp"

#include <boost/json/parse.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace gateway;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fputs(what, stderr);
  std::abort();
}

void succeed(const std::string& body) {
  static onboarding::scratch memory;
  static std::string out;
  const onboarding::answer_policy policy{.connect_base_url = {}, .shortcuts = {{"heat_pump", "/heat-pumps"}}};
  const auto facts = compose_session(body, policy, {.now = {}}, memory, out);
  if (!facts) return;
  auto ours = boost::json::parse(out).as_object();
  require(ours.at("gateway").at("state").is_string(), "our member is missing");
  auto theirs = boost::json::parse(body).as_object();
  require(theirs.contains("gateway") == facts->foreign_gateway_member, "a foreign member went unnoticed");
  ours.erase("gateway");
  theirs.erase("gateway");
  require(ours == theirs, "a member changed");
}

void refuse(const std::string& body) {
  for (const unsigned status : {400U, 409U, 422U, 503U}) {
    const auto f = upstream_failure(onboarding::operation::create_session, {.status = status, .body = body}, "sandbox");
    const auto text = render(f, "497f6eca-6276-4993-bfeb-53cbbbba6f08");
    require(boost::json::parse(text).is_object(), "the problem is no JSON object");
    require(text.size() < 64 * 1024, "the problem is not bounded");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body{reinterpret_cast<const char*>(data), size};
  succeed(body);
  refuse(body);
  return 0;
}
