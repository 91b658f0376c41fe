#pragma once
// The single decisions that are timed (Google Benchmark) and whose instructions are counted (callgrind): one unit of
// each, over the example of Podero's documentation.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "limiter/domain.hpp"
#include "listener/request_guard.hpp"
#include "onboarding/creation.hpp"

namespace gateway::bench {

using namespace std::chrono_literals;

// An account as config/gateway.yaml has it, on a test account, and fifty callers with limits of their own.
inline limiter::domain_rules usual_rules(std::uint32_t rate) {
  limiter::domain_rules rules;
  rules.accounts.push_back({.name = "sandbox",
                            .windows = {.requests = {{rate, 1s}, {30 * rate, 1min}}, .sessions = {{12 * rate, 1min}}},
                            .stretch = 100ms,
                            .queue_length = 1000,
                            .max_wait = 120s});
  rules.test_account = limiter::test_account_rules{.name = "demo",
                                                   .windows = {.sessions = {{12 * rate, 1min}, {500 * rate, 1h}}},
                                                   .stretch = 100ms,
                                                   .open_sessions = 2,
                                                   .slot_ttl = 15min};
  for (int i = 0; i < 50; ++i)
    rules.callers.push_back({.name = "c" + std::to_string(i),
                             .weight = 1,
                             .on = {{.windows = {.sessions = {{10 * rate, 1h}}}, .open_sessions = std::nullopt}}});
  return rules;
}

inline limiter::ask creation(time::instant latest, std::size_t caller = 0) {
  return {.account = 0, .caller = caller, .what = limiter::kind::creation, .latest = latest, .in_hand = true};
}

// Each does its work once when called, and throws where that did not go as it should.

// Five windows and a slot: drawn, sent, settled, and the slot free again, at a rate that the windows just allow.
class grant {
 public:
  void operator()() {
    now_ += 400ms;
    limiter::waiter who;
    limited_.enter(who, creation(now_, caller_), now_, out_);
    if (who.at != limiter::stage::granted) throw std::logic_error{"it was not granted"};
    limited_.sent(who.drawn, now_, now_, out_);
    limited_.settle(who.drawn, errors::effect::created, now_, out_);
    limited_.free_slot(who.drawn.slot, now_, out_);
    caller_ = (caller_ + 1) % 50;
  }

 private:
  limiter::domain limited_{usual_rules(50)};
  limiter::notices out_;
  time::instant now_{1h};
  std::size_t caller_ = 0;
};

class request_guard {
 public:
  void operator()() {
    if (listener::inspect_head(head, {})) throw std::logic_error{"a good head was refused"};
  }

 private:
  static constexpr std::string_view head =
      "POST /v1/accounts/sandbox/onboarding-sessions HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
      "Authorization: Bearer example-key-of-the-bench-not-real\r\nAccept: application/json\r\n"
      "Content-Type: application/json\r\nContent-Length: 265\r\n\r\n";
};

// Validates the caller's body and writes what Podero gets, with one member from the defaults.
class json_pass {
 public:
  void operator()() {
    if (!compose_creation(body, policy_, memory_, out_, from_defaults_))
      throw std::logic_error{"a good body was refused"};
  }

 private:
  static constexpr std::string_view body =
      R"({"price_zone_default":"AT","is_smart_optimization_active_default":true,)"
      R"("success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",)"
      R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";
  onboarding::creation_policy policy_{{.defaults = {{"language", R"("de")"}}}};
  onboarding::scratch memory_;
  std::string out_;
  onboarding::defaulted from_defaults_;
};

// What one request writes: a counter, and a histogram for itself and for each of two stages.
class counting {
 public:
  void operator()() {
    requests_.add();
    whole_.observe(1200us);
    token_.observe(3us);
    upstream_.observe(1150us);
  }

 private:
  metrics::catalogue catalogue_;
  metrics::gateway_metrics families_{catalogue_};
  metrics::registry registry_{catalogue_};
  metrics::shard& shard_{registry_.add_shard()};
  metrics::counter& requests_{
      shard_.at(families_.requests_total, "create_session", "POST", "201", "portal", "sandbox", "")};
  metrics::histogram& whole_{shard_.at(families_.request_duration_seconds, "create_session", "sandbox")};
  metrics::histogram& token_{shard_.at(families_.stage_duration_seconds, "token", "sandbox")};
  metrics::histogram& upstream_{shard_.at(families_.stage_duration_seconds, "upstream", "sandbox")};
};

}  // namespace gateway::bench
