#include "listener/routes.hpp"

#include <algorithm>
#include <array>

namespace gateway::listener {

using boost::beast::http::verb;

namespace {

constexpr std::array routes{
    route{route_id::create_session, verb::post, "/v1/accounts/{account}/onboarding-sessions", "create_session", true},
    route{route_id::create_batch, verb::post, "/v1/accounts/{account}/onboarding-sessions/batch", "create_batch", true},
    route{route_id::read_session, verb::get, "/v1/accounts/{account}/onboarding-sessions/{id}", "read_session", true},
    route{route_id::give_back_slot, verb::delete_, "/v1/accounts/{account}/onboarding-sessions/{id}/slot", "slot",
          true},
    route{route_id::create_user, verb::post, "/v1/accounts/{account}/users", "create_user", true},
    route{route_id::list_devices, verb::get, "/v1/accounts/{account}/users/{user_id}/{devices}", "list_devices", true},
    route{route_id::read_device, verb::get, "/v1/accounts/{account}/users/{user_id}/{devices}/{device_id}",
          "read_device", true},
    route{route_id::show_account, verb::get, "/v1/accounts/{account}", "account", true},
    route{route_id::list_accounts, verb::get, "/v1/accounts", "list_accounts", true},
    route{route_id::openapi, verb::get, "/openapi.json", "openapi", false},
    route{route_id::problem_page, verb::get, "/problems/{name}", "problem_page", false},
};

std::string_view take_segment(std::string_view& rest) noexcept {
  const auto slash = rest.find('/', 1);
  const auto segment = rest.substr(1, slash == std::string_view::npos ? slash : slash - 1);
  rest.remove_prefix(segment.size() + 1);
  return segment;
}

bool matches(std::string_view pattern, std::string_view path, routing& into) noexcept {
  while (!pattern.empty() && !path.empty()) {
    const auto expected = take_segment(pattern);
    const auto given = take_segment(path);
    if (expected == "{account}") {
      into.account = given;
    } else if (expected == "{devices}") {
      into.devices = given;
    } else if (expected == "{device_id}") {
      into.device = given;
    } else if (expected.starts_with('{')) {
      into.item = given;
    } else if (expected != given) {
      return false;
    }
    if (given.empty()) return false;
  }
  return pattern.empty() && path.empty();
}

void allow(std::string& list, verb method) {
  if (!list.empty()) list += ", ";
  const auto name = boost::beast::http::to_string(method);
  list.append(name.data(), name.size());
  if (method == verb::get) list += ", HEAD";
}

}  // namespace

routing find_route(verb method, std::string_view path) {
  routing found;
  if (!path.starts_with('/')) return found;
  for (const auto& candidate : routes) {
    routing here;
    if (!matches(candidate.pattern, path, here)) continue;
    if (candidate.method == method || (candidate.method == verb::get && method == verb::head)) {
      here.route = &candidate;
      return here;
    }
    allow(found.allow, candidate.method);
  }
  if (!found.allow.empty()) found.allow += ", OPTIONS";
  return found;
}

std::string all_methods() {
  std::string list;
  for (const auto method : {verb::get, verb::post, verb::delete_})
    if (std::ranges::any_of(routes, [&](const route& r) { return r.method == method; })) allow(list, method);
  return list + ", OPTIONS";
}

}  // namespace gateway::listener
