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
  json::value instant_if(bool there, time::instant at) const {
    return there ? json::value(instant(at)) : json::value(nullptr);
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
    all.push_back({{"name", one.name},
                   {"rate", one.rate},
                   {"per_seconds", std::chrono::duration<double>{one.per}.count()},
                   {"remaining", one.remaining},
                   {"next_at", with.instant(std::max(one.next, with.now))},
                   {"next_in_seconds", std::max(0.0, std::chrono::duration<double>{one.next - with.now}.count())}});
  return all;
}

json::value slots(const limiter::shared_domain& of, const pen& with) {
  const auto taken = of.slots();  // before the rules, which know whoever holds one
  const auto rules = of.rules();
  if (!rules.test_account) return nullptr;
  json::array held;
  for (const auto& one : taken) {
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

double seconds(time::duration d) {
  return std::chrono::duration<double>{d}.count();
}

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object connections(const status_view::connections& of) {
  return {{"busy", of.busy}, {"idle", of.idle}};
}

bool has_token(const account_core& of, const pen& with) {
  return of.tokens.has_token() && of.tokens.expiry() > with.now;
}

std::string_view token_state(const account_core& of, const pen& with) {
  if (has_token(of, with)) return "usable";
  if (!of.tokens.tried()) return "awaited";
  return of.tokens.latest() == token::keeper::standing::refused ? "refused" : "out-of-reach";
}

std::string_view renewal_state(const account_core& of) {
  using enum token::keeper::standing;
  const auto how = of.tokens.latest();
  return how == well ? "well" : how == refused ? "refused" : "failing";
}

json::object token(const account_core& of, const pen& with) {
  const bool usable = has_token(of, with);
  const auto left = of.tokens.expiry() - with.now;
  return {
      {"state", token_state(of, with)},
      {"usable", usable},
      {"expires_at", with.instant_if(usable, of.tokens.expiry())},
      {"expires_in_seconds", usable ? json::value(std::chrono::floor<std::chrono::seconds>(left).count()) : nullptr},
      {"generation", of.tokens.generation()},
      {"renewal", renewal_state(of)}};
}

json::object account(const status_view::account& shown, situation how, const pen& with) {
  const auto& of = *shown.core;
  const auto& domain = *of.limited.domain;
  const auto state = domain.state(of.limited.account);
  const json::value oldest = state.oldest_since ? json::value(with.seconds_since(*state.oldest_since)) : nullptr;
  const bool paused = state.paused_until > with.now;
  return {
      {"name", of.name},
      {"state", to_string(how)},
      {"windows", windows(domain, of.limited.account, with)},
      {"store", of.records      ? "memory"
                : domain.away() ? "degraded"
                                : "shared"},
      {"queue",
       {{"length", state.waiting},
        {"limit", domain.rules().accounts[of.limited.account].queue_length},
        {"oldest_seconds", oldest}}},
      {"paused_until", with.instant_if(paused, state.paused_until)},
      {"paused_for_seconds",
       paused ? json::value(std::chrono::ceil<std::chrono::seconds>(state.paused_until - with.now).count()) : nullptr},
      {"slow_down", state.slow_down},
      {"slots", slots(domain, with)},
      {"idempotency_keys", of.records ? json::value(of.records->keys()) : nullptr},
      {"token", token(of, with)},
      {"circuit", dispatch::to_string(of.health.state(with.now))},
      {"connections",
       {{"busy", shown.upstream.busy},
        {"idle", shown.upstream.idle},
        {"connecting", shown.upstream.connecting},
        {"limit", of.configured.pool.max_connections}}}};
}

account_facts facts_of(const account_core& of, const pen& with) {
  const auto& domain = *of.limited.domain;
  const auto state = domain.state(of.limited.account);
  account_facts facts{.name = of.name,
                      .token_tried = of.tokens.tried(),
                      .token_usable = has_token(of, with),
                      .token_left = of.tokens.expiry() - with.now,
                      .token_standing = of.tokens.latest(),
                      .circuit = of.health.state(with.now),
                      .paused_for = state.paused_until - with.now,
                      .slow_down = state.slow_down,
                      .waiting = state.waiting,
                      .oldest_wait = state.oldest_since ? with.now - *state.oldest_since : time::duration{0},
                      .share_left = domain.share_left(of.limited.account),
                      .store_away = domain.away()};
  std::vector<limiter::window_state> states;
  domain.windows(of.limited.account, states);
  for (const auto& w : states) facts.windows.push_back({w.name, w.remaining, w.next - with.now});
  if (const auto& shared = domain.rules().test_account) {
    facts.slots = shared->open_sessions;
    const auto held = domain.slots();
    facts.slots_held = held.size();
    for (const auto& one : held)
      facts.slot_free_in = std::min(facts.slot_free_in.value_or(one.until - with.now), one.until - with.now);
  }
  return facts;
}

std::vector<concern> concerns(const status_view& of, const pen& with) {
  process_facts process{.draining = of.draining,
                        .config_refused = of.config_refused,
                        .unsafe_settings = of.unsafe_settings,
                        .refused = of.refused};
  for (const auto& one : of.loops) {
    process.worst_lag = std::max(process.worst_lag, one.lag);
    process.longest_silence = std::max(process.longest_silence, one.silence);
  }
  for (const auto& one : of.certificates)
    process.certificates.push_back({.listener = one.listener,
                                    .up_to_date = one.up_to_date,
                                    .left = std::chrono::duration_cast<time::duration>(one.expiry - with.wall)});
  std::vector<account_facts> accounts;
  for (const auto& one : of.accounts) accounts.push_back(facts_of(*one.core, with));
  return concerns_of(process, accounts);
}

json::array render(const std::vector<concern>& all) {
  json::array out;
  for (const auto& one : all)
    out.push_back({{"severity", to_string(one.severity)},
                   {"account", or_null(one.account)},
                   {"text", one.text},
                   {"alert", or_null(std::string{one.alert})}});
  return out;
}

json::object process(const status_view& of, const pen& with) {
  time::duration lag{0};
  time::duration silence{0};
  for (const auto& one : of.loops) {
    lag = std::max(lag, one.lag);
    silence = std::max(silence, one.silence);
  }
  return {
      {"version", of.version},
      {"revision", of.revision},
      {"config_hash", of.config_hash},
      {"config_refused", of.config_refused.empty() ? json::value(nullptr) : json::value(of.config_refused)},
      {"started_at", with.instant(of.started)},
      {"uptime_seconds", with.seconds_since(of.started)},
      {"draining", of.draining},
      {"loops", {{"count", of.loops.size()}, {"lag_seconds", seconds(lag)}, {"silent_for_seconds", seconds(silence)}}},
      {"connections", connections(of.callers_connections)}};
}

json::object store(const status_view& of) {
  json::array unsafe;
  for (const auto setting : of.unsafe_settings) unsafe.push_back(json::value(setting));
  return {{"mode", of.store_mode}, {"unsafe", std::move(unsafe)}};
}

json::array callers(const status_view& of) {
  json::array out;
  for (const auto& one : of.callers) {
    json::array may_use;
    for (const auto& policy : one.who->accounts) may_use.push_back(json::value(policy.account_name));
    out.push_back({{"name", one.who->name},
                   {"weight", one.who->weight},
                   {"accounts", std::move(may_use)},
                   {"served", one.totals.served},
                   {"refused", one.totals.refused},
                   {"failed", one.totals.failed}});
  }
  return out;
}

json::array problems(const status_view& of, const pen& with) {
  json::array out;
  for (const auto& one : of.problems)
    out.push_back({{"at", with.instant(one.last)},
                   {"age_seconds", with.seconds_since(one.last)},
                   {"times", one.times},
                   {"first_at", with.instant(one.first)},
                   {"route", one.route},
                   {"caller", or_null(one.caller)},
                   {"account", or_null(one.account)},
                   {"status", one.status},
                   {"problem", one.problem},
                   {"guard", one.guard ? json::value(errors::to_string(*one.guard)) : nullptr},
                   {"effect", errors::to_string(one.effect)},
                   {"request_id", one.request_id}});
  return out;
}

}  // namespace

std::vector<concern> concerns_in(const status_view& of) {
  return concerns(of, {of.clock.now(), of.clock.wall_now()});
}

std::string render_status(const status_view& of) {
  const pen with{of.clock.now(), of.clock.wall_now()};
  const auto all = concerns(of, with);
  json::array accounts;
  for (const auto& one : of.accounts) accounts.push_back(account(one, worst_of(all, one.core->name), with));
  return json::serialize(json::object{{"at", with.instant(with.now)},
                                      {"state", to_string(worst_of(all))},
                                      {"concerns", render(all)},
                                      {"process", process(of, with)},
                                      {"store", store(of)},
                                      {"accounts", std::move(accounts)},
                                      {"callers", callers(of)},
                                      {"problems", problems(of, with)}}) +
         "\n";
}

}  // namespace gateway::app
