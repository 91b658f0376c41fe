#include "simulator/model/control.hpp"

#include "simulator/model/text_forms.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <expected>

namespace simulator {
namespace {

namespace json = boost::json;

response error(unsigned status, std::string_view text) {
  return json_answer(status, json::serialize(json::object{{"error", text}}));
}

response wrong_method(std::string_view allowed) {
  auto out = error(405, "this path knows " + std::string{allowed});
  out.headers.emplace_back("Allow", allowed);
  return out;
}

std::uint64_t number_in(const form_members& query, std::string_view name, std::uint64_t otherwise) {
  const auto* text = find_member(query, name);
  if (!text) return otherwise;
  std::uint64_t value = 0;
  const auto [rest, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  return failed == std::errc{} && rest == text->data() + text->size() ? value : otherwise;
}

// The body as an object; an empty one where there is none.
std::expected<json::object, response> object_in(const request& req) {
  if (req.body.empty()) return json::object{};
  boost::system::error_code failed;
  auto value = json::parse(req.body, failed);
  if (failed || !value.is_object()) return std::unexpected{error(400, "the body has to be a JSON object")};
  return std::move(value.get_object());
}

std::string_view text_member(const json::object& members, std::string_view name) {
  const auto* value = members.if_contains(name);
  return value && value->is_string() ? std::string_view{value->get_string()} : std::string_view{};
}

}  // namespace

response control::handle(const request& req) {
  const std::string_view target{req.target};
  const auto question = std::min(target.find('?'), target.size());
  const auto path = target.substr(0, question);
  const auto query = target.substr(std::min(question + 1, target.size()));
  const bool reads = req.method == "GET";
  const bool writes = req.method == "POST";
  if (path == "/") return reads ? overview() : wrong_method("GET");
  if (path == "/counters") return reads ? json_answer(200, podero_->log().counters_json()) : wrong_method("GET");
  if (path == "/requests") return reads ? show_requests(query) : wrong_method("GET");
  if (path == "/busiest") return reads ? show_busiest(query) : wrong_method("GET");
  if (path == "/sessions") return reads ? show_sessions() : wrong_method("GET");
  if (path == "/tokens/revoke") return writes ? revoke_tokens(req) : wrong_method("POST");
  if (path == "/tokens/expires-in") return writes ? announce_lifetime(req) : wrong_method("POST");
  if (path == "/connections/close") return writes ? close_connections(req) : wrong_method("POST");
  if (path == "/reset") {
    if (!writes) return wrong_method("POST");
    podero_->reset();
    return json_answer(200, "{\"reset\":true}");
  }
  if (path == "/limits") return writes ? limits(req) : wrong_method("POST");
  if (path == "/faults") return faults(req);
  if (path.starts_with("/faults/")) return remove_fault(req, path.substr(std::string_view{"/faults/"}.size()));
  if (path.starts_with("/sessions/")) {
    const auto rest = path.substr(std::string_view{"/sessions/"}.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    return act_on_session(req, rest.substr(0, slash), rest.substr(std::min(slash + 1, rest.size())));
  }
  return error(404, "there is nothing here; GET / lists what there is");
}

response control::overview() const {
  const json::array paths{"GET /counters",
                          "GET /requests?since=N&limit=N",
                          "GET /busiest?operation=create&per=10s",
                          "GET /sessions",
                          "GET /sessions/{id}",
                          "POST /sessions/{id}/complete",
                          "POST /sessions/{id}/cancel",
                          "POST /sessions/{id}/expire",
                          "POST /tokens/revoke",
                          "POST /tokens/expires-in",
                          "POST /connections/close",
                          "POST /limits",
                          "POST /faults",
                          "GET /faults",
                          "DELETE /faults",
                          "DELETE /faults/{id}",
                          "POST /reset"};
  json::object out{{"program", "podero-simulator"}, {"paths", paths}};
  out["public_url"] = podero_->options().public_url;
  out["sessions"] = podero_->session_book().size();
  out["users"] = podero_->household_book().user_count();
  out["devices"] = podero_->household_book().device_count();
  out["tokens_alive"] = podero_->token_book().alive(podero_->now().wall);
  out["counters"] = json::parse(podero_->log().counters_json());
  return json_answer(200, json::serialize(out));
}

response control::show_requests(std::string_view query) const {
  const auto members = decode_form(query);
  return json_answer(200, podero_->log().requests_json(number_in(members, "since", 0),
                                                       static_cast<std::size_t>(number_in(members, "limit", 10000))));
}

response control::show_busiest(std::string_view query) const {
  const auto members = decode_form(query);
  const auto* per_text = find_member(members, "per");
  const auto per = per_text ? parse_duration(*per_text) : std::nullopt;
  if (!per || per->count() == 0) return error(400, "per has to be a duration such as 250ms, 10s, 1m, 1h");
  std::optional<operation> op;
  if (const auto* name = find_member(members, "operation"); name && *name != "any") {
    op = operation_named(*name);
    if (!op) return error(400, "no operation is called \"" + *name + "\"");
  }
  return json_answer(200, json::serialize(json::object{{"operation", op ? to_string(*op) : "any"},
                                                       {"per_ms", per->count()},
                                                       {"most", podero_->log().busiest(op, *per)}}));
}

namespace {

json::object describe(const session& s, podero& upstream) {
  auto out = json::parse(to_json(s, upstream.options().public_url)).as_object();
  out["language"] = s.wishes.language;
  out["price_zone_default"] = s.wishes.price_zone_default;
  out["is_smart_optimization_active_default"] = s.wishes.smart_optimization;
  out["cancelled"] = s.cancelled;
  out["expired"] = is_expired(s, upstream.now().wall);
  return out;
}

}  // namespace

response control::show_sessions() const {
  constexpr std::size_t shown = 1000;
  json::array list;
  for (const auto* s : podero_->session_book().newest(shown)) list.emplace_back(describe(*s, *podero_));
  return json_answer(
      200, json::serialize(json::object{{"total", podero_->session_book().size()}, {"newest_first", std::move(list)}}));
}

response control::act_on_session(const request& req, std::string_view id, std::string_view action) {
  auto* found = podero_->session_book().find(to_lower(id));
  if (!found) return error(404, "no session has this id");
  if (action.empty()) {
    if (req.method != "GET") return wrong_method("GET");
    return json_answer(200, json::serialize(describe(*found, *podero_)));
  }
  if (req.method != "POST") return wrong_method("POST");
  if (action == "complete") return complete(req, *found);
  if (action == "cancel") {
    found->cancelled = true;
    return json_answer(200, json::serialize(json::object{{"redirect", found->wishes.cancel_url}}));
  }
  if (action == "expire") {
    found->expiration_date = std::chrono::floor<std::chrono::days>(podero_->now().wall) - std::chrono::days{1};
    return json_answer(200, json::serialize(describe(*found, *podero_)));
  }
  return error(404, "a session can be completed, cancelled and expired");
}

response control::complete(const request& req, session& s) {
  const auto members = object_in(req);
  if (!members) return members.error();
  std::optional<std::string> device;
  if (members->contains("device_id")) {
    const auto text = text_member(*members, "device_id");
    if (!is_uuid(text)) return error(400, "device_id has to be a UUID");
    device = to_lower(text);
  }
  switch (podero_->complete(s, {.type = device_type::heat_pump, .model = "NIBE S1255-6"}, std::move(device))) {
    case completion::has_other_device:
      return error(409, "the session has another device already");
    case completion::expired:
      return error(409, "the session has expired");
    case completion::done:
      break;
  }
  return json_answer(200, json::serialize(json::object{
                              {"device_id", *s.object_id},
                              {"redirect", with_query_parameter(s.wishes.success_url, "deviceId", *s.object_id)}}));
}

response control::revoke_tokens(const request& req) {
  const auto members = object_in(req);
  if (!members) return members.error();
  const auto which = text_member(*members, "which");
  if (!which.empty() && which != "all" && which != "current")
    return error(400, "which has to be \"all\" or \"current\" (the one issued last)");
  auto& book = podero_->token_book();
  const auto count = which == "current" ? book.revoke_newest() : book.revoke_all();
  return json_answer(200, json::serialize(json::object{{"revoked", count}}));
}

response control::announce_lifetime(const request& req) {
  const auto members = object_in(req);
  if (!members) return members.error();
  announced_lifetime announced;
  if (const auto* missing = members->if_contains("missing"))
    announced.missing = missing->is_bool() && missing->get_bool();
  if (const auto* value = members->if_contains("value")) announced.verbatim = json::serialize(*value);
  podero_->token_book().announce(std::move(announced));
  return json_answer(200, "{\"set\":true}");
}

response control::close_connections(const request& req) {
  const auto members = object_in(req);
  if (!members) return members.error();
  const auto how = text_member(*members, "how");
  if (!how.empty() && how != "close" && how != "reset") return error(400, "how has to be \"close\" or \"reset\"");
  const auto kind = how == "reset" ? cut_kind::reset : cut_kind::close;
  const std::size_t closed = close_idle_connections ? close_idle_connections(kind) : 0;
  return json_answer(200, json::serialize(json::object{{"closed", closed}}));
}

response control::faults(const request& req) {
  auto& board = podero_->faults();
  if (req.method == "GET") return json_answer(200, board.to_json());
  if (req.method == "DELETE") return json_answer(200, json::serialize(json::object{{"removed", board.clear()}}));
  if (req.method != "POST") return wrong_method("GET, POST, DELETE");
  auto rule = read_fault_rule(req.body);
  if (!rule) return error(400, rule.error());
  return json_answer(201, json::serialize(json::object{{"id", board.add(std::move(*rule))}}));
}

response control::remove_fault(const request& req, std::string_view id) {
  if (req.method != "DELETE") return wrong_method("DELETE");
  std::uint64_t number = 0;
  const auto [rest, failed] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool removed = failed == std::errc{} && rest == id.data() + id.size() && podero_->faults().remove(number);
  return removed ? json_answer(200, "{\"removed\":1}") : error(404, "no fault has this id");
}

namespace {

std::optional<std::vector<rate>> rates_in(const json::value& value) {
  std::vector<rate> out;
  if (!value.is_array()) return std::nullopt;
  for (const auto& text : value.get_array()) {
    const auto one = text.is_string() ? parse_rate(text.get_string()) : std::nullopt;
    if (!one) return std::nullopt;
    out.push_back(*one);
  }
  return out;
}

}  // namespace

response control::limits(const request& req) {
  const auto members = object_in(req);
  if (!members) return members.error();
  std::optional<std::vector<rate>> creations;
  std::optional<std::vector<rate>> requests;
  for (const auto& [name, value] : *members) {
    if (name != "creations" && name != "requests") return error(400, std::string{name} + " is not known here");
    auto rates = rates_in(value);
    if (!rates) return error(400, std::string{name} + " has to be a list of limits such as \"1/10s\"");
    (name == "creations" ? creations : requests) = std::move(rates);
  }
  if (creations) podero_->creation_windows().set(std::move(*creations));
  if (requests) podero_->request_windows().set(std::move(*requests));
  return json_answer(200, "{\"set\":true}");
}

}  // namespace simulator
