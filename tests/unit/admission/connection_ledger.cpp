#include "admission/connection_ledger.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace gateway;
using namespace gateway::admission;

boost::asio::ip::address at(const char* text) {
  return boost::asio::ip::make_address(text);
}

// A peer comes and stays.
struct door {
  connection_ledger ledger;
  std::list<connection_ledger::entry> inside;

  explicit door(connection_limits limits) : ledger{limits} {}
  std::string come(const char* peer) {
    auto entered = ledger.enter(at(peer));
    if (!entered) return entered.error().decision->limit;
    inside.push_back(std::move(*entered));
    return "in";
  }
};

TEST_CASE("connections are counted in all and by peer, and who goes makes room") {
  door d{{.in_all = 3, .per_peer = 2}};
  CHECK(d.come("192.0.2.1") == "in");
  CHECK(d.come("192.0.2.1") == "in");
  CHECK(d.come("192.0.2.1") == "connections-per-peer");
  CHECK(d.come("192.0.2.2") == "in");
  CHECK(d.come("192.0.2.3") == "connections");
  CHECK(d.ledger.open() == 3);
  d.inside.pop_front();
  CHECK(d.come("192.0.2.1") == "in");
  d.inside.clear();
  CHECK(d.ledger.open() == 0);
  CHECK(d.ledger.peers() == 0);
}

TEST_CASE("what is refused is not counted, and says why") {
  door d{{.in_all = 2, .per_peer = 1}};
  CHECK(d.come("192.0.2.1") == "in");
  const auto refused = d.ledger.enter(at("192.0.2.1"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().id == errors::problem::overloaded);
  CHECK(refused.error().effect == errors::effect::none);
  CHECK(refused.error().decision->guard == errors::guard::overload);
  CHECK(refused.error().retry_after == std::chrono::seconds{1});
  CHECK(d.ledger.open() == 1);
  CHECK(d.ledger.peers() == 1);
  door nobody{{.in_all = 2, .per_peer = 0}};
  CHECK(nobody.come("192.0.2.1") == "connections-per-peer");
  CHECK(nobody.ledger.peers() == 0);
}

TEST_CASE("an IPv6 network of 64 bits is one peer, and so is an IPv4 address however it is written") {
  CHECK(network_of(at("2001:db8:1:2::1")) == network_of(at("2001:db8:1:2:ffff:ffff:ffff:ffff")));
  CHECK(network_of(at("2001:db8:1:2::1")) != network_of(at("2001:db8:1:3::1")));
  CHECK(network_of(at("::ffff:192.0.2.1")) == network_of(at("192.0.2.1")));
  CHECK(network_of(at("::ffff:192.0.2.1")) != network_of(at("::ffff:192.0.2.2")));
  CHECK(network_of(at("192.0.2.1")) != network_of(at("192.0.2.2")));
}

TEST_CASE("a peer that is not known counts among all") {
  connection_ledger ledger{{.in_all = 1, .per_peer = 1}};
  auto first = ledger.enter(std::nullopt);
  CHECK(first.has_value());
  CHECK(ledger.peers() == 0);
  CHECK_FALSE(ledger.enter(std::nullopt).has_value());
}

TEST_CASE("loops that count at once never let in too many, and nothing is left in the end") {
  constexpr std::size_t in_all = 12;
  constexpr std::size_t per_peer = 5;
  connection_ledger ledger{{.in_all = in_all, .per_peer = per_peer}};
  std::atomic<std::size_t> inside{0};
  std::array<std::atomic<std::size_t>, 3> of_peer{};
  std::atomic<bool> too_many{false};
  std::atomic<std::size_t> entered{0};
  std::vector<std::thread> loops;
  for (std::size_t t = 0; t < 4; ++t)
    loops.emplace_back([&, t] {
      for (std::size_t i = 0; i < 5000; ++i) {
        std::vector<connection_ledger::entry> held;
        const auto peer = (t + i) % of_peer.size();
        for (int k = 0; k < 4; ++k) {
          auto got = ledger.enter(boost::asio::ip::address_v4{static_cast<unsigned>(peer) + 1});
          if (!got) continue;
          held.push_back(std::move(*got));
          ++entered;
          if (++inside > in_all || ++of_peer[peer] > per_peer) too_many = true;
        }
        of_peer[peer] -= held.size();
        inside -= held.size();
      }
    });
  for (auto& one : loops) one.join();
  CHECK_FALSE(too_many);
  CHECK(entered > 5000);
  CHECK(ledger.open() == 0);
  CHECK(ledger.peers() == 0);
}

}  // namespace
