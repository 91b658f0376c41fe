#include "simulator/model/fault_board.hpp"

#include "simulator/model/validation.hpp"
#include "simulator/model/wire_script.hpp"

#include <boost/json.hpp>

#include <cmath>

namespace simulator {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// In [0, 1), the same on every machine, which std::uniform_real_distribution does not promise.
double unit(std::mt19937_64& randomness) {
  return static_cast<double>(randomness() >> 11U) * 0x1.0p-53;
}

struct latency_drawer {
  std::mt19937_64* randomness;
  double operator()(const fixed_latency& l) const { return l.ms; }
  double operator()(const uniform_latency& l) const { return l.from_ms + unit(*randomness) * (l.to_ms - l.from_ms); }
  double operator()(const exponential_latency& l) const {
    return std::min(10 * l.mean_ms, -l.mean_ms * std::log1p(-unit(*randomness)));
  }
};

struct retry_after_text {
  wall_instant now;
  std::string operator()(std::chrono::seconds seconds) const { return std::to_string(seconds.count()); }
  std::string operator()(date_in ahead) const { return http_date(now + ahead.from_now); }
  std::string operator()(const std::string& text) const { return text; }
};

template <class T>
void keep_first(std::optional<T>& into, const std::optional<T>& from) {
  if (!into) into = from;
}

template <class T>
void keep_first(T& into, const T& from) {
  if (into == T{}) into = from;
}

void merge_delivery(delivery& into, const delivery& from) {
  keep_first(into.cut_after, from.cut_after);
  keep_first(into.close_afterwards, from.close_afterwards);
  keep_first(into.close_unannounced, from.close_unannounced);
  keep_first(into.garbage, from.garbage);
  keep_first(into.informational, from.informational);
  keep_first(into.head_padding, from.head_padding);
  keep_first(into.body_padding, from.body_padding);
  keep_first(into.endless_body, from.endless_body);
  keep_first(into.content_length_error, from.content_length_error);
  keep_first(into.truncate_body_to, from.truncate_body_to);
  keep_first(into.slow_body, from.slow_body);
  keep_first(into.encoding, from.encoding);
}

void set_header(header_list& headers, std::string_view name, std::string_view value) {
  std::erase_if(headers, [&](const auto& h) { return equal_ignoring_case(h.first, name); });
  headers.emplace_back(name, value);
}

std::string load_balancer_page(unsigned status) {
  const auto title = std::to_string(status) + " " + std::string{reason_phrase(status)};
  return "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
         "</h1></center>\r\n<hr><center>load balancer</center>\r\n</body>\r\n</html>\r\n";
}

}  // namespace

std::uint64_t fault_board::add(fault_rule rule) {
  const auto seed = rule.match.seed;
  entries_.push_back({.id = ++last_id_, .rule = std::move(rule), .randomness = std::mt19937_64{seed}});
  return last_id_;
}

bool fault_board::remove(std::uint64_t id) {
  return std::erase_if(entries_, [id](const entry& e) { return e.id == id; }) > 0;
}

std::size_t fault_board::clear() {
  const auto count = entries_.size();
  entries_.clear();
  return count;
}

std::string fault_board::to_json() const {
  json::array list;
  for (const auto& e : entries_) {
    json::object shown{{"id", e.id}, {"seen", e.seen}, {"fired", e.fired}};
    for (auto& [name, value] : json::parse(e.rule.text).as_object()) shown[name] = value;
    list.emplace_back(std::move(shown));
  }
  return json::serialize(json::object{{"faults", std::move(list)}});
}

bool fault_board::fires(entry& e) {
  const auto& match = e.rule.match;
  ++e.seen;
  // Drawn for every matching request, so that a seed gives the same sequence whatever else is asked.
  const bool lucky = !match.probability || unit(e.randomness) < *match.probability;
  if (match.nth && e.seen != *match.nth) return false;
  if (match.every && e.seen % *match.every != 0) return false;
  if (match.times && e.fired >= *match.times) return false;
  if (!lucky) return false;
  ++e.fired;
  return true;
}

void fault_board::merge(fault_effects& into, entry& from) {
  const auto& action = from.rule.action;
  auto& out = into.action;
  into.any = true;
  if (action.latency && !out.latency) {
    out.latency = action.latency;
    into.latency = milliseconds{std::llround(std::visit(latency_drawer{&from.randomness}, *action.latency))};
  }
  if (action.status && !out.status) {
    out.status = action.status;
    out.after_work = action.after_work;
  }
  if (action.body && !out.body) {
    out.body = action.body;
    out.content_type = action.content_type;
  }
  keep_first(out.html, action.html);
  for (const auto& [name, value] : action.headers)
    if (!find_header(out.headers, name)) out.headers.emplace_back(name, value);
  keep_first(out.retry_after, action.retry_after);
  keep_first(out.on_arrival, action.on_arrival);
  keep_first(out.idle_timeout, action.idle_timeout);
  if (action.max_requests && !out.max_requests) {
    out.max_requests = action.max_requests;
    out.announce_last = action.announce_last;
  }
  keep_first(out.handshake_delay, action.handshake_delay);
  keep_first(out.instead_of_handshake, action.instead_of_handshake);
  merge_delivery(out.how, action.how);
}

fault_effects fault_board::draw_for_request(operation op) {
  fault_effects effects;
  for (auto& e : entries_) {
    const auto& match = e.rule.match;
    if (!match.connection && (!match.op || *match.op == op) && fires(e)) merge(effects, e);
  }
  return effects;
}

fault_effects fault_board::draw_for_connection() {
  fault_effects effects;
  for (auto& e : entries_)
    if (e.rule.match.connection && fires(e)) merge(effects, e);
  return effects;
}

response stand_in(const fault_action& action) {
  if (action.html)
    return {.status = *action.status,
            .headers = {{"Content-Type", "text/html"}},
            .body = load_balancer_page(*action.status)};
  return detail(*action.status, reason_phrase(*action.status));
}

void decorate(response& answer, const fault_effects& effects, wall_instant now) {
  const auto& action = effects.action;
  if (action.html && !action.status) {
    answer.body = load_balancer_page(answer.status);
    set_header(answer.headers, "Content-Type", "text/html");
  }
  if (action.body) {
    answer.body = *action.body;
    set_header(answer.headers, "Content-Type", action.content_type);
  }
  for (const auto& [name, value] : action.headers) set_header(answer.headers, name, value);
  if (action.retry_after)
    set_header(answer.headers, "Retry-After", std::visit(retry_after_text{now}, *action.retry_after));
  answer.how = action.how;
  answer.how.delay = effects.latency;
}

}  // namespace simulator
