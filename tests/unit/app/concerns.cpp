#include "app/concerns.hpp"

#include <doctest/doctest.h>

namespace gateway::app {
namespace {

using namespace std::chrono_literals;
using standing = token::keeper::standing;

account_facts well(std::string name = "sandbox") {
  account_facts facts;
  facts.name = std::move(name);
  facts.token_left = 9h;
  facts.windows = {{"sessions-10s", 1, 0s}, {"sessions-1h", 30, 0s}};
  facts.slots = 2;
  return facts;
}

std::vector<concern> of(const account_facts& facts) {
  return concerns_of({}, {facts});
}

void check_only(const std::vector<concern>& all, situation severity, std::string_view alert, const std::string& text) {
  REQUIRE(all.size() == 1);
  CHECK(all[0].severity == severity);
  CHECK(all[0].alert == alert);
  CHECK(all[0].text == text);
}

}  // namespace

TEST_CASE("Where all is well nothing is said, and the situation is calm") {
  const auto all = concerns_of({.worst_lag = 20ms, .longest_silence = 1s}, {well(), well("production")});
  CHECK(all.empty());
  CHECK(worst_of(all) == situation::calm);
  CHECK(worst_of(all, "sandbox") == situation::calm);
}

TEST_CASE("An account without a token is an outage, once it has asked for one, and says whose fault it is") {
  auto facts = well();
  facts.token_usable = false;
  facts.token_tried = false;
  check_only(of(facts), situation::limited, "", "waits for its first token");
  facts.token_tried = true;
  facts.token_standing = standing::refused;
  check_only(of(facts), situation::outage, "OnboardingGatewayCredentialsRefused",
             "Podero refuses the credentials: nothing can be sent until they are renewed");
  facts.token_standing = standing::out_of_reach;
  check_only(of(facts), situation::outage, "OnboardingGatewayAccountNotReady",
             "no token: Podero's token endpoint gives no usable answer");
}

TEST_CASE("A renewal that fails is said, and becomes an alert's business when the token ends soon") {
  auto facts = well();
  facts.token_standing = standing::out_of_reach;
  facts.token_left = 3h;
  check_only(of(facts), situation::limited, "", "the token's renewal is failing; the present one is valid for 3 h");
  facts.token_standing = standing::refused;
  facts.token_left = 10min;
  check_only(of(facts), situation::limited, "OnboardingGatewayTokenNotRenewed",
             "the token's renewal is refused; the present one is valid for 10 min");
}

TEST_CASE("An open circuit is an outage, a half-open one and a pause are limits") {
  auto facts = well();
  facts.circuit = dispatch::circuit_state::open;
  CHECK(worst_of(of(facts)) == situation::outage);
  facts.circuit = dispatch::circuit_state::half_open;
  CHECK(worst_of(of(facts)) == situation::limited);
  facts.circuit = dispatch::circuit_state::closed;
  facts.paused_for = 42s;
  check_only(of(facts), situation::limited, "OnboardingGatewayPausedByPodero",
             "paused, by Podero or an operator: nothing is sent for another 42 s");
}

TEST_CASE("Of the windows that are used up, the one that lasts longest is named; a short moment is nothing") {
  auto facts = well();
  facts.windows = {{"requests-1s", 0, 300ms}, {"sessions-10s", 0, 8s}, {"sessions-1h", 0, 25min}};
  check_only(of(facts), situation::limited, "OnboardingGatewayTestAccountExhausted",
             "the window sessions-1h is used up; the next permit comes in 25 min");
  facts.windows = {{"requests-1s", 0, 300ms}};
  CHECK(of(facts).empty());
}

TEST_CASE("Slots that are all held, and a queue that waits, are said with their times") {
  auto facts = well();
  facts.slots_held = 2;
  facts.slot_free_in = 90s;
  check_only(of(facts), situation::limited, "OnboardingGatewaySlotsFull",
             "all 2 slots of the test account are held; the first ends in 90 s");
  facts.slots_held = 1;
  facts.waiting = 1;
  facts.oldest_wait = 500ms;
  CHECK(of(facts).empty());
  facts.oldest_wait = 7s;
  check_only(of(facts), situation::limited, "OnboardingGatewayQueueOld", "1 waits for a permit, the oldest for 7 s");
}

TEST_CASE("What concerns all is about no account, and the worst comes first") {
  auto busy = well("production");
  busy.slow_down = 1.5;
  auto away = well();
  away.store_away = true;
  const auto all = concerns_of({.draining = true, .unsafe_settings = {"appendonly"}, .worst_lag = 400ms}, {busy, away});
  REQUIRE(all.size() == 5);
  CHECK(all[0].severity == situation::outage);
  CHECK(all[0].alert == "OnboardingGatewayStoreDegraded");
  CHECK(all[0].account == "");
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i].severity == situation::limited);
  CHECK(all[1].alert == "OnboardingGatewayEventLoopLag");
  CHECK(all[4].account == "production");
  CHECK(worst_of(all) == situation::outage);
  CHECK(worst_of(all, "production") == situation::limited);
  CHECK(worst_of(all, "sandbox") == situation::calm);
  CHECK(worst_of(concerns_of({.longest_silence = 11s}, {})) == situation::outage);
}

TEST_CASE("Without the shared store it is said for how long an account goes on, and nothing of its windows") {
  auto facts = well();
  facts.windows = {{"sessions-1h", 0, 2s}};
  facts.slots_held = 2;
  facts.store_away = true;
  facts.share_left = 7min;
  auto all = of(facts);
  REQUIRE(all.size() == 2);
  CHECK(all[0].text.starts_with("the shared store does not answer"));
  check_only({all[1]}, situation::limited, "OnboardingGatewayStoreDegraded",
             "goes on without the shared store, with its degraded share, for another 7 min");
  facts.share_left = 0s;
  all = of(facts);
  REQUIRE(all.size() == 2);
  check_only(
      {all[1]}, situation::outage, "OnboardingGatewayStoreDegraded",
      "nothing is sent until the shared store is back: this instance has no degraded share, or may not use it any "
      "longer");
}

TEST_CASE("What the shared store refuses is said in its words, and is an outage where no key can be kept") {
  const auto all = concerns_of({.refused = {{"live_keep", "OOM no"}, {"key_claim", "NOPERM zadd"}}}, {well()});
  REQUIRE(all.size() == 2);
  CHECK(all[0].severity == situation::outage);
  CHECK(all[0].alert == "OnboardingGatewayStoreDegraded");
  CHECK(all[0].text ==
        "the shared store answers key_claim with an error: NOPERM zadd; requests with an Idempotency-Key are refused");
  CHECK(all[1].severity == situation::limited);
  CHECK(all[1].text == "the shared store answers live_keep with an error: OOM no");
}

TEST_CASE("A refused configuration is said with its reason, and is no outage") {
  const auto all = concerns_of({.config_refused = "threads: needs a restart"}, {well()});
  check_only(all, situation::limited, "OnboardingGatewayReloadFailed",
             "the last new configuration was refused, the one before stays in force: threads: needs a restart");
  CHECK(all.front().account == "");
  CHECK(concerns_of({}, {well()}).empty());
}

TEST_CASE("TLS files that cannot be used are said, and what that does to those who connect") {
  const auto of_listener = [](bool up_to_date, time::duration left) {
    return concerns_of({.certificates = {{"admin", true, 2400h}, {"api", up_to_date, left}}}, {well()});
  };
  CHECK(of_listener(true, 240h).empty());
  check_only(of_listener(false, 240h), situation::limited, "OnboardingGatewayTlsReloadFailed",
             "the changed TLS files of the listener api cannot be used: those of before stay in force");
  check_only(of_listener(true, 71h), situation::limited, "OnboardingGatewayCertificateExpiring",
             "the certificate of the listener api ends in 3 d");
  check_only(of_listener(true, 47h), situation::limited, "OnboardingGatewayCertificateExpiring",
             "the certificate of the listener api ends in 47 h");
  check_only(of_listener(true, -1s), situation::outage, "OnboardingGatewayCertificateExpiring",
             "the certificate of the listener api has ended: nobody who verifies it can connect");
}

}  // namespace gateway::app
