#include "app/handshakes.hpp"

#include <utility>

namespace gateway::app {
namespace {

std::string_view name_of(tls::handshake_end how) noexcept {
  switch (how) {
    case tls::handshake_end::done:
      return "full";
    case tls::handshake_end::timed_out:
      return "timed_out";
    case tls::handshake_end::cancelled:
      return "given_up";
    case tls::handshake_end::left:
      return "left";
    case tls::handshake_end::plain_http:
      return "plain_http";
    case tls::handshake_end::refused_certificate:
      return "certificate_refused";
    case tls::handshake_end::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace

handshake_instrument::handshake_instrument(std::string listener, const metrics::gateway_metrics& families,
                                           metrics::shard& shard, journal::log& log, const time::clock& clock)
    : listener_{std::move(listener)},
      log_{log},
      clock_{clock},
      resumed_{shard.at(families.tls_handshakes_total, listener_, "resumed")} {
  for (const auto how : tls::all_handshake_ends)
    ended_[std::to_underlying(how)] = &shard.at(families.tls_handshakes_total, listener_, name_of(how));
}

void handshake_instrument::shaken(tls::handshake_end how, bool resumed, std::string_view reason,
                                  const transport::channel& over) {
  (resumed ? resumed_ : *ended_[std::to_underlying(how)]).add();
  if (how == tls::handshake_end::done) return;
  // A load balancer that looks whether the port is open connects and leaves, all day long.
  const auto severity = how == tls::handshake_end::left ? journal::level::debug : journal::level::warning;
  if (!log_.enabled(severity) || !may_say()) return;
  const auto address = over.peer_address();
  const auto peer = address ? address->to_string() : std::string{};
  log_.write(severity, "TLS handshake failed",
             {{"listener", listener_},
              {"peer", address ? std::optional<std::string_view>{peer} : std::nullopt},
              {"end", name_of(how)},
              {"reason", reason},
              {"unsaid", unsaid_}});
  unsaid_ = 0;
}

bool handshake_instrument::may_say() noexcept {
  const auto now = clock_.now();
  if (now - second_ >= std::chrono::seconds{1}) {
    second_ = now;
    said_ = 0;
  }
  if (said_ < most_lines) return ++said_ > 0;
  ++unsaid_;
  return false;
}

}  // namespace gateway::app
