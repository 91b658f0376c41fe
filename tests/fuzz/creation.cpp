// Any bytes as a caller's body: either a failure that renders, or a body that Boost.JSON reads and that holds the
// defaults.
#include "onboarding/creation.hpp"
#include "foundation/json/write.hpp"

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

const onboarding::creation_policy& policy() {
  static const onboarding::creation_policy made{
      {.unknown_members = onboarding::unknown_members::pass,
       .redirects = {.http_to_localhost = true,
                     .host_allowed = [](std::string_view h) { return h.ends_with("example") || h == "localhost"; }},
       .defaults = {{"language", R"("de")"}, {"device", R"({"kind": ["hp"]})"}}}};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static onboarding::scratch memory;
  static std::string out;
  onboarding::defaulted from_defaults;
  const std::string body{reinterpret_cast<const char*>(data), size};
  const auto result = compose_creation(body, policy(), memory, out, from_defaults);
  boost::json::error_code ec;
  const auto read = boost::json::parse(body, ec);
  if (!result) {
    const auto rendered = render(result.error(), "497f6eca-6276-4993-bfeb-53cbbbba6f08");
    require(boost::json::parse(rendered).is_object(), "the problem is no JSON object");
    return 0;
  }
  require(!ec && read.is_object(), "accepted what Boost.JSON refuses");
  auto expected = read.as_object();
  for (const auto pointer : from_defaults)
    require(!expected.contains(boost::json::string_view{pointer.data() + 1, pointer.size() - 1}),
            "defaulted what was there");
  const auto composed = boost::json::parse(out).as_object();
  require(composed.size() == expected.size() + from_defaults.size(), "members got lost or were repeated");
  for (const auto& member : expected) require(composed.at(member.key()) == member.value(), "a member changed");
  require(composed.contains("language") && composed.contains("device"), "a default is missing");
  return 0;
}
