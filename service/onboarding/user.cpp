#include "onboarding/user.hpp"

#include "foundation/json/write.hpp"
#include "onboarding/body_faults.hpp"

#include <algorithm>

namespace gateway::onboarding {
namespace {

constexpr std::size_t longest_email = 254;  // RFC 5321 section 4.5.3.1.3, without the angle brackets
constexpr std::size_t longest_external_id = 255;

// Something@something, so that a mistake shows; whether it is an address Podero knows better.
bool is_email(std::string_view text) noexcept {
  const auto at = text.rfind('@');
  if (text.size() > longest_email || at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

class user_checker final : public json::visitor {
 public:
  explicit user_checker(unknown_members policy) : policy_{policy} {}

  void on_member(const json::member& m) override {
    if (m.name == "email") {
      has_email = true;
      if (is_text(m) && !is_email(m.text))
        add(m.name, "invalid-email", "expected an e-mail address, such as \"jane@example.com\"");
    } else if (m.name == "role") {
      has_role = true;
      if (is_text(m) && m.text != "user") add(m.name, "role-not-allowed", "the only role that can be given is user");
    } else if (m.name == "external_user_id") {
      if (is_text(m) && m.text.size() > longest_external_id)
        add(m.name, "too-long", "at most " + std::to_string(longest_external_id) + " bytes are accepted");
    } else if (policy_ == unknown_members::refuse && faults.size() < most_faults) {
      add(m.name, "unknown-member", "this account accepts documented members only; leave it out");
    }
  }

  bool has_email = false;
  bool has_role = false;
  std::vector<errors::fault> faults;

 private:
  static constexpr std::size_t most_faults = 64;

  bool is_text(const json::member& m) {
    if (m.kind == json::kind::string) return true;
    add(m.name, "wrong-type", "expected a string, found " + std::string{to_string(m.kind)});
    return false;
  }
  void add(std::string_view member, std::string_view code, std::string detail) {
    faults.push_back({.name = json::fragment_pointer(member), .code = std::string{code}, .detail = std::move(detail)});
  }

  unknown_members policy_;
};

struct id_reader final : json::visitor {
  void on_member(const json::member& m) override {
    if (m.name == "id" && m.kind == json::kind::string && is_uuid(m.text)) id = m.text;
  }
  std::string id;
};

}  // namespace

std::expected<void, errors::failure> compose_user(std::string_view body, unknown_members policy, scratch& memory,
                                                  std::string& out) {
  user_checker found{policy};
  const auto bounds = memory.scanner.scan(body, found, body_limits);
  if (!bounds) return std::unexpected{malformed(bounds.error())};
  if (!found.has_email)
    found.faults.push_back(
        {.name = "#/email", .code = "missing", .detail = "this member is required: an e-mail address"});
  if (!found.faults.empty()) return std::unexpected{invalid(std::move(found.faults))};
  out.assign(body, 0, bounds->close);
  if (!found.has_role) out += bounds->empty ? R"("role":"user")" : R"(,"role":"user")";
  out.append(body, bounds->close);
  return {};
}

std::expected<std::string, std::string> read_user(std::string_view upstream_body, scratch& memory) {
  id_reader read;
  const auto bounds = memory.scanner.scan(upstream_body, read);
  if (!bounds)
    return std::unexpected{"it is not a JSON object that can be read (byte " + std::to_string(bounds.error().byte) +
                           ")"};
  if (read.id.empty()) return std::unexpected{std::string{"it has no `id` that is a UUID"}};
  return read.id;
}

}  // namespace gateway::onboarding
