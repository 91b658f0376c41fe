#include "app/concerns.hpp"

#include <algorithm>

namespace gateway::app {
namespace {

using std::chrono::ceil;
using std::chrono::seconds;

constexpr auto long_wait = seconds{1};
constexpr auto short_token = std::chrono::minutes{15};
constexpr auto late_loop = std::chrono::milliseconds{250};
constexpr auto stuck_loop = seconds{10};
constexpr auto old_certificate = std::chrono::days{7};

// "42 s", "7 min", "3 h", "6 d".
std::string words(time::duration d) {
  const auto s = std::max<std::int64_t>(0, ceil<seconds>(d).count());
  if (s < 120) return std::to_string(s) + " s";
  if (s < 7200) return std::to_string((s + 59) / 60) + " min";
  if (s < 172800) return std::to_string((s + 3599) / 3600) + " h";
  return std::to_string((s + 86399) / 86400) + " d";
}

class notes {
 public:
  explicit notes(std::string about) : about_{std::move(about)} {}
  void outage(std::string_view alert, std::string text) { add(situation::outage, alert, std::move(text)); }
  void limited(std::string_view alert, std::string text) { add(situation::limited, alert, std::move(text)); }
  std::vector<concern> all;

 private:
  void add(situation how, std::string_view alert, std::string text) {
    all.push_back({how, about_, alert, std::move(text)});
  }
  std::string about_;
};

void look_at_token(const account_facts& of, notes& say) {
  using enum token::keeper::standing;
  if (!of.token_usable && !of.token_tried) return say.limited("", "waits for its first token");
  if (!of.token_usable && of.token_standing == refused)
    return say.outage("OnboardingGatewayCredentialsRefused",
                      "Podero refuses the credentials: nothing can be sent until they are renewed");
  if (!of.token_usable)
    return say.outage("OnboardingGatewayAccountNotReady", "no token: Podero's token endpoint gives no usable answer");
  if (of.token_standing == well) return;
  const auto how = std::string{of.token_standing == refused ? "refused" : "failing"};
  const auto text = "the token's renewal is " + how + "; the present one is valid for " + words(of.token_left);
  if (of.token_left < short_token) return say.limited("OnboardingGatewayTokenNotRenewed", text);
  say.limited("", text);
}

void look_at_upstream(const account_facts& of, notes& say) {
  if (of.circuit == dispatch::circuit_state::open)
    say.outage("OnboardingGatewayBreakerOpen", "Podero fails: the circuit is open, requests are refused at once");
  if (of.circuit == dispatch::circuit_state::half_open)
    say.limited("OnboardingGatewayBreakerOpen", "Podero failed: single requests try whether it answers again");
  if (of.paused_for > time::duration{0})
    say.limited("OnboardingGatewayPausedByPodero",
                "paused, by Podero or an operator: nothing is sent for another " + words(of.paused_for));
  if (of.slow_down > 1.0) say.limited("", "slowed down after a pause that Podero asked for");
}

void look_at_share(const account_facts& of, notes& say) {
  if (!of.share_left) return;
  if (*of.share_left > time::duration{0})
    return say.limited(
        "OnboardingGatewayStoreDegraded",
        "goes on without the shared store, with its degraded share, for another " + words(*of.share_left));
  say.outage("OnboardingGatewayStoreDegraded",
             "nothing is sent until the shared store is back: this instance has no "
             "degraded share, or may not use it any longer");
}

void look_at_limits(const account_facts& of, notes& say) {
  // While the store is away what is left of them is not known.
  if (of.store_away) return;
  // The one that takes longest to have room says when it goes on.
  const account_facts::window* full = nullptr;
  for (const auto& w : of.windows)
    if (w.remaining == 0 && w.next_in > long_wait && (full == nullptr || w.next_in > full->next_in)) full = &w;
  if (full != nullptr)
    say.limited(
        "OnboardingGatewayTestAccountExhausted",
        "the window " + std::string{full->name} + " is used up; the next permit comes in " + words(full->next_in));
  if (of.slots > 0 && of.slots_held >= of.slots)
    say.limited("OnboardingGatewaySlotsFull",
                "all " + std::to_string(of.slots) + " slots of the test account are held" +
                    (of.slot_free_in ? "; the first ends in " + words(*of.slot_free_in) : std::string{}));
  if (of.waiting > 0 && of.oldest_wait > long_wait)
    say.limited("OnboardingGatewayQueueOld", std::to_string(of.waiting) + (of.waiting == 1 ? " waits" : " wait") +
                                                 " for a permit, the oldest for " + words(of.oldest_wait));
}

void look_at_certificate(const process_facts::certificate& of, notes& say) {
  const auto whose = " of the listener " + std::string{of.listener};
  if (!of.up_to_date)
    say.limited("OnboardingGatewayTlsReloadFailed",
                "the changed TLS files" + whose + " cannot be used: those of before stay in force");
  if (of.left <= time::duration{0})
    say.outage("OnboardingGatewayCertificateExpiring",
               "the certificate" + whose + " has ended: nobody who verifies it can connect");
  else if (of.left < old_certificate)
    say.limited("OnboardingGatewayCertificateExpiring", "the certificate" + whose + " ends in " + words(of.left));
}

}  // namespace

std::string_view to_string(situation value) noexcept {
  return value == situation::calm ? "calm" : value == situation::limited ? "limited" : "outage";
}

std::vector<concern> concerns_of(const process_facts& process, const std::vector<account_facts>& accounts) {
  notes all{""};
  if (process.longest_silence > stuck_loop)
    all.outage("OnboardingGatewayEventLoopLag",
               "an event loop has not turned for " + words(process.longest_silence) + ": it will be restarted");
  else if (process.worst_lag > late_loop)
    all.limited("OnboardingGatewayEventLoopLag", "the event loops are late: the process lacks CPU time");
  if (process.draining) all.limited("", "shutting down: it serves until its load balancer has learnt that");
  if (!process.config_refused.empty())
    all.limited("OnboardingGatewayReloadFailed",
                "the last new configuration was refused, the one before stays in force: " +
                    std::string{process.config_refused});
  for (const auto& one : process.certificates) look_at_certificate(one, all);
  for (const auto setting : process.unsafe_settings)
    all.limited("OnboardingGatewayStoreUnsafe",
                "the shared store may lose what it keeps: look at its setting " + std::string{setting});
  if (std::ranges::any_of(accounts, &account_facts::store_away))
    all.outage("OnboardingGatewayStoreDegraded",
               "the shared store does not answer: test accounts and requests with an Idempotency-Key are refused");
  for (const auto& one : process.refused) {
    const auto text = "the shared store answers " + one.command + " with an error: " + one.reason;
    if (one.of_keys())
      all.outage("OnboardingGatewayStoreDegraded", text + "; requests with an Idempotency-Key are refused");
    else
      all.limited("", text);
  }
  for (const auto& of : accounts) {
    notes say{of.name};
    look_at_token(of, say);
    look_at_upstream(of, say);
    look_at_share(of, say);
    look_at_limits(of, say);
    std::ranges::move(say.all, std::back_inserter(all.all));
  }
  std::vector<concern> sorted;
  for (const auto how : {situation::outage, situation::limited})
    std::ranges::copy_if(all.all, std::back_inserter(sorted), [how](const concern& c) { return c.severity == how; });
  return sorted;
}

situation worst_of(const std::vector<concern>& concerns, std::string_view account) {
  auto worst = situation::calm;
  for (const auto& one : concerns)
    if (one.account == account) worst = std::max(worst, one.severity);
  return worst;
}

situation worst_of(const std::vector<concern>& concerns) {
  return concerns.empty() ? situation::calm : std::ranges::max(concerns, {}, &concern::severity).severity;
}

}  // namespace gateway::app
