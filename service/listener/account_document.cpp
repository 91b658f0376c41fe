#include "listener/account_document.hpp"

#include <boost/json.hpp>

#include "onboarding/calendar.hpp"

namespace gateway::listener {
namespace {

namespace json = boost::json;

// Rounded up to whole seconds: never earlier than it is.
std::string instant(time::wall_instant at) {
  std::string text;
  onboarding::append_rfc3339(text, std::chrono::ceil<std::chrono::seconds>(at));
  return text;
}

template <typename Optional>
json::value instant_or_null(const Optional& at) {
  return at ? json::value(instant(*at)) : json::value(nullptr);
}

// 15, not 1.5E1.
json::value number(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value ? json::value(whole) : json::value(value);
}

json::value seconds(time::duration of) {
  return number(static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(of).count()) / 1000);
}

json::array limits(const onboarding::account_view& seen) {
  json::array all;
  for (const auto& one : seen.windows)
    all.push_back({{"name", one.name},
                   {"rate", one.rate},
                   {"per_seconds", seconds(one.per)},
                   {"scope", one.own ? "caller" : "account"},
                   {"remaining", one.remaining},
                   {"next_at", instant(one.next)}});
  return all;
}

json::value slots(const onboarding::account_view& seen) {
  if (!seen.test_account) return nullptr;
  const auto& test = *seen.test_account;
  json::array held;
  for (const auto& one : test.held) {
    json::array holders;
    for (const auto& name : one.holders) holders.push_back(json::value(name));
    json::object slot{{"holders", std::move(holders)}, {"since", instant(one.since)}, {"until", instant(one.until)}};
    if (one.session) slot.emplace("session", *one.session);
    held.push_back(std::move(slot));
  }
  return {{"test_account", test.name},
          {"total", test.open_sessions},
          {"own_total", test.own_open_sessions ? json::value(*test.own_open_sessions) : json::value(nullptr)},
          {"free", test.open_sessions - std::min<std::size_t>(test.open_sessions, test.held.size())},
          {"held", std::move(held)}};
}

json::array open_sessions(const onboarding::account_view& seen) {
  json::array all;
  for (const auto& one : seen.open_sessions) {
    json::object session{{"id", one.id.view()},
                         {"created_at", instant(one.created_at)},
                         {"slot_until", instant_or_null(one.slot_until)},
                         {"idempotency_key", nullptr},
                         {"external_metadata", nullptr},
                         {"poll_interval_seconds", nullptr}};
    if (one.poll_interval) session["poll_interval_seconds"] = seconds(*one.poll_interval);
    if (!one.idempotency_key.empty()) session["idempotency_key"] = one.idempotency_key;
    if (!one.external_metadata.empty()) session["external_metadata"] = json::parse(one.external_metadata);
    all.push_back(std::move(session));
  }
  return all;
}

}  // namespace

std::string render_account(std::string_view name, const onboarding::account_view& seen, time::duration total_timeout) {
  const json::value oldest = seen.oldest ? seconds(*seen.oldest) : json::value(nullptr);
  return json::serialize(
      json::object{{"name", name},
                   {"limits", limits(seen)},
                   {"queue", {{"length", seen.waiting}, {"oldest_seconds", oldest}}},
                   {"paused_until", instant_or_null(seen.paused_until)},
                   {"slow_down", number(seen.slow_down)},
                   {"total_timeout_seconds", seconds(total_timeout)},
                   {"slots", slots(seen)},
                   {"open_sessions", open_sessions(seen)},
                   {"upstream", {{"token", seen.upstream.token}, {"circuit", seen.upstream.circuit}}}});
}

}  // namespace gateway::listener
