#include "simulator/model/tokens.hpp"

#include "simulator/model/text_forms.hpp"

#include <boost/json.hpp>

namespace simulator {
namespace {

constexpr std::size_t token_size = 30;

response json_error(unsigned status, std::string_view error) {
  response out{.status = status, .headers = {{"Content-Type", "application/json"}}};
  out.headers.emplace_back("Cache-Control", "no-store");
  out.headers.emplace_back("Pragma", "no-cache");
  out.body = "{\"error\": \"" + std::string{error} + "\"}";
  return out;
}

bool has_media_type(const request& req, std::string_view wanted) {
  const auto* type = find_header(req.headers, "Content-Type");
  if (!type) return false;
  auto media = std::string_view{*type}.substr(0, type->find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  return equal_ignoring_case(media, wanted);
}

bool asks_in_json(const request& req) {
  boost::system::error_code error;
  const auto body = boost::json::parse(req.body, error);
  if (error || !body.is_object()) return false;
  const auto* grant = body.get_object().if_contains("grant_type");
  return grant && grant->is_string() && grant->get_string() == "client_credentials";
}

bool asks_in_form(const request& req) {
  if (!has_media_type(req, "application/x-www-form-urlencoded")) return false;
  const auto members = decode_form(req.body);
  const auto* grant = find_member(members, "grant_type");
  return grant && *grant == "client_credentials";
}

}  // namespace

// The toolkit reads the body in one encoding only and looks for the grant before it looks at the credentials, so that
// the wrong encoding is reported even where these are wrong too.
bool tokens::grant_is_understood(const request& req) const {
  switch (settings_->encoding) {
    case token_encoding::json:
      return asks_in_json(req);
    case token_encoding::form:
      return asks_in_form(req);
    case token_encoding::either:
      return asks_in_form(req) || asks_in_json(req);
  }
  return false;
}

// RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined by a colon. The toolkit compares the
// scheme letter for letter.
bool tokens::knows_client(const request& req) const {
  const auto* header = find_header(req.headers, "Authorization");
  constexpr std::string_view scheme = "Basic ";
  if (!header || !header->starts_with(scheme)) return false;
  const auto pair = decode_base64(std::string_view{*header}.substr(scheme.size()));
  if (!pair) return false;
  const auto colon = pair->find(':');
  if (colon == std::string::npos) return false;
  const auto id = decode_form_text(std::string_view{*pair}.substr(0, colon));
  const auto secret = decode_form_text(std::string_view{*pair}.substr(colon + 1));
  return id && secret && *id == settings_->client_id && *secret == settings_->client_secret;
}

response tokens::answer(const request& req, std::string_view path, wall_instant now, const entropy& source) {
  if (!path.ends_with('/'))
    return {.status = 301,
            .headers = {{"Location", std::string{path} + "/"}, {"Content-Type", "text/html; charset=utf-8"}}};
  if (req.method != "POST")
    return {.status = 405, .headers = {{"Allow", "POST, OPTIONS"}, {"Content-Type", "text/html; charset=utf-8"}}};
  if (!grant_is_understood(req)) return json_error(400, "unsupported_grant_type");
  if (!knows_client(req)) {
    auto refused = json_error(401, "invalid_client");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_client\"");
    return refused;
  }
  response out{.status = 200, .headers = {{"Content-Type", "application/json"}}};
  out.headers.emplace_back("Cache-Control", "no-store");
  out.headers.emplace_back("Pragma", "no-cache");
  out.body = "{\"access_token\": \"" + issue(now, source) + '"';
  if (!announced_.missing)
    out.body += ", \"expires_in\": " + announced_.verbatim.value_or(std::to_string(settings_->token_lifetime.count()));
  out.body += ", \"token_type\": \"Bearer\", \"scope\": \"read write\"}";
  return out;
}

std::string tokens::issue(wall_instant now, const entropy& source) {
  while (!in_order_.empty() && in_order_.front().first <= now) {
    expiry_.erase(in_order_.front().second);
    in_order_.pop_front();
  }
  auto token = random_token(source, token_size);
  const auto expires = now + settings_->token_lifetime;
  expiry_[token] = expires;
  in_order_.emplace_back(expires, token);
  return token;
}

bool tokens::accepts(const std::string& token, wall_instant now) const {
  const auto found = expiry_.find(token);
  return found != expiry_.end() && now < found->second;
}

std::size_t tokens::revoke_all() {
  const auto count = expiry_.size();
  expiry_.clear();
  in_order_.clear();
  return count;
}

std::size_t tokens::revoke_newest() {
  if (in_order_.empty()) return 0;
  expiry_.erase(in_order_.back().second);
  in_order_.pop_back();
  return 1;
}

std::size_t tokens::alive(wall_instant now) const {
  std::size_t count = 0;
  for (const auto& [expires, token] : in_order_)
    if (now < expires) ++count;
  return count;
}

}  // namespace simulator
