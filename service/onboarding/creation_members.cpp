#include "onboarding/creation_members.hpp"

#include "foundation/json/write.hpp"

#include <algorithm>
#include <array>

namespace gateway::onboarding {
namespace {

enum class form : unsigned char { language, price_zone, boolean, url, uuid, object };

struct known_member {
  std::string_view name;
  bool required;
  onboarding::form form;
};

constexpr std::array<known_member, known_member_count> members{{
    {"language", true, form::language},
    {"price_zone_default", true, form::price_zone},
    {"is_smart_optimization_active_default", false, form::boolean},
    {"success_url", true, form::url},
    {"cancel_url", true, form::url},
    {"user_id", true, form::uuid},
    {"building_id", false, form::uuid},
    {"external_metadata", false, form::object},
}};

constexpr json::kind kind_of(form f) noexcept {
  if (f == form::boolean) return json::kind::boolean;
  return f == form::object ? json::kind::object : json::kind::string;
}

constexpr std::string_view expected(form f) noexcept {
  switch (f) {
    case form::language:
      return R"(a language of two lower-case letters with an optional region, such as "de" or "de-AT")";
    case form::price_zone:
      return R"(a price zone of capitals, digits and underscores, such as "AT" or "DE_LU")";
    case form::boolean:
      return "true or false";
    case form::url:
      return "an absolute https URL";
    case form::uuid:
      return R"(a UUID, such as "a169451c-8525-4352-b8ca-070dd449a1a5")";
    case form::object:
      return "a JSON object";
  }
  return "";
}

class reporter {
 public:
  reporter(std::string_view member, std::vector<errors::fault>& faults) : member_{member}, faults_{faults} {}

  void add(std::string_view code, std::string detail) {
    faults_.push_back(
        {.name = json::fragment_pointer(member_), .code = std::string{code}, .detail = std::move(detail)});
  }

 private:
  std::string_view member_;
  std::vector<errors::fault>& faults_;
};

std::string expected_text(form f) {
  return "expected " + std::string{expected(f)};
}

std::string listed(const std::vector<std::string>& allowed) {
  std::string out = "allowed here: ";
  for (const auto& value : allowed) {
    if (&value != &allowed.front()) out += ", ";
    out += value;
  }
  return out;
}

bool permitted(const std::vector<std::string>& allowed, std::string_view value) {
  return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
}

void check_url(std::string_view url, const redirect_rules& rules, url_reader& reader, reporter& to) {
  const auto facts = reader.read(url);
  for (const auto f : redirect_faults(url, facts, rules)) {
    switch (f) {
      case redirect_fault::too_long:
        to.add("url-too-long", "at most " + std::to_string(redirect_url_limit) + " characters are accepted");
        break;
      case redirect_fault::not_a_url:
        to.add("invalid-url", expected_text(form::url) + " (RFC 3986)");
        break;
      case redirect_fault::not_a_host:
        to.add("invalid-url",
               "the URL must name a host: letters, digits, hyphens and dots, or an IP address, and a port from 1 to "
               "65535 if any");
        break;
      case redirect_fault::scheme:
        to.add("url-scheme-not-allowed",
               rules.http_to_localhost ? "the URL must begin with https:// (http:// is accepted for localhost only)"
                                       : "the URL must begin with https://");
        break;
      case redirect_fault::user_info:
        to.add("url-has-user-info", "the URL must not contain a user name or password before the host");
        break;
      case redirect_fault::host:
        to.add("redirect-host-not-allowed",
               "this caller may not send browsers to " + json::shorten(facts.host(url), 100));
        break;
    }
  }
}

}  // namespace

std::size_t find_known_member(std::string_view name) noexcept {
  const auto at = std::ranges::find(members, name, &known_member::name);
  return static_cast<std::size_t>(at - members.begin());
}

std::string_view known_member_name(std::size_t known) noexcept {
  return members[known].name;
}
bool is_required(std::size_t known) noexcept {
  return members[known].required;
}
std::string_view expectation_of(std::size_t known) noexcept {
  return expected(members[known].form);
}

void check_known_member(std::size_t known, const json::member& m, const creation_rules& rules, url_reader& urls,
                        std::vector<errors::fault>& faults) {
  const auto wanted = members[known].form;
  reporter to{m.name, faults};
  if (m.kind != kind_of(wanted)) {
    to.add("wrong-type", expected_text(wanted) + ", found " + std::string{to_string(m.kind)});
    return;
  }
  switch (wanted) {
    case form::language:
      if (!is_language(m.text))
        to.add("invalid-language", expected_text(wanted));
      else if (!permitted(rules.languages, m.text))
        to.add("language-not-allowed", listed(rules.languages));
      break;
    case form::price_zone:
      if (!is_price_zone(m.text))
        to.add("invalid-price-zone", expected_text(wanted));
      else if (!permitted(rules.price_zones, m.text))
        to.add("price-zone-not-allowed", listed(rules.price_zones));
      break;
    case form::uuid:
      if (!is_uuid(m.text)) to.add("invalid-uuid", expected_text(wanted));
      break;
    case form::url:
      check_url(m.text, rules.redirects, urls, to);
      break;
    case form::boolean:
    case form::object:
      break;
  }
}

}  // namespace gateway::onboarding
