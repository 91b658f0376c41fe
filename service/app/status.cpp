#include "app/status.hpp"

#include <boost/json.hpp>

#include "onboarding/calendar.hpp"

namespace gateway::app {
namespace {

namespace json = boost::json;

// What the document is written with.
struct pen {
  time::instant now;
  time::wall_instant wall;

  std::string instant(time::instant at) const {
    std::string text;
    onboarding::append_rfc3339(text, std::chrono::ceil<std::chrono::seconds>(
                                         wall + std::chrono::duration_cast<time::wall_instant::duration>(at - now)));
    return text;
  }
  std::int64_t seconds_since(time::instant then) const {
    return std::chrono::duration_cast<std::chrono::seconds>(now - then).count();
  }
};

json::array windows(const limiter::shared_domain& of, std::size_t account, const pen& with) {
  std::vector<limiter::window_state> states;
  of.windows(account, states);
  json::array all;
  for (const auto& one : states)
    all.push_back(
        {{"name", one.name}, {"rate", one.rate}, {"remaining", one.remaining}, {"next_at", with.instant(one.next)}});
  return all;
}

json::value slots(const limiter::shared_domain& of, const pen& with) {
  const auto& rules = of.rules();
  if (!rules.test_account) return nullptr;
  json::array held;
  for (const auto& one : of.slots()) {
    json::array holders;
    for (const auto holder : one.holders) holders.push_back(json::value(rules.callers[holder].name));
    // Where replicas share the slots, one may be of an account that only another's configuration has.
    const auto known = one.account < rules.accounts.size();
    held.push_back({{"id", one.id},
                    {"account", known ? json::value(rules.accounts[one.account].name) : json::value(nullptr)},
                    {"holders", std::move(holders)},
                    {"session", one.session.empty() ? json::value(nullptr) : json::value(one.session)},
                    {"age_seconds", with.seconds_since(one.since)},
                    {"until", with.instant(one.until)}});
  }
  return {{"test_account", rules.test_account->name},
          {"total", rules.test_account->open_sessions},
          {"held", std::move(held)}};
}

json::object account(const account_core& of, const pen& with) {
  const auto& domain = *of.limited.domain;
  const auto state = domain.state(of.limited.account);
  const json::value oldest = state.oldest_since ? json::value(with.seconds_since(*state.oldest_since)) : nullptr;
  const json::value paused = state.paused_until > with.now ? json::value(with.instant(state.paused_until)) : nullptr;
  const bool token = of.tokens.has_token() && of.tokens.expiry() > with.now;
  return {
      {"name", of.name},
      {"windows", windows(domain, of.limited.account, with)},
      {"store", of.records      ? "memory"
                : domain.away() ? "degraded"
                                : "shared"},
      {"queue", {{"length", state.waiting}, {"oldest_seconds", oldest}}},
      {"paused_until", paused},
      {"slow_down", state.slow_down},
      {"slots", slots(domain, with)},
      {"idempotency_keys", of.records ? json::value(of.records->keys()) : nullptr},
      {"token", {{"usable", token}, {"expires_at", token ? json::value(with.instant(of.tokens.expiry())) : nullptr}}},
      {"circuit", dispatch::to_string(of.health.state(with.now))}};
}

}  // namespace

std::string render_status(const std::vector<const account_core*>& accounts, const time::clock& clock) {
  const pen with{clock.now(), clock.wall_now()};
  json::array all;
  for (const auto* one : accounts) all.push_back(account(*one, with));
  return json::serialize(json::object{{"accounts", std::move(all)}}) + "\n";
}

}  // namespace gateway::app
