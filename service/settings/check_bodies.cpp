#include "settings/check_bodies.hpp"

#include "settings/scalars.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/json/kind.hpp>
#include <boost/url/parse.hpp>

#include <algorithm>
#include <array>

namespace gateway::settings {
namespace {

namespace json = boost::json;

bool is_loopback_name(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string{host}, error);
  return !error && address.is_loopback();
}

struct member_type {
  std::string_view name;
  json::kind kind;
  std::string_view wanted;
};

constexpr std::array member_types{
    member_type{"language", json::kind::string, "a string"},
    member_type{"price_zone_default", json::kind::string, "a string"},
    member_type{"is_smart_optimization_active_default", json::kind::bool_, "true or false"},
    member_type{"success_url", json::kind::string, "a string"},
    member_type{"cancel_url", json::kind::string, "a string"},
    member_type{"user_id", json::kind::string, "a string"},
    member_type{"building_id", json::kind::string, "a string"},
    member_type{"external_metadata", json::kind::object, "a mapping"}};

void check_allowed(const std::string& path, const json::object& defaults, std::string_view name,
                   const std::vector<std::string>& allowed, std::string_view list, collector& faults) {
  const auto* value = string_member(defaults, name);
  if (value == nullptr || allowed.empty()) return;
  const std::string text{value->data(), value->size()};
  if (std::ranges::find(allowed, text) == allowed.end())
    faults.add(member(path, name), in_quotes(text) + " is not among the account's " + std::string{list});
}

}  // namespace

const json::string* string_member(const json::object& defaults, std::string_view name) {
  const auto* value = defaults.if_contains(json::string_view{name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_string();
}

std::string redirect_complaint(std::string_view text, bool allow_http) {
  if (text.size() > 8000) return "is longer than 8000 characters";
  const auto view = boost::urls::parse_uri(boost::urls::string_view{text.data(), text.size()});
  if (!view || view->host().empty()) return in_quotes(text) + " is no absolute URL";
  if (view->has_userinfo()) return "has user info before the host, which is not allowed in a redirect";
  if (view->scheme_id() == boost::urls::scheme::https) return "";
  if (view->scheme_id() != boost::urls::scheme::http) return in_quotes(text) + " must be an https URL";
  if (!is_loopback_name(view->host_address())) return in_quotes(text) + " must be https: http is for localhost only";
  if (!allow_http) return in_quotes(text) + " must be https: the account does not set allow_http_redirects: true";
  return "";
}

void check_types(const std::string& path, const json::object& defaults, collector& faults) {
  for (const auto& type : member_types) {
    const auto* value = defaults.if_contains(json::string_view{type.name.data(), type.name.size()});
    if (value != nullptr && !value->is_null() && value->kind() != type.kind)
      faults.add(member(path, type.name), "must be " + std::string{type.wanted});
  }
}

void check_defaults_for(const account& a, const std::string& path, const json::object& defaults, collector& faults) {
  for (const std::string_view name : {"success_url", "cancel_url"}) {
    const auto* value = string_member(defaults, name);
    if (value == nullptr || faults.faulty(member(path, name))) continue;
    const auto what = redirect_complaint(std::string_view{value->data(), value->size()}, a.allow_http_redirects);
    if (!what.empty()) faults.add(member(path, name), what);
  }
  check_allowed(path, defaults, "language", a.languages, "languages", faults);
  check_allowed(path, defaults, "price_zone_default", a.price_zones, "price_zones", faults);
}

void check_windows(const std::string& path, const std::vector<window>& windows, collector& faults) {
  constexpr std::size_t most = 8;
  if (faults.faulty(path)) return;
  if (windows.size() > most)
    faults.add(path, "has " + std::to_string(windows.size()) + " windows; at most 8 are possible");
  for (std::size_t i = 0; i < windows.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (windows[i].per == windows[j].per)
        faults.add(
            element(path, i) + ".per",
            show(windows[i].per) + " has a window already; of two windows of one length only the stricter counts");
}

}  // namespace gateway::settings
