#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "foundation/time/clock.hpp"
#include "tls/server_context.hpp"
#include "tls/stream.hpp"

namespace gateway::listener {

// The certificate that a caller showed when its connection was made, as long as that lives. Of one loop.
class caller_certificate {
 public:
  // Of a connection after its handshake; empty where the caller showed none.
  static std::unique_ptr<caller_certificate> of(const tls::stream& connection, std::uint64_t generation,
                                                std::shared_ptr<tls::server_context> context);

  // Whether it still says who the caller is: asked with every request. It has not expired, and where the trusted
  // authorities have changed since, it was verified against the new ones. Once no, always no.
  bool holds(time::wall_instant now);

  // "URI:...", "DNS:..." (tls::alternative_names).
  std::span<const std::string> names() const noexcept { return names_; }

 private:
  caller_certificate() = default;

  std::shared_ptr<tls::server_context> context_;
  const SSL* connection_ = nullptr;
  std::uint64_t verified_for_ = 0;  // the context's generation
  time::wall_instant expiry_{};
  std::vector<std::string> names_;
  bool holds_ = true;
};

}  // namespace gateway::listener
