#include "onboarding/answer.hpp"

#include "foundation/json/write.hpp"
#include "onboarding/calendar.hpp"
#include "onboarding/forms.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace gateway::onboarding {
namespace {

// What the answer's members say, kept while they come by.
class member_reader final : public json::visitor {
 public:
  member_reader(std::chrono::minutes offset, std::string& url) : offset_{offset}, url_{url} { url_.clear(); }

  void on_member(const json::member& m) override {
    const bool text = m.kind == json::kind::string;
    if (m.name == "id") {
      if (text) id = session_id::parse(m.text);
    } else if (m.name == "authentication_url") {
      if (text) url_ = m.text;
    } else if (m.name == "expiration_date") {
      if (text) expires_at = earliest_expiry(m.text, offset_);
    } else if (m.name == "object_id") {
      completed = m.kind != json::kind::null;
    } else if (m.name == "gateway") {
      foreign_gateway = true;
    }
  }

  std::string_view authentication_url() const noexcept { return url_; }

  std::optional<session_id> id;
  std::optional<std::chrono::sys_seconds> expires_at;
  bool completed = false;
  bool foreign_gateway = false;

 private:
  std::chrono::minutes offset_;
  std::string& url_;
};

session_state state_of(const member_reader& read, time::wall_instant now) {
  if (read.completed) return session_state::completed;
  return read.expires_at && std::chrono::floor<std::chrono::seconds>(now) >= *read.expires_at ? session_state::expired
                                                                                              : session_state::pending;
}

// `base` is an origin or the configured base URL, `path` a shortcut's path or nothing.
void append_link(std::string& out, std::string_view name, std::string_view base, std::string_view path,
                 const session_id& id, std::string& link) {
  if (out.back() != '{') out += ',';
  json::append_name(out, name);
  link = base;
  link += path;
  link += path.contains('?') ? "&onboarding_session_id=" : "?onboarding_session_id=";
  link += id.view();
  json::append_string(out, link);
}

void append_connect_urls(std::string& out, const answer_policy& policy, const session_id& id, std::string_view origin,
                         scratch& memory) {
  out += "\"connect_urls\":{";
  if (!memory.url.empty()) {
    json::append_name(out, "any");
    json::append_string(out, memory.url);
  } else if (policy.connect_base_url) {
    append_link(out, "any", *policy.connect_base_url, {}, id, memory.link);
  }
  const auto base = policy.connect_base_url ? std::string_view{*policy.connect_base_url} : origin;
  if (!base.empty())
    for (const auto& s : policy.shortcuts) append_link(out, s.name, base, s.path, id, memory.link);
  out += '}';
}

void append_gateway(std::string& out, const session_facts& facts, const answer_policy& policy,
                    const answer_context& context, std::string_view origin, scratch& memory) {
  out += ",\"gateway\":{\"state\":\"";
  out += to_string(facts.state);
  out += "\",\"expires_at\":";
  if (facts.expires_at) {
    out += '"';
    append_rfc3339(out, *facts.expires_at);
    out += "\",";
  } else {
    out += "null,";
  }
  append_connect_urls(out, policy, facts.id, origin, memory);
  out += context.reused ? ",\"reused\":true,\"defaulted\":[" : ",\"reused\":false,\"defaulted\":[";
  for (const auto& pointer : context.defaulted) {
    if (out.back() != '[') out += ',';
    json::append_string(out, pointer);
  }
  out += "]}";
}

// Sets `out` to the body up to its last brace, without Podero's own member `gateway`. The rare path: numbers are
// written anew, so that 1.0 becomes 1E0; a whole number beyond 64 bits loses digits.
void copy_without_gateway(std::string_view body, std::string& out) {
  auto document = boost::json::parse({body.data(), body.size()}).as_object();
  document.erase("gateway");
  out = boost::json::serialize(document);
  out.pop_back();
}

// Why the answer cannot be handed on, or nothing. `origin` is that of its authentication_url, empty if it has none.
std::optional<std::string> fault_of(const member_reader& read, const answer_context& context, std::string_view origin) {
  if (!read.id) return "it has no `id` that is a UUID";
  if (context.asked_for && *context.asked_for != *read.id) return "it is about another session than the one asked for";
  const bool linked = !read.authentication_url().empty();
  if (!linked && context.creation) return "it has no `authentication_url`";
  if (linked && origin.empty()) return "its `authentication_url` is not an absolute http or https URL";
  return std::nullopt;
}

}  // namespace

std::optional<session_id> session_id::parse(std::string_view text) noexcept {
  if (!is_uuid(text)) return std::nullopt;
  session_id id;
  for (std::size_t i = 0; i < id.text_.size(); ++i)
    id.text_[i] = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
  return id;
}

std::string_view to_string(session_state value) noexcept {
  switch (value) {
    case session_state::pending:
      return "pending";
    case session_state::completed:
      return "completed";
    case session_state::expired:
      return "expired";
  }
  return "pending";
}

std::expected<session_facts, unusable_answer> compose_session(std::string_view upstream_body,
                                                              const answer_policy& policy,
                                                              const answer_context& context, scratch& memory,
                                                              std::string& out) {
  member_reader read{policy.expiry_utc_offset, memory.url};
  const auto bounds = memory.scanner.scan(upstream_body, read);
  if (!bounds)
    return std::unexpected{unusable_answer{.reason = "it is not a JSON object that can be read (byte " +
                                                     std::to_string(bounds.error().byte) + ")"}};
  const auto origin = memory.urls.read(memory.url).origin(memory.url);
  if (auto fault = fault_of(read, context, origin))
    return std::unexpected{unusable_answer{.reason = std::move(*fault), .session = read.id}};

  const session_facts facts{.id = *read.id,
                            .state = state_of(read, context.now),
                            .expires_at = read.expires_at,
                            .foreign_gateway_member = read.foreign_gateway};
  if (read.foreign_gateway)
    copy_without_gateway(upstream_body, out);
  else
    out.assign(upstream_body, 0, bounds->close);
  append_gateway(out, facts, policy, context, origin, memory);
  out += '}';
  return facts;
}

}  // namespace gateway::onboarding
