#include "admission/connection_ledger.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace gateway::admission {
namespace {

std::unexpected<errors::failure> too_many(std::string limit, std::size_t most, std::string whose) {
  errors::failure f;
  f.id = errors::problem::overloaded;
  f.detail = "There are " + std::to_string(most) + " connections " + whose + ", and there may not be more.";
  const auto figure = std::to_string(most);
  f.decision = errors::decision{errors::guard::overload, std::move(limit), figure + " of " + figure + " used", {}};
  f.retry_after = std::chrono::seconds{1};
  return std::unexpected{std::move(f)};
}

}  // namespace

peer_network network_of(const boost::asio::ip::address& peer) noexcept {
  namespace ip = boost::asio::ip;
  peer_network network{};
  if (peer.is_v4()) {
    const auto mapped = ip::make_address_v6(ip::v4_mapped, peer.to_v4()).to_bytes();
    std::ranges::copy(mapped, network.begin());
    return network;
  }
  const auto bytes = peer.to_v6().to_bytes();
  const std::size_t kept = peer.to_v6().is_v4_mapped() ? 16 : 8;
  std::copy_n(bytes.begin(), kept, network.begin());
  return network;
}

std::size_t connection_ledger::network_hash::operator()(const peer_network& network) const noexcept {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(network.data()), network.size()});
}

std::expected<connection_ledger::entry, errors::failure> connection_ledger::enter(
    const std::optional<boost::asio::ip::address>& peer) {
  std::optional<peer_network> network;
  if (peer) network = network_of(*peer);
  const std::lock_guard lock{mutex_};
  if (open_ >= limits_.in_all) return too_many("connections", limits_.in_all, "already");
  if (network) {
    auto& of_peer = by_peer_[*network];
    if (of_peer >= limits_.per_peer) {
      if (of_peer == 0) by_peer_.erase(*network);
      return too_many("connections-per-peer", limits_.per_peer, "from your address");
    }
    ++of_peer;
  }
  ++open_;
  return entry{*this, network};
}

void connection_ledger::leave(const std::optional<peer_network>& peer) noexcept {
  const std::lock_guard lock{mutex_};
  --open_;
  if (!peer) return;
  const auto found = by_peer_.find(*peer);
  if (--found->second == 0) by_peer_.erase(found);
}

std::size_t connection_ledger::open() const {
  const std::lock_guard lock{mutex_};
  return open_;
}

std::size_t connection_ledger::peers() const {
  const std::lock_guard lock{mutex_};
  return by_peer_.size();
}

connection_ledger::entry::entry(entry&& other) noexcept
    : ledger_{std::exchange(other.ledger_, nullptr)}, peer_{other.peer_} {}

connection_ledger::entry::~entry() {
  if (ledger_ != nullptr) ledger_->leave(peer_);
}

}  // namespace gateway::admission
