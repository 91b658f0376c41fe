#pragma once

#include "foundation/errors/problem.hpp"

#include <boost/asio/ip/address.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace gateway::admission {

// Whose a connection is, as far as its address tells: an IPv4 address, or the /64 of an IPv6 one, because whoever has
// one address there has all of them.
using peer_network = std::array<std::uint8_t, 16>;
peer_network network_of(const boost::asio::ip::address& peer) noexcept;

struct connection_limits {
  std::size_t in_all = 0;
  std::size_t per_peer = 0;
};

// The open connections of one listener, counted over all its loops, in all and by peer. Any thread; the lock is taken
// when a connection comes and when it goes.
class connection_ledger {
 public:
  explicit connection_ledger(connection_limits limits) noexcept : limits_{limits} {}
  connection_ledger(const connection_ledger&) = delete;
  connection_ledger& operator=(const connection_ledger&) = delete;

  // One connection, while it is open. The ledger outlives it.
  class entry {
   public:
    entry() = default;
    entry(entry&& other) noexcept;
    entry& operator=(entry&&) = delete;
    ~entry();

   private:
    friend class connection_ledger;
    entry(connection_ledger& of, std::optional<peer_network> peer) noexcept : ledger_{&of}, peer_{peer} {}
    connection_ledger* ledger_ = nullptr;
    std::optional<peer_network> peer_;
  };

  // 503 `overloaded`: there are too many connections, in all or from this peer. One whose peer is not known counts
  // among all.
  std::expected<entry, errors::failure> enter(const std::optional<boost::asio::ip::address>& peer);

  std::size_t open() const;
  std::size_t peers() const;

 private:
  struct network_hash {
    std::size_t operator()(const peer_network& network) const noexcept;
  };
  void leave(const std::optional<peer_network>& peer) noexcept;

  const connection_limits limits_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::unordered_map<peer_network, std::size_t, network_hash> by_peer_;
};

}  // namespace gateway::admission
