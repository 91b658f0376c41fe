#include "settings/certificate_names.hpp"

#include "settings/fault.hpp"

#include <boost/url/parse.hpp>

#include <algorithm>

namespace gateway::settings {
namespace {

bool is_uri(std::string_view text) {
  return text.contains(':');
}

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.' || text.contains(".."))
    return false;
  return std::ranges::all_of(text, [](char c) { return c == '.' || is_label_character(c); });
}

}  // namespace

complaint certificate_name_form(const std::string& text) {
  if (is_uri(text)) {
    if (boost::urls::parse_uri(text)) return std::nullopt;
    return in_quotes(text) + " is no URI such as spiffe://example.internal/portal";
  }
  if (is_dns_name(text)) return std::nullopt;
  if (text.contains('*')) return in_quotes(text) + " has a wildcard in it: write the whole name, which says who it is";
  return in_quotes(text) + " is neither a DNS name such as portal.internal.example nor a URI such as spiffe://...";
}

std::string certificate_name(std::string_view text) {
  if (is_uri(text)) return "URI:" + std::string{text};
  std::string name{"DNS:"};
  for (const char c : text) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

}  // namespace gateway::settings
