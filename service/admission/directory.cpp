#include "admission/directory.hpp"

#include "admission/key.hpp"
#include "foundation/http/grammar.hpp"
#include "settings/certificate_names.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace gateway::admission {
namespace {

// Far above any key of ours; a caller cannot make us hash its whole header.
constexpr std::size_t longest_key = 512;

errors::failure unauthenticated(std::string code, std::string detail) {
  errors::failure f;
  f.id = errors::problem::unauthenticated;
  f.faults.push_back({errors::fault::place::header, "Authorization", std::move(code), detail});
  f.detail = std::move(detail);
  f.extra_header = "WWW-Authenticate: Bearer";
  return f;
}

bool is_bearer(std::string_view scheme) {
  constexpr std::string_view bearer = "bearer";
  return std::ranges::equal(scheme, bearer, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

// RFC 6750 section 2.1: b64token.
constexpr auto key_characters = http::alphanumeric_and("-._~+/=");

std::expected<std::string_view, errors::failure> presented_key(std::optional<std::string_view> authorization) {
  const auto text = http::trimmed(authorization.value_or(""));
  if (text.empty())
    return std::unexpected(unauthenticated("missing", "This gateway needs a key: send `Authorization: Bearer KEY`."));
  const auto space = std::min(text.find_first_of(" \t"), text.size());
  if (!is_bearer(text.substr(0, space)))
    return std::unexpected(unauthenticated(
        "wrong-scheme", "The Authorization header has another scheme than Bearer: send `Authorization: Bearer KEY`."));
  const auto key = http::trimmed(text.substr(space));
  if (key.empty())
    return std::unexpected(unauthenticated("missing", "The Authorization header has no key after Bearer."));
  if (key.size() > longest_key || !http::all_in(key_characters, key))
    return std::unexpected(unauthenticated("malformed", "What follows Bearer cannot be a key of this gateway."));
  return key;
}

boost::json::object merged(boost::json::object account, const boost::json::object& caller) {
  for (const auto& member : caller) account.insert_or_assign(member.key(), member.value());
  return account;
}

}  // namespace

const account_policy* caller::find(std::string_view account_name) const noexcept {
  const auto found = std::ranges::find(accounts, account_name, &account_policy::account_name);
  return found == accounts.end() ? nullptr : &*found;
}

// The digest is uniform already.
std::size_t directory::digest_hash::operator()(const settings::key_digest& digest) const noexcept {
  std::size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

bool directory::same_digest::operator()(const settings::key_digest& a, const settings::key_digest& b) const noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

directory::directory(std::shared_ptr<const settings::configuration> configuration)
    : configuration_{std::move(configuration)} {
  fill();
}

directory::directory(std::shared_ptr<const settings::configuration> configuration, const directory& before)
    : configuration_{std::move(configuration)} {
  for (const auto& one : before.callers()) {
    auto& out = callers_.emplace_back();
    out.name = one.name;
    out.index = one.index;
    out.gone = true;
  }
  fill();
}

void directory::fill() {
  for (const auto& [name, one] : configuration_->callers) add(name, one);
  if (configuration_->callers.empty()) add_anonymous();
}

caller& directory::place_of(const std::string& name) {
  const auto known = std::ranges::find(callers_, name, &caller::name);
  auto& out = known != callers_.end() ? *known : callers_.emplace_back();
  out.name = name;
  out.index = static_cast<std::size_t>(&out - callers_.data());
  out.gone = false;
  return out;
}

void directory::add(const std::string& name, const settings::caller& one) {
  auto& out = place_of(name);
  out.weight = one.weight;
  std::size_t account_index = 0;
  for (const auto& [account_name, account] : configuration_->accounts) {
    const auto index = account_index++;
    if (std::ranges::find(one.accounts, account_name) == one.accounts.end()) continue;
    const auto limits = one.limits.find(account_name);
    out.accounts.push_back({account_name, index, &account,
                            limits == one.limits.end() ? settings::caller_limits{} : limits->second,
                            &one.redirect_hosts, merged(account.defaults, one.defaults)});
  }
  for (const auto& digest : one.key_sha256) by_key_.emplace(digest, out.index);
  for (const auto& san : one.certificate_san) by_certificate_.emplace(settings::certificate_name(san), out.index);
}

void directory::add_anonymous() {
  static const settings::redirect_hosts anywhere;
  auto& out = place_of("anonymous");
  out.anonymous = true;
  anonymous_ = out.index;
  for (const auto& [name, account] : configuration_->accounts)
    out.accounts.push_back({name, out.accounts.size(), &account, {}, &anywhere, account.defaults});
}

std::expected<const caller*, errors::failure> directory::authenticate(const credentials& shown) const {
  if (anonymous_) return &callers_[*anonymous_];
  const caller* certified = nullptr;
  if (shown.certificate) {
    const auto found = of_certificate(*shown.certificate);
    if (!found) return found;
    certified = *found;
  }
  const bool has_key = !http::trimmed(shown.authorization.value_or("")).empty();
  if (!has_key && certified != nullptr) return certified;
  if (!has_key && shown.certificate)
    return std::unexpected(unauthenticated(
        "unknown-certificate",
        "No caller of this gateway has the certificate of this connection, and there is no key: send `Authorization: "
        "Bearer KEY`, or have a name of the certificate added to the caller's certificate_san."));
  const auto keyed = of_key(shown.authorization);
  if (keyed && certified != nullptr && *keyed != certified)
    return std::unexpected(unauthenticated(
        "key-and-certificate-disagree",
        "The key and the certificate of this connection belong to two different callers: send only one of them."));
  return keyed;
}

// The digest is looked up, never the key.
std::expected<const caller*, errors::failure> directory::of_key(std::optional<std::string_view> authorization) const {
  const auto key = presented_key(authorization);
  if (!key) return std::unexpected(key.error());
  const auto found = by_key_.find(digest_of(*key));
  if (found == by_key_.end())
    return std::unexpected(unauthenticated("unknown-key", "No caller of this gateway has this key."));
  return &callers_[found->second];
}

// nullptr: nobody's.
std::expected<const caller*, errors::failure> directory::of_certificate(std::span<const std::string> names) const {
  const caller* one = nullptr;
  for (const auto& name : names) {
    const auto found = by_certificate_.find(name);
    if (found == by_certificate_.end()) continue;
    const auto* named = &callers_[found->second];
    if (one != nullptr && named != one)
      return std::unexpected(unauthenticated(
          "ambiguous-certificate", "The certificate of this connection has names of several callers: use one each."));
    one = named;
  }
  return one;
}

std::expected<const account_policy*, errors::failure> directory::authorize(const caller& who,
                                                                           std::string_view account_name) const {
  if (const auto* policy = who.find(account_name)) return policy;
  const auto& accounts = configuration_->accounts;
  const bool exists =
      std::ranges::any_of(accounts, [&](const auto& one) { return std::string_view{one.first} == account_name; });
  errors::failure f;
  f.id = exists ? errors::problem::forbidden : errors::problem::not_found;
  f.detail = exists ? "The caller " + who.name + " may not use this account; GET /v1/accounts lists those that it may."
                    : "There is no account of this name; GET /v1/accounts lists those that you may use.";
  f.faults.push_back({errors::fault::place::parameter, "account", exists ? "forbidden" : "unknown", f.detail});
  return std::unexpected(std::move(f));
}

}  // namespace gateway::admission
