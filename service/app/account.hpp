#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>

#include "app/connection_instrument.hpp"
#include "app/control_answer.hpp"
#include "app/limits.hpp"
#include "app/loop_parts.hpp"
#include "app/store_instrument.hpp"
#include "app/token_instrument.hpp"
#include "app/trusted_authorities.hpp"
#include "app/upstream_instrument.hpp"
#include "dispatch/token_endpoint.hpp"
#include "onboarding/devices.hpp"
#include "onboarding/users.hpp"
#include "onboarding/waiting.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "store/memory_records.hpp"
#include "store/redis_polls.hpp"
#include "store/redis_records.hpp"
#include "store/redis_token.hpp"
#include "upstream/name_service.hpp"

namespace gateway::app {

class shared_store;

// What is one per account, whatever the number of loops: where it leads, its token, its connection budget, its
// sessions' owners.
class account_core {
 public:
  // The error says what of the account's TLS cannot be used. `shared`: what replicas share; null: this process is
  // alone.
  static std::expected<std::unique_ptr<account_core>, std::string> make(
      const std::string& name, const settings::account& from, std::shared_ptr<const settings::environment> environment,
      trusted_authorities& trusted, const loop_parts& home, limits::place place, shared_store* shared,
      const metrics::gateway_metrics& families, metrics::shard& home_shard, journal::log& log);

  const std::string name;
  const settings::account& configured;
  const upstream::target target;
  const upstream::wire wire;
  const onboarding::answer_policy answers;
  upstream::connection_budget budget;
  dispatch::account_health health;
  const limits::place limited;
  std::optional<store::memory_records> records;  // where this process is alone
  std::shared_ptr<const store::sealing> seals;   // of what is shared, where it is
  std::shared_ptr<const store::sealing> poll_seals;
  std::vector<std::string> callers;  // names, by index
  onboarding::shared_sessions sessions;
  onboarding::device_cache devices;

  // What an operator asks for. Any thread.
  control_answer pause(std::chrono::milliseconds how_long);
  control_answer resume();
  control_answer free_slot(const std::string& id);  // the slot's number, or its session

  // On the home loop: where the credentials are from now on. A new token is asked for at once.
  void adopt(settings::token from);

 private:
  settings::token credentials_;  // of the home loop
  upstream::override_resolver home_names_;
  token_instrument token_instrument_;
  dispatch::token_endpoint endpoint_;
  std::optional<store::redis_token> shared_token_;

 public:
  token::keeper tokens;

 private:
  account_core(std::string its_name, const settings::account& from, std::shared_ptr<tls::client_context> tls,
               std::shared_ptr<const settings::environment> environment, const loop_parts& home, limits::place place,
               shared_store* shared, std::shared_ptr<const store::sealing> seals,
               const metrics::gateway_metrics& families, metrics::shard& home_shard, journal::log& log);
};

// The account on one loop: its connections, its view of the token, its way upstream.
class account_on_loop {
 public:
  // `number`: the loop's.
  account_on_loop(account_core& core, const loop_parts& on, std::size_t number, shared_store* shared,
                  const metrics::gateway_metrics& families, metrics::shard& shard, journal::log& log,
                  journal::access_log& lines, trace::tracer& tracer, bool audit);

  onboarding::sessions& sessions() noexcept { return sessions_; }
  onboarding::waiting& waiting() noexcept { return waiting_; }
  onboarding::users& users() noexcept { return users_; }
  onboarding::devices& devices() noexcept { return devices_; }
  const std::string& name() const noexcept { return account_; }
  // What can change at run time of an account's settings; and all callers, by index.
  void adopt(const settings::account& now, std::span<const admission::caller> callers);
  upstream::pool::counts connections() const noexcept { return pool_.count(); }
  // How long one of them may rest.
  std::size_t shared_connections() const noexcept { return pool_.shared_connections(); }
  time::duration rest_limit() const noexcept { return pool_.rest_limit(); }
  // From time to time: what was too much for a line each.
  void tell_storms() { instrument_.tell_storms(); }
  void drain();

 private:
  const std::string account_;
  upstream::override_resolver names_;
  connection_instrument connections_;
  upstream::pool pool_;
  token::view token_;
  upstream_instrument instrument_;
  limiter::gate gate_;
  dispatch::dispatcher way_;
  record_instrument record_instrument_;
  std::optional<store::redis_records> shared_records_;
  std::optional<store::redis_polls> shared_polls_;
  onboarding::sessions sessions_;
  onboarding::waiting waiting_;
  onboarding::users users_;
  onboarding::devices devices_;
};

}  // namespace gateway::app
