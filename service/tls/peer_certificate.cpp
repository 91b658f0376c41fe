#include "tls/peer_certificate.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>

namespace gateway::tls {
namespace {

constexpr int most_names = 100;

struct names_deleter {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

std::string_view text_of(const ASN1_IA5STRING* text) noexcept {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// A zero byte in a name has fooled others.
bool plain(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

void add(std::vector<std::string>& to, const GENERAL_NAME* name) {
  int kind = 0;
  const auto* value = static_cast<const ASN1_IA5STRING*>(GENERAL_NAME_get0_value(name, &kind));
  if (kind != GEN_URI && kind != GEN_DNS) return;
  const auto text = text_of(value);
  if (!plain(text)) return;
  std::string own{kind == GEN_URI ? "URI:" : "DNS:"};
  own += text;
  if (kind == GEN_DNS)
    std::ranges::transform(own.begin() + 4, own.end(), own.begin() + 4,
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  to.push_back(std::move(own));
}

}  // namespace

std::vector<std::string> alternative_names(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, names_deleter> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  ERR_clear_error();
  std::vector<std::string> all;
  if (!names) return all;
  const int count = std::min(sk_GENERAL_NAME_num(names.get()), most_names);
  for (int i = 0; i < count; ++i) add(all, sk_GENERAL_NAME_value(names.get(), i));
  return all;
}

time::wall_instant expiry_of(const X509* certificate) {
  std::tm at{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&at));
}

}  // namespace gateway::tls
