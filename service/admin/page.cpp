#include "admin/page.hpp"

#include <openssl/evp.h>

#include <array>

namespace gateway::admin {
namespace {

// " 'sha256-...'" of what stands in each such element.
std::string digests_of(std::string_view html, std::string_view open, std::string_view close) {
  std::string out;
  for (auto from = html.find(open); from != std::string_view::npos; from = html.find(open, from)) {
    from += open.size();
    const auto inside = html.substr(from, html.find(close, from) - from);
    std::array<unsigned char, 32> digest{};
    std::array<unsigned char, 45> text{};
    unsigned length = 0;
    EVP_Digest(inside.data(), inside.size(), digest.data(), &length, EVP_sha256(), nullptr);
    const auto written = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(length));
    out += " 'sha256-";
    out.append(text.begin(), text.begin() + written);
    out += '\'';
  }
  return out.empty() ? " 'none'" : out;
}

}  // namespace

std::string content_security_policy(std::string_view html) {
  return "default-src 'none'; connect-src 'self'; img-src data:; style-src" + digests_of(html, "<style>", "</style>") +
         "; script-src" + digests_of(html, "<script>", "</script>") +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace gateway::admin
