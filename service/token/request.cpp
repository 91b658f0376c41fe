#include "token/request.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/grammar/ci_string.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace gateway::token {
namespace {

std::string form_encoded(std::string_view text) {
  boost::urls::encoding_opts options;
  options.space_as_plus = true;
  return boost::urls::encode(text, boost::urls::unreserved_chars, options);
}

// RFC 6749 section 5.2.
constexpr std::array<std::string_view, 6> error_codes{"invalid_request",     "invalid_client",         "invalid_grant",
                                                      "unauthorized_client", "unsupported_grant_type", "invalid_scope"};

// The OAuth error code, if it is one. Nothing else of the server's is shown: it may well be what we sent.
std::string_view error_code_of(std::string_view body) {
  boost::system::error_code failed;
  const auto document = boost::json::parse(body, failed);
  if (failed || !document.is_object()) return {};
  const auto* code = document.get_object().if_contains("error");
  if (code == nullptr || !code->is_string()) return {};
  const auto* const found = std::ranges::find(error_codes, std::string_view{code->get_string()});
  return found != error_codes.end() ? *found : std::string_view{};
}

answer refusal(unsigned status, std::string_view body, encoding asked_in) {
  const auto code = error_code_of(body);
  std::string reason = "the token endpoint answered " + std::to_string(status);
  if (!code.empty()) reason.append(" ").append(code);
  if (code == "unsupported_grant_type")
    reason +=
        std::string{": it may expect the other token.encoding than "} + (asked_in == encoding::json ? "json" : "form");
  return refused{std::move(reason)};
}

// Some servers write the number as text.
std::optional<double> number_of(const boost::json::value& value) {
  if (value.is_number()) return value.to_number<double>();
  if (!value.is_string()) return std::nullopt;
  const std::string_view text = value.get_string();
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Absent: the answer has none. Nothing, or less: the token is good for nothing.
std::expected<std::optional<time::duration>, std::string> lifetime_of(const boost::json::object& members) {
  const auto* value = members.if_contains("expires_in");
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto seconds = number_of(*value);
  if (!seconds || !std::isfinite(*seconds)) return std::unexpected{"the token endpoint's expires_in is not a number"};
  constexpr double century = 3.2e9;
  const auto lifetime =
      std::chrono::duration_cast<time::duration>(std::chrono::duration<double>{std::clamp(*seconds, 0.0, century)});
  if (lifetime <= time::duration::zero())
    return std::unexpected{"the token endpoint's token has no time to live: its expires_in is not positive"};
  return lifetime;
}

// A token of another type is not to be used as one of ours (RFC 6749 section 7.1); the types' case does not matter.
bool is_bearer(const boost::json::object& members) {
  const auto* type = members.if_contains("token_type");
  if (type == nullptr) return true;
  return type->is_string() && boost::urls::grammar::ci_is_equal(std::string_view{type->get_string()}, "bearer");
}

answer read_grant(std::string_view body) {
  boost::system::error_code failed;
  auto document = boost::json::parse(body, failed);
  if (failed || !document.is_object()) return unusable{"the token endpoint's answer is not a JSON object"};
  auto& members = document.get_object();
  auto* token = members.if_contains("access_token");
  if (token == nullptr || !token->is_string() || token->get_string().empty())
    return unusable{"the token endpoint's answer has no access_token"};
  const std::string_view text = token->get_string();
  // It goes into a header line (RFC 6750 section 2.1 allows even less).
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; }))
    return unusable{"the token endpoint's access_token has characters that no header may hold"};
  if (!is_bearer(members)) return unusable{"the token endpoint's token_type is not Bearer"};
  auto lifetime = lifetime_of(members);
  if (!lifetime) return unusable{std::move(lifetime.error())};
  granted got{secrets::secret{text}, *lifetime};
  OPENSSL_cleanse(token->get_string().data(), token->get_string().size());
  return got;
}

}  // namespace

secrets::secret basic_authorization(const credentials& of) {
  std::string secret_part = form_encoded(of.client_secret.reveal());
  std::string pair = form_encoded(of.client_id);
  pair.reserve(pair.size() + 1 + secret_part.size());  // so that no shorter copy stays behind in the heap
  pair += ':';
  pair += secret_part;
  constexpr std::string_view scheme = "Basic ";
  std::string text(scheme.size() + 4 * ((pair.size() + 2) / 3) + 1, '\0');
  text.replace(0, scheme.size(), scheme);
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + scheme.size()),
                      reinterpret_cast<const unsigned char*>(pair.data()), static_cast<int>(pair.size()));
  text.resize(scheme.size() + static_cast<std::size_t>(written));
  secrets::secret result{text};
  secrets::wipe(secret_part);
  secrets::wipe(pair);
  secrets::wipe(text);
  return result;
}

std::string_view request_body(encoding how) noexcept {
  return how == encoding::json ? R"({"grant_type": "client_credentials"})" : "grant_type=client_credentials";
}

std::string_view content_type(encoding how) noexcept {
  return how == encoding::json ? "application/json" : "application/x-www-form-urlencoded";
}

answer read_answer(unsigned status, std::string_view body, encoding asked_in) {
  if (status == 200) return read_grant(body);
  if (status >= 300 && status < 400)
    return refused{
        "the token endpoint answered " + std::to_string(status) +
        ", a redirect, which is never followed with credentials: is token.url right, with its trailing slash?"};
  if (status == 429 || status == 408 || status >= 500)
    return unusable{"the token endpoint answered " + std::to_string(status)};
  if (status >= 400) return refusal(status, body, asked_in);
  return unusable{"the token endpoint answered " + std::to_string(status)};
}

}  // namespace gateway::token
