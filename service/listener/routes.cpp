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

constexpr std::size_t most_segments = 7;

struct segments {
  std::array<std::string_view, most_segments> of{};
  std::size_t count = 0;
};

// None where one of them is empty, or where there are more than any of our paths has.
constexpr segments split(std::string_view path) noexcept {
  segments found;
  while (!path.empty()) {
    const auto end = std::min(path.find('/', 1), path.size());
    if (end == 1 || found.count == most_segments) return {};
    found.of[found.count++] = path.substr(1, end - 1);
    path.remove_prefix(end);
  }
  return found;
}

using part_of_routing = std::string_view routing::*;

// Where the segment that it stands for belongs; null: it stands for itself.
constexpr part_of_routing meaning_of(std::string_view segment) noexcept {
  if (!segment.starts_with('{')) return nullptr;
  if (segment == "{account}") return &routing::account;
  if (segment == "{devices}") return &routing::devices;
  return segment == "{device_id}" ? &routing::device : &routing::item;
}

struct pattern {
  segments expected;
  std::array<part_of_routing, most_segments> meanings{};
};

// Read once, by the compiler, and not with each request.
constexpr auto patterns = [] {
  std::array<pattern, routes.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].expected = split(routes[i].pattern);
    for (std::size_t s = 0; s < all[i].expected.count; ++s) all[i].meanings[s] = meaning_of(all[i].expected.of[s]);
  }
  return all;
}();
static_assert(std::ranges::all_of(patterns, [](const pattern& one) { return one.expected.count != 0; }));

bool matches(const pattern& like, const segments& path, routing& into) noexcept {
  if (path.count != like.expected.count) return false;
  for (std::size_t i = 0; i < path.count; ++i) {
    if (const auto meaning = like.meanings[i]; meaning != nullptr)
      into.*meaning = path.of[i];
    else if (path.of[i] != like.expected.of[i])
      return false;
  }
  return true;
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
  const auto given = split(path);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& candidate = routes[i];
    routing here;
    if (!matches(patterns[i], given, here)) continue;
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
