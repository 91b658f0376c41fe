#include "app/token_instrument.hpp"

namespace gateway::app {

token_instrument::token_instrument(std::string account, const metrics::gateway_metrics& families, metrics::shard& shard,
                                   journal::log& log)
    : account_{std::move(account)},
      log_{log},
      renewed_{shard.at(families.token_renewals_total, account_, "renewed")},
      adopted_{shard.at(families.token_renewals_total, account_, "adopted")},
      failed_{shard.at(families.token_renewals_total, account_, "failed")},
      refused_{shard.at(families.token_renewals_total, account_, "refused")},
      full_{shard.at(families.upstream_handshakes_total, account_, "full")},
      resumed_{shard.at(families.upstream_handshakes_total, account_, "resumed")} {}

void token_instrument::renewed(time::duration lifetime) {
  renewed_.add();
  log_.info("token renewed", {{"account", account_},
                              {"lifetime_s", std::chrono::duration_cast<std::chrono::seconds>(lifetime).count()}});
}

void token_instrument::adopted(time::duration left) {
  adopted_.add();
  log_.info("token of another replica adopted",
            {{"account", account_}, {"left_s", std::chrono::duration_cast<std::chrono::seconds>(left).count()}});
}

void token_instrument::failed(const token::trouble& why) {
  (why.refused ? refused_ : failed_).add();
  if (why.refused)
    log_.error("credentials refused", {{"account", account_}, {"reason", why.reason}});
  else
    log_.warn("token renewal failed", {{"account", account_}, {"reason", why.reason}});
}

}  // namespace gateway::app
