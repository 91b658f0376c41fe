#include "listener/caller_certificate.hpp"

#include "tls/peer_certificate.hpp"

namespace gateway::listener {

std::unique_ptr<caller_certificate> caller_certificate::of(const tls::stream& connection, std::uint64_t generation,
                                                           std::shared_ptr<tls::server_context> context) {
  const auto* shown = SSL_get0_peer_certificate(connection.connection());
  if (shown == nullptr) return nullptr;
  std::unique_ptr<caller_certificate> made{new caller_certificate};
  made->context_ = std::move(context);
  made->connection_ = connection.connection();
  made->verified_for_ = generation;
  made->expiry_ = tls::expiry_of(shown);
  made->names_ = tls::alternative_names(shown);
  return made;
}

bool caller_certificate::holds(time::wall_instant now) {
  if (!holds_) return false;
  if (const auto generation = context_->generation(); generation != verified_for_) {
    verified_for_ = generation;
    holds_ = context_->vouches_for(connection_);
  }
  if (now > expiry_) holds_ = false;
  return holds_;
}

}  // namespace gateway::listener
