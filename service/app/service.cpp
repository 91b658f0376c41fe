#include "app/service.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "app/creation_rules.hpp"
#include "app/listening.hpp"
#include "app/status.hpp"
#include "app/worker.hpp"
#include "settings/load.hpp"
#include "settings/secret_files.hpp"

namespace gateway::app {
namespace {

constexpr auto first_token_patience = std::chrono::seconds{10};
constexpr auto first_connection_patience = std::chrono::seconds{1};
constexpr auto longest_silence_of_a_loop = std::chrono::seconds{10};
constexpr std::size_t most_callers = 60'000;  // a caller's number fits two bytes of it
constexpr std::size_t most_accounts = 250;    // an account's number fits a byte of a metric's key

}  // namespace

std::expected<std::unique_ptr<service>, std::string> service::make(parts given) {
  std::unique_ptr<service> made{new service{std::move(given)}};
  if (auto built = made->build(); !built) return std::unexpected{std::move(built.error())};
  return made;
}

service::service(parts given) : parts_{std::move(given)} {}

service::~service() {
  for (auto& on : parts_.loops) on.loop.abandon();
}

std::expected<void, std::string> service::build() {
  built_at_ = parts_.clock.now();
  callers_ = std::make_shared<const admission::directory>(parts_.configuration);
  in_force_ = parts_.configuration;
  connections_.emplace(connection_limits_of(parts_.configuration->listeners.api));
  requests_.emplace(parts_.configuration->overload.max_in_flight);
  if (parts_.configuration->accounts.size() > most_accounts)
    return std::unexpected{"accounts: more than " + std::to_string(most_accounts)};
  auto rules = make_rulebook(callers_);
  if (!rules) return std::unexpected{std::move(rules.error())};
  const auto& state = parts_.configuration->shared_state;
  if (state.store == settings::store_kind::redis) {
    auto made = shared_store::make(*state.redis, parts_.environment, parts_.trusted, parts_.loops, parts_.metrics,
                                   parts_.families, parts_.log);
    if (!made) return std::unexpected{std::move(made.error())};
    store_ = std::move(*made);
  }
  const auto& home = parts_.loops.front();
  limits_.emplace(*parts_.configuration, *callers_, home.loop, store_.get());
  auto& home_shard = parts_.metrics.add_shard();
  for (const auto& [name, configured] : parts_.configuration->accounts) {
    auto core = account_core::make(name, configured, parts_.environment, parts_.trusted, home, limits_->of(name),
                                   store_.get(), parts_.families, home_shard, parts_.log);
    if (!core) return std::unexpected{std::move(core.error())};
    accounts_.push_back(std::move(*core));
  }
  for (std::size_t i = 0; i < parts_.loops.size(); ++i)
    workers_.push_back(std::make_unique<worker>(parts_, i, accounts_, store_.get(), *rules, *connections_, *requests_));
  declare_gauges();
  return {};
}

std::expected<listener::rulebook, std::string> service::make_rulebook(
    std::shared_ptr<const admission::directory> callers) {
  listener::rulebook made;
  const auto& accounts = callers->configuration().accounts;
  for (const auto& caller : callers->callers()) {
    listener::caller_policies own(accounts.size());
    for (const auto& account : caller.accounts) {
      auto rules = rules_of(account);
      if (auto faults = default_faults(caller, account, rules); !faults.empty())
        return std::unexpected{std::move(faults.front())};
      own[account.account_index] = std::make_shared<const onboarding::creation_policy>(std::move(rules));
    }
    made.policies.push_back(std::move(own));
  }
  for (const auto& [name, account] : accounts) {
    made.total_timeouts.push_back(account.timeouts.total);
    made.longest_waits.emplace_back(account.max_wait_state);
  }
  made.callers = std::move(callers);
  return made;
}

// Whatever can fail comes first. The limiter knows new callers before anybody can come as one of them.
std::expected<void, std::string> service::adopt(std::shared_ptr<const settings::configuration> configuration) {
  auto callers = std::make_shared<const admission::directory>(configuration, *callers_);
  if (callers->callers().size() > most_callers)
    return std::unexpected{"too many callers have come and gone; a restart forgets them"};
  auto rules = make_rulebook(callers);
  if (!rules) return std::unexpected{std::move(rules.error())};
  limits_->change(*configuration, *callers);
  for (auto& w : workers_) {
    // A copy for each loop, so that no two count references to the same one.
    w->loop().post([&one = *w, book = std::make_shared<const listener::rulebook>(*rules), configuration]() mutable {
      one.adopt(std::move(book), *configuration);
    });
  }
  for (auto& account : accounts_) {
    const auto& before = in_force_->accounts.at(account->name).token;
    const auto& now = configuration->accounts.at(account->name).token;
    if (settings::same_credentials(before, now)) continue;
    parts_.loops.front().loop.post([&core = *account, now] { core.adopt(now); });
  }
  const std::lock_guard lock{in_force_mutex_};
  callers_ = std::move(callers);
  in_force_ = std::move(configuration);
  return {};
}

service::rules_in_force service::in_force() const {
  const std::lock_guard lock{in_force_mutex_};
  return {in_force_, callers_};
}

bool service::store_away() const {
  return store_ && std::ranges::any_of(limits_->domains(), [](const auto& one) { return one.second->away(); });
}

bool service::store_refuses_keys() const {
  return store_ && std::ranges::any_of(store_->refused(parts_.clock.now()), &refused_command::of_keys);
}

void service::start() {
  if (store_) {
    store_->start([this](const std::string& run_id) {
      for (const auto& [name, domain] : limits_->domains()) domain->connected(run_id);
    });
    for (const auto& [name, domain] : limits_->domains()) {
      domain->on_away([this, &name](bool away) {
        if (away)
          parts_.log.warn("the shared store does not answer: degraded share, or nothing", {{"limits", name}});
        else
          parts_.log.info("the shared store answers again", {{"limits", name}});
      });
    }
  }
  parts_.loops.front().loop.spawn(start_tokens());
}

// Where replicas share them, the first tokens may be there already.
transport::task<> service::start_tokens() {
  if (store_) {
    auto connecting = store_->connection(parts_.clock.now() + first_connection_patience);
    co_await std::move(connecting);
  }
  for (auto& account : accounts_) account->tokens.start();
}

listener::server& service::callers(std::size_t index) noexcept {
  return workers_[index]->callers();
}

void service::hand_back() {
  for (const auto& [name, domain] : limits_->domains()) domain->drain();
}

void service::drain(std::size_t index) noexcept {
  workers_[index]->drain();
}

bool service::settled() const {
  return std::ranges::all_of(limits_->domains(), [](const auto& one) { return one.second->settled(); });
}

bool service::drained() const noexcept {
  // A creation that was sent is finished also where nobody waits for it any more.
  return std::ranges::all_of(workers_, [](const auto& w) { return w->callers().connections() == 0; }) &&
         std::ranges::all_of(accounts_, [](const auto& a) { return a->sessions.under_way == 0; });
}

// An outage of Podero, or of one account's credentials, takes no instance away: it is shown, and the rest goes on.
std::vector<admin::check> service::ready() const {
  std::vector<admin::check> checks{{"configuration", true, "loaded"}};
  const bool draining = draining_.load(std::memory_order_relaxed);
  checks.push_back({"draining", !draining, draining ? "shutting down" : "no"});
  // Its being away takes no instance out of service: that would take all of them.
  if (store_)
    checks.push_back({"shared store", true,
                      store_away()           ? "is away: test accounts and keyed requests are refused"
                      : store_refuses_keys() ? "answers with errors: keyed requests are refused"
                                             : "answers"});
  const bool patience_over = parts_.clock.now() - built_at_ >= first_token_patience;
  for (const auto& account : accounts_) {
    const bool tried = account->tokens.tried();
    const bool usable = account->tokens.has_token() && account->tokens.expiry() > parts_.clock.now();
    checks.push_back({"account " + account->name, tried || patience_over,
                      usable  ? "has a token"
                      : tried ? "has no token: Podero refuses the credentials or is out of reach; the log says which"
                              : "waits for its first token"});
  }
  return checks;
}

account_core* service::find(std::string_view account) noexcept {
  const auto found = std::ranges::find(accounts_, account, [](const auto& a) { return std::string_view{a->name}; });
  return found == accounts_.end() ? nullptr : found->get();
}

std::string service::summary(const identity& program) const {
  const auto wrong = concerns_in(view(program));
  auto text = std::string{to_string(worst_of(wrong))} + "\n";
  for (const auto& one : wrong)
    text += "  " + std::string{to_string(one.severity)} + ": " + (one.account.empty() ? "" : one.account + ": ") +
            one.text + (one.alert.empty() ? "" : " (" + std::string{one.alert} + ")") + "\n";
  text += "onboarding-gateway " + std::string{program.version} + ", configuration " +
          settings::hash(*in_force().configuration) + "\n";
  const auto now = parts_.clock.now();
  const auto seconds = [](time::duration d) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(d).count()) + " s";
  };
  for (const auto& account : accounts_) {
    const auto& at = account->limited;
    const auto state = at.domain->state(at.account);
    const bool usable = account->tokens.has_token() && account->tokens.expiry() > now;
    text += account->name + ": " + (usable ? "token for " + seconds(account->tokens.expiry() - now) : "NO TOKEN") +
            ", circuit " + std::string{dispatch::to_string(account->health.state(now))} + ", " +
            std::to_string(state.waiting) + " wait";
    if (state.paused_until > now) text += ", PAUSED for " + seconds(state.paused_until - now);
    text += "\n";
    std::vector<limiter::window_state> windows;
    at.domain->windows(at.account, windows);
    for (const auto& w : windows) {
      text +=
          "  " + std::string{w.name} + ": " + std::to_string(w.remaining) + " of " + std::to_string(w.rate) + " left";
      if (w.next > now) text += ", the next in " + seconds(w.next - now);
      text += "\n";
    }
    const auto rules = at.domain->rules();
    for (const auto& slot : at.domain->slots()) {
      text += "  slot " + std::to_string(slot.id) + ": held";
      auto before = " by ";
      for (const auto holder : slot.holders) text += std::exchange(before, ", ") + rules.callers[holder].name;
      text += " for " + seconds(now - slot.since) + ", ends in " + seconds(slot.until - now) +
              (slot.session.empty() ? "" : ", session " + slot.session) + "\n";
    }
  }
  return text;
}

status_view service::view(const identity& program) const {
  const auto [configuration, callers] = in_force();
  status_view now{.clock = parts_.clock,
                  .version = program.version,
                  .revision = program.revision,
                  .config_hash = settings::hash(*configuration),
                  .config_refused = program.config_refused,
                  .started = built_at_,
                  .draining = draining_.load(std::memory_order_relaxed),
                  .store_mode = !store_                                ? "memory"
                                : store_away() || store_refuses_keys() ? "degraded"
                                                                       : "shared"};
  if (store_ && !store_->appends()) now.unsafe_settings.emplace_back("appendonly");
  if (store_ && store_->evicts()) now.unsafe_settings.emplace_back("maxmemory-policy");
  if (store_) now.refused = store_->refused(parts_.clock.now());
  if (parts_.certificates) now.certificates = parts_.certificates();
  for (const auto& account : accounts_) now.accounts.push_back({.core = account.get()});
  for (const auto& caller : callers->callers())
    if (!caller.gone) now.callers.push_back({.who = &caller});
  std::vector<problem_seen> problems;
  for (const auto& w : workers_) {
    now.loops.push_back({w->loop().worst_lag(), parts_.clock.now() - w->loop().last_turn()});
    const auto busy = w->callers().busy();
    now.callers_connections.busy += busy;
    now.callers_connections.idle += w->callers().connections() - std::min(w->callers().connections(), busy);
    w->add_connections(now.accounts);
    w->traffic().append_problems(problems);
    for (auto& caller : now.callers) {
      const auto totals = w->traffic().totals(caller.who->index);
      caller.totals.served += totals.served;
      caller.totals.refused += totals.refused;
      caller.totals.failed += totals.failed;
    }
  }
  now.problems = merged(std::move(problems));
  return now;
}

std::string service::status(const identity& program) const {
  return render_status(view(program));
}

std::vector<admin::check> service::started() const {
  auto checks = ready();
  std::erase_if(checks, [](const auto& c) { return c.name == "draining"; });
  return checks;
}

std::vector<admin::check> service::live() const {
  std::vector<admin::check> checks;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto silence = parts_.clock.now() - workers_[i]->loop().last_turn();
    checks.push_back({"loop " + std::to_string(i), silence < longest_silence_of_a_loop,
                      "turned " +
                          std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()) +
                          " ms ago"});
  }
  return checks;
}

}  // namespace gateway::app
