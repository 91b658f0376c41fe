#include "simulator/model/podero.hpp"

#include "simulator/model/connect_flow.hpp"
#include "simulator/model/text_forms.hpp"
#include "simulator/model/validation.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace simulator {
namespace {

response not_found() {
  return detail(404, "Not Found");
}

response wrong_method(std::string_view allowed) {
  auto out = detail(405, "Method not allowed");
  out.headers.emplace_back("Allow", allowed);
  return out;
}

response too_many(std::chrono::nanoseconds wait) {
  auto out = detail(429, "Too many requests.");
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  out.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds)));
  return out;
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

podero::podero(settings settings, entropy source, std::function<moment()> clock)
    : settings_{std::move(settings)},
      entropy_{std::move(source)},
      clock_{std::move(clock)},
      tokens_{settings_},
      sessions_{settings_.session_capacity},
      ledger_{settings_.log_capacity},
      creation_windows_{settings_.creation_limits},
      request_windows_{settings_.request_limits} {
  add_known_users();
}

void podero::add_known_users() {
  for (const auto& user : settings_.known_users) households_.add_user(to_lower(user));
}

exchange podero::begin(std::string_view method, std::string_view target) {
  const auto op = classify(method, target);
  return {.op = op, .faults = faults_.draw_for_request(op)};
}

response podero::handle(const request& req) {
  const auto ex = begin(req.method, req.target);
  if (!ex.on_arrival()) return finish(ex, req);
  abandon(ex, req.connection);
  response broken_off{.status = 0};
  broken_off.how.cut_after = cut{ex.on_arrival()->kind, 0};
  return broken_off;
}

void podero::abandon(const exchange& ex, std::uint64_t connection) {
  ledger_.record({.received = clock_(), .op = ex.op, .connection = connection, .faulty = true});
}

connection_plan podero::accept() {
  auto& counted = ledger_.connections();
  ++counted.accepted;
  ++counted.open;
  counted.most_open = std::max(counted.most_open, counted.open);
  const auto action = faults_.draw_for_connection().action;
  connection_plan plan{.number = ++last_connection_};
  plan.idle_timeout = action.idle_timeout.value_or(settings_.idle_timeout);
  plan.max_requests = action.max_requests.value_or(settings_.max_requests_per_connection);
  plan.announce_last = action.announce_last;
  plan.http2_streams = settings_.http2_streams;
  plan.handshake_delay = action.handshake_delay;
  plan.instead_of_handshake = action.instead_of_handshake;
  return plan;
}

completion podero::complete(session& s, const found_device& what, std::optional<std::string> device_id) {
  if (s.object_id) return !device_id || *device_id == *s.object_id ? completion::done : completion::has_other_device;
  if (is_expired(s, clock_().wall)) return completion::expired;
  s.object_id = device_id ? std::move(*device_id) : random_uuid(entropy_);
  s.found.reset();
  households_.add_device({.id = *s.object_id,
                          .user_id = s.wishes.user_id,
                          .what = what,
                          .smart_optimization = s.wishes.smart_optimization});
  return completion::done;
}

void podero::reset() {
  tokens_.revoke_all();
  tokens_.announce({});
  sessions_.clear();
  households_.clear();
  add_known_users();
  ledger_.reset();
  faults_.clear();
  creation_windows_.set(settings_.creation_limits);
  request_windows_.set(settings_.request_limits);
}

response podero::finish(const exchange& ex, const request& req) {
  const auto at = req.received ? *req.received : clock_();
  auto answer = apply(ex.faults, at.wall, [&] { return work(ex.op, req, at); });
  answer.headers.emplace_back("Date", http_date(at.wall));
  answer.headers.emplace_back("Server", "podero-simulator");
  const bool says_nothing = answer.how.garbage || (answer.how.cut_after && answer.how.cut_after->after_bytes == 0);
  ledger_.record({.received = at,
                  .op = ex.op,
                  .status = says_nothing ? std::nullopt : std::optional{answer.status},
                  .connection = req.connection,
                  .faulty = ex.faults.any});
  return answer;
}

response podero::work(operation op, const request& req, moment at) {
  const std::string_view target{req.target};
  const auto path = target.substr(0, target.find('?'));
  if (op == operation::token) return tokens_.answer(req, path, at.wall, entropy_);
  if (path.starts_with(api_prefix)) return api(op, req, path.substr(api_prefix.size()), at);
  return op == operation::connect ? connect(*this, req, at.wall) : not_found();
}

bool podero::has_valid_token(const request& req, wall_instant now) const {
  const auto* header = find_header(req.headers, "Authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (!header || header->size() <= scheme.size()) return false;
  return equal_ignoring_case(std::string_view{*header}.substr(0, scheme.size()), scheme) &&
         tokens_.accepts(header->substr(scheme.size()), now);
}

response podero::api(operation op, const request& req, std::string_view path, moment at) {
  if (op == operation::other && path != "device-onboarding") return not_found();
  if (!has_valid_token(req, at.wall)) return detail(401, "Unauthorized");
  if (const auto wait = request_windows_.admit(at.steady)) {
    ledger_.count_limited();
    return too_many(*wait);
  }
  switch (op) {
    case operation::create:
      return create(req, at);
    case operation::read:
      return read(req, path.substr(path.find('/') + 1));
    case operation::users:
      return create_user(req, path);
    case operation::devices:
      return read_devices(req, path);
    default:
      return wrong_method("POST");
  }
}

bool podero::may_own(const std::string& user_id) const {
  return !settings_.known_users_only || households_.knows_user(user_id);
}

response podero::create(const request& req, moment at) {
  if (const auto wait = creation_windows_.admit(at.steady)) {
    ledger_.count_limited();
    return too_many(*wait);
  }
  auto wishes = read_session_wishes(req.body);
  if (!wishes) return std::move(wishes.error());
  if (!may_own(wishes->user_id)) return not_found();
  const auto& made = sessions_.create(random_uuid(entropy_), std::move(*wishes), at.wall);
  ledger_.count_session_created();
  return json_answer(201, to_json(made, settings_.public_url));
}

response podero::read(const request& req, std::string_view id) {
  if (req.method != "GET") return wrong_method("GET");
  if (id.find('/') != std::string_view::npos) return not_found();
  const auto* found = sessions_.find(to_lower(id));
  return found ? json_answer(200, to_json(*found, settings_.public_url)) : not_found();
}

// org/{org_id}/users
response podero::create_user(const request& req, std::string_view path) {
  const auto parts = split(path);
  if (parts.size() != 3) return not_found();
  if (req.method != "POST") return wrong_method("POST");
  if (const auto checked = check_path_uuid("org_id", parts[1]); !checked) return checked.error();
  const auto wishes = read_user_wishes(req.body);
  if (!wishes) return wishes.error();
  auto id = random_uuid(entropy_);
  households_.add_user(id);
  return json_answer(201, boost::json::serialize(boost::json::object{{"id", std::move(id)},
                                                                     {"role", wishes->role},
                                                                     {"email", wishes->email},
                                                                     {"external_user_id", wishes->external_user_id}}));
}

// org/{org_id}/users/{user_id}/heat-pumps[/{device_id}]
response podero::read_devices(const request& req, std::string_view path) {
  const auto parts = split(path);
  if (parts.size() < 5 || parts.size() > 6 || parts[2] != "users" || parts[4] != "heat-pumps") return not_found();
  if (req.method != "GET") return wrong_method("GET");
  if (const auto checked = check_path_uuid("org_id", parts[1]); !checked) return checked.error();
  if (const auto checked = check_path_uuid("user_id", parts[3]); !checked) return checked.error();
  const auto user = to_lower(parts[3]);
  if (!may_own(user)) return not_found();
  if (parts.size() == 6) {
    const auto* found = households_.find_device(to_lower(parts[5]));
    const bool theirs = found && found->user_id == user && found->what.type == device_type::heat_pump;
    return theirs ? json_answer(200, to_json(*found)) : not_found();
  }
  std::string list = "[";
  for (const auto* heat_pump : households_.heat_pumps_of(user)) {
    if (list.size() > 1) list += ',';
    list += to_json(*heat_pump);
  }
  return json_answer(200, list + "]");
}

}  // namespace simulator
