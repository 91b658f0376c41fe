#include "app/connection_instrument.hpp"

namespace gateway::app {

connection_instrument::connection_instrument(const std::string& account, const metrics::gateway_metrics& families,
                                             metrics::shard& shard)
    : closed_{},
      failed_{shard.at(families.upstream_connections_ended_total, account, "open_failed")},
      full_{shard.at(families.upstream_handshakes_total, account, "full")},
      resumed_{shard.at(families.upstream_handshakes_total, account, "resumed")} {
  for (const auto why : upstream::all_close_reasons)
    closed_[static_cast<std::size_t>(why)] =
        &shard.at(families.upstream_connections_ended_total, account, upstream::to_string(why));
}

}  // namespace gateway::app
