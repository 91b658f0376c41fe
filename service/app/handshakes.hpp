#pragma once

#include <array>
#include <string>

#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "listener/server.hpp"

namespace gateway::app {

// The TLS handshakes of one listener on one loop, counted, and those that failed logged: at most `most_lines` lines a
// second, with what was left out counted in the next one, because anybody can cause them.
class handshake_instrument final : public listener::handshake_observer {
 public:
  static constexpr int most_lines = 5;

  handshake_instrument(std::string listener, const metrics::gateway_metrics& families, metrics::shard& shard,
                       journal::log& log, const time::clock& clock);

  void shaken(tls::handshake_end how, bool resumed, std::string_view reason, const transport::channel& over) override;

 private:
  bool may_say() noexcept;

  const std::string listener_;
  journal::log& log_;
  const time::clock& clock_;
  metrics::counter& resumed_;
  std::array<metrics::counter*, tls::all_handshake_ends.size()> ended_{};
  time::instant second_{};
  int said_ = 0;
  std::int64_t unsaid_ = 0;
};

}  // namespace gateway::app
