#pragma once
// What a value must be beyond its type. A rule is called with the value and answers with what is wrong, or nothing; it
// applies to every element of a list. The tags among the rules speak of the key itself.

#include "settings/scalars.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::settings {

using complaint = std::optional<std::string>;

// The key must be there.
struct required_tag {};
inline constexpr required_tag required;

// A list or map that is there has at least one entry.
struct not_empty_tag {};
inline constexpr not_empty_tag not_empty;

// The names of a map's members.
struct named_by {
  complaint (*check)(std::string_view);
};

template <class T>
struct range {
  T low;
  T high;
  complaint operator()(const T& value) const {
    if (low <= value && value <= high) return std::nullopt;
    return show(value) + " is out of range: it must be from " + show(low) + " to " + show(high);
  }
};

inline range<std::uint32_t> within(int low, int high) {
  return {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)};
}
inline range<double> within(double low, double high) {
  return {low, high};
}
inline range<byte_size> within(byte_size low, byte_size high) {
  return {low, high};
}
inline range<std::chrono::milliseconds> within(std::chrono::milliseconds low, std::chrono::milliseconds high) {
  return {low, high};
}

// For names of accounts, test accounts and callers: they stand in paths, metrics and logs.
complaint name_form(std::string_view text);
complaint shortcut_name_form(std::string_view text);

complaint not_blank(const std::string& text);
complaint uuid_form(const std::string& text);
complaint device_type_form(const std::string& text);  // one segment of a path
complaint language_form(const std::string& text);
complaint price_zone_form(const std::string& text);
complaint host_form(const std::string& text);
complaint absolute_path_form(const std::string& text);  // the path of a URL

complaint https_only(const url& value);
complaint http_only(const url& value);
complaint web_only(const url& value);  // http or https
complaint redis_only(const url& value);
complaint origin_only(const url& value);  // no path

}  // namespace gateway::settings
