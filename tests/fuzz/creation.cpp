// Any bytes as a caller's body: either a failure that renders, or one strict JSON object that is sent on with every
// member as it came and the defaults added.
#include "onboarding/creation.hpp"
#include "foundation/json/canonical.hpp"
#include "foundation/json/write.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/strict_json.hpp"
#include "onboarding/metadata.hpp"

#include <boost/json/parse.hpp>

namespace {

using namespace gateway;
using fuzz::expect;

const onboarding::creation_policy& policy() {
  static const onboarding::creation_policy made{
      {.unknown_members = onboarding::unknown_members::pass,
       .redirects = {.http_to_localhost = true,
                     .host_allowed = [](std::string_view h) { return h.ends_with("example") || h == "localhost"; }},
       .defaults = {{"language", R"("de")"}, {"device", R"({"kind": ["hp"]})"}}}};
  return made;
}

// Blanks where JSON allows them.
std::string spaced(std::string_view json) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\') {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    const bool structural = !in_string && std::string_view{"{}[],:"}.contains(c);
    if (structural) out += "\n ";
    out += c;
    if (structural) out += "\t ";
  }
  return out;
}

void check_canonical(std::string_view body) {
  std::string once;
  json::append_canonical(once, body);
  std::string twice;
  json::append_canonical(twice, once);
  expect(once == twice, "the canonical form of a canonical form is itself");
  expect(fuzz::strict_json{once}.is_object(), "a canonical form is JSON");
  std::string of_spaced;
  json::append_canonical(of_spaced, spaced(body));
  expect(once == of_spaced, "blanks do not change the canonical form");
  expect(json::canonical_digest(body) == json::canonical_digest(once), "the digest is that of the canonical form");
}

struct nobody final : json::visitor {
  void on_member(const json::member&) override {}
};

void check_strictness(std::string_view body) {
  static json::scanner scanner;
  nobody to;
  const auto scanned = scanner.scan(body, to);
  fuzz::strict_json strict{body};
  const bool is = strict.is_object();
  expect(!scanned || is, "what the scanner accepts is one strict object");
  expect(scanned || !is || strict.has_huge_exponent(), "what is one strict object the scanner accepts");
  if (!scanned) expect(scanned.error().byte <= body.size(), "a fault has its place in the text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static onboarding::scratch memory;
  static std::string out;
  onboarding::defaulted from_defaults;
  const std::string body{fuzz::text_of(data, size)};
  check_strictness(body);

  const auto result = compose_creation(body, policy(), memory, out, from_defaults);
  if (!result) {
    const auto rendered = errors::render(result.error(), "497f6eca-6276-4993-bfeb-53cbbbba6f08");
    expect(fuzz::strict_json{rendered}.is_object(), "a problem is JSON");
    expect((result.error().id == errors::problem::validation_failed) == !result.error().faults.empty(),
           "a body with faults names them");
    return 0;
  }
  expect(fuzz::strict_json{out}.is_object(), "what is sent on is strict JSON, no member twice");
  auto expected = boost::json::parse(body).as_object();
  for (const auto pointer : from_defaults)
    expect(!expected.contains(boost::json::string_view{pointer.data() + 1, pointer.size() - 1}),
           "only what was not there is defaulted");
  const auto composed = boost::json::parse(out).as_object();
  expect(composed.size() == expected.size() + from_defaults.size(), "no member gets lost or is repeated");
  for (const auto& member : expected) expect(composed.at(member.key()) == member.value(), "no member changes");
  expect(composed.contains("language") && composed.contains("device"), "no default is missing");
  check_canonical(body);
  check_canonical(out);
  const auto metadata = onboarding::external_metadata_of(body);
  expect(metadata.size() <= 1024, "what is kept of a body is bounded");
  return 0;
}
