#include "settings/rules.hpp"

#include "settings/fault.hpp"

#include <algorithm>

namespace gateway::settings {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_lower(c) || is_upper(c) || is_digit(c);
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

complaint unless(bool good, std::string_view text, std::string_view what) {
  if (good) return std::nullopt;
  return in_quotes(text) + " " + std::string{what};
}

}  // namespace

complaint name_form(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 64 && is_word(text.front()) &&
                    std::ranges::all_of(text, [](char c) { return is_word(c) || c == '-' || c == '_'; });
  return unless(good, text, "is no usable name: up to 64 letters, digits, - and _, beginning with a letter or digit");
}

complaint shortcut_name_form(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 64 && text != "any" &&
                    std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
  return unless(good, text, "is no usable name: up to 64 small letters, digits and _, and not \"any\", which is taken");
}

complaint not_blank(const std::string& text) {
  return unless(!std::ranges::all_of(text, [](char c) { return c == ' ' || c == '\t'; }), text, "is empty");
}

complaint uuid_form(const std::string& text) {
  bool good = text.size() == 36;
  for (std::size_t i = 0; good && i < text.size(); ++i)
    good = (i == 8 || i == 13 || i == 18 || i == 23) ? text[i] == '-' : is_hex(text[i]);
  return unless(good, text, "is no UUID such as 016b78a7-0c7c-4241-a277-015c3ad3cb90");
}

complaint device_type_form(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '_';
  });
  return unless(good, text, "is no device type such as heat-pumps: up to 64 small letters, digits, - and _");
}

complaint language_form(const std::string& text) {
  bool good = text.size() >= 2 && is_lower(text[0]) && is_lower(text[1]);
  if (good && text.size() > 2) {
    const std::string_view region{text.data() + 3, text.size() - 3};
    good = (text[2] == '-' || text[2] == '_') && region.size() >= 2 && region.size() <= 8 &&
           std::ranges::all_of(region, is_word);
  }
  return unless(good, text, "is no language such as de or de-AT");
}

complaint price_zone_form(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 64 &&
                    std::ranges::all_of(text, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
  return unless(good, text, "is no price zone such as AT or SE_1: capitals, digits and _");
}

complaint host_form(const std::string& text) {
  const bool good = !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return is_word(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
  return unless(good, text, "is no host name");
}

complaint absolute_path_form(const std::string& text) {
  const bool good =
      text.starts_with('/') && !text.starts_with("//") && std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7F && c != '?' && c != '#' && c != '\\' && c != '"' && c != '<' && c != '>';
      });
  return unless(good, text, "is no path of a URL such as /heat-pumps");
}

complaint https_only(const url& value) {
  return unless(value.scheme == "https", value.text(), "must be an https URL");
}

complaint http_only(const url& value) {
  return unless(value.scheme == "http", value.text(),
                "must be an http URL: the proxy is spoken to in plain HTTP, and TLS runs through it by CONNECT");
}

complaint web_only(const url& value) {
  return unless(value.scheme == "http" || value.scheme == "https", value.text(), "must be an http or https URL");
}

complaint redis_only(const url& value) {
  return unless(value.scheme == "redis" || value.scheme == "rediss", value.text(), "must be a rediss or redis URL");
}

complaint origin_only(const url& value) {
  return unless(value.path.empty() || value.path == "/", value.text(), "must have no path");
}

}  // namespace gateway::settings
