#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "foundation/transport/memory.hpp"
#include "store/redis/observer.hpp"
#include "store/redis/place.hpp"
#include "support/literal_names.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace gateway::store::redis {

// The server's ends of connections in memory; the test is the server.
class memory_server final : public transport::connector {
 public:
  explicit memory_server(transport::loop& loop) : loop_{loop} {}

  transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> connect(transport::endpoint where,
                                                                                           time::instant) override {
    asked.push_back(where);
    if (refusing) co_return std::unexpected{std::string{"connection refused"}};
    auto [client, server] = transport::memory_channel::make_pair(loop_.ready(), capacity, 64 * 1024);
    wires.push_back(server.get());
    peers.emplace_back(std::move(server));
    co_return std::unique_ptr<transport::channel>{std::move(client)};
  }

  support::memory_peer& peer() { return peers.back(); }
  void reset() { wires.back()->reset(); }

  bool refusing = false;
  std::size_t capacity = 64 * 1024;  // what the client may have under way
  std::vector<transport::endpoint> asked;
  std::deque<support::memory_peer> peers;
  std::vector<transport::memory_channel*> wires;

 private:
  transport::loop& loop_;
};

// Keeps what it is told, in words.
struct listening final : observer {
  void connected(const server_facts& facts) noexcept override { told.push_back("connected " + facts.run_id); }
  void connect_failed(std::string_view reason, time::duration again_in) noexcept override {
    told.push_back("failed " + std::string{reason} + in_ms(again_in));
  }
  void disconnected(std::string_view reason, time::duration again_in) noexcept override {
    told.push_back("disconnected " + std::string{reason} + in_ms(again_in));
  }
  void ended(std::string_view name, time::duration took, const trouble* why) noexcept override {
    told.push_back(std::string{name} + " " + std::string{why == nullptr ? "answered" : to_string(why->what)} +
                   in_ms(took));
  }
  static std::string in_ms(time::duration d) {
    return ", " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }
  std::vector<std::string> told;
};

struct redis_fixture : support::loop_fixture {
  // One client per test, connected to `server` in memory.
  network wires() { return {.loop = loop, .connector = server, .resolve = gateway::support::literal_names()}; }
  static place somewhere() {
    place where;
    where.host = "192.0.2.1";
    return where;
  }
  // What is answered to the handshake without password, database and name.
  static std::string greeting(const std::string& run_id = "r1") {
    const auto info = "run_id:" + run_id + "\r\n";
    return "$" + std::to_string(info.size()) + "\r\n" + info + "\r\n+PONG\r\n";
  }
  void greet(const std::string& run_id = "r1") {
    settle();
    CHECK(server.peer().heard().ends_with("PING\r\n"));
    CHECK(server.peer().say(greeting(run_id)));
    settle();
  }

  memory_server server{loop};
  listening watcher;
};

// In one word or number.
inline std::string shown(const outcome& what) {
  if (what) return what->number() ? std::to_string(*what->number()) : std::string{what->text()};
  const auto& why = what.error();
  return std::string{to_string(why.what)} + (why.written ? ", written" : ", not written") +
         (why.code.empty() ? "" : ", " + why.code);
}

}  // namespace gateway::store::redis
