#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <list>

#include "foundation/transport/memory.hpp"
#include "foundation/transport/parking.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "tls/stream.hpp"
#include "upstream/target.hpp"

namespace gateway::support {

inline transport::endpoint at(const char* address, std::uint16_t port = 443) {
  return {boost::asio::ip::make_address(address), port};
}

// Names lead where the test says; they are never looked up.
class fixed_names final : public upstream::resolver {
 public:
  transport::task<std::expected<std::vector<transport::endpoint>, std::string>> resolve(const std::string& host,
                                                                                        std::uint16_t port,
                                                                                        time::instant) override {
    asked.push_back(upstream::place_of(host, port));
    co_return answer;
  }
  std::vector<std::string> asked;
  std::expected<std::vector<transport::endpoint>, std::string> answer{std::vector{at("192.0.2.1")}};
};

// Connections in memory. `at_once` accepts them, `slow` after as long as it `takes`; `stepping` leaves each outstanding
// until the test decides.
class scripted_connector final : public transport::connector {
 public:
  struct pending {
    transport::endpoint where;
    transport::parking* place = nullptr;  // null: it is over, or was dropped
    upstream::opened outcome = std::unexpected{std::string{"timed out"}};
    bool dropped = false;
  };
  enum class mode : std::uint8_t { at_once, slow, stepping, refusing };

  explicit scripted_connector(transport::loop& on) : loop_{on} {}

  transport::task<upstream::opened> connect(transport::endpoint where, time::instant deadline) override {
    auto& self = asked.emplace_back();
    self.where = where;
    if (how == mode::refusing) co_return std::unexpected{std::string{"connection refused"}};
    if (how == mode::at_once) co_return accept();
    transport::parking place{loop_.ready()};
    if (how == mode::slow) {
      co_await place.wait(loop_.deadlines(), loop_.now() + takes);
      co_return accept();
    }
    self.place = &place;
    struct departure {
      pending& it;
      bool over = false;
      ~departure() {
        it.place = nullptr;
        it.dropped = !over;
      }
    } leaving{self};
    co_await place.wait(loop_.deadlines(), deadline);
    leaving.over = true;
    co_return std::move(self.outcome);
  }

  // The i-th connection that was asked for.
  void succeed(std::size_t i) {
    asked.at(i).outcome = accept();
    asked.at(i).place->wake_up();
  }
  void fail(std::size_t i, std::string reason = "connection refused") {
    asked.at(i).outcome = std::unexpected{std::move(reason)};
    asked.at(i).place->wake_up();
  }

  mode how = mode::at_once;
  time::duration takes{};
  std::deque<pending> asked;
  std::function<void(std::unique_ptr<transport::memory_channel>)> on_accept;

 private:
  std::unique_ptr<transport::channel> accept() {
    auto [mine, theirs] = transport::memory_channel::make_pair(loop_.ready());
    on_accept(std::move(theirs));
    return std::move(mine);
  }
  transport::loop& loop_;
};

// A server with a certificate, at the other end of every connection.
class tls_peer {
 public:
  tls_peer(transport::loop& on, tls::server_context& with, std::unique_ptr<transport::memory_channel> wire)
      : wire_{wire.get()}, stream_{std::move(wire), with.accept()} {
    on.spawn(shake(*this));
  }
  // What has been heard since the last call.
  std::string heard() {
    std::string all;
    std::array<char, 4096> piece{};
    for (;;) {
      const auto got = stream_.try_read(piece);
      if (got.status == transport::io_status::end || got.status == transport::io_status::failed) ended_ = true;
      if (got.status != transport::io_status::done) return all;
      all.append(piece.data(), got.bytes);
    }
  }
  bool ended() {
    heard();
    return ended_;
  }
  void say(std::string_view bytes) { CHECK(stream_.try_write(bytes).status == transport::io_status::done); }
  void close() { stream_.finish(); }
  void cut() { wire_->reset(); }
  bool shaken() const { return shaken_; }
  void give_up() { stream_.ready().interrupt(transport::wake::cancelled); }

 private:
  static transport::task<> shake(tls_peer& self) {
    const auto done = co_await self.stream_.handshake();
    self.shaken_ = done.has_value();
  }
  transport::memory_channel* wire_;
  tls::stream stream_;
  bool shaken_ = false;
  bool ended_ = false;
};

// Both, and a target that leads there.
struct network_fixture : loop_fixture {
  network_fixture() {
    connector.on_accept = [this](std::unique_ptr<transport::memory_channel> wire) {
      servers.emplace_back(loop, *server_context, std::move(wire));
    };
  }
  ~network_fixture() {
    for (auto& each : servers) each.give_up();
    settle();
  }
  tls_peer& server(std::size_t i) {
    REQUIRE(i < servers.size());
    return *std::next(servers.begin(), static_cast<std::ptrdiff_t>(i));
  }

  std::shared_ptr<tls::client_context> client_context = trusting(certificates().authority);
  std::shared_ptr<tls::server_context> server_context = serving(certificates().server);
  std::list<tls_peer> servers;
  fixed_names names;
  scripted_connector connector{loop};
  upstream::network net{loop, connector, names};
  upstream::target target{.host = "podero.test", .port = 443, .server_name = "podero.test", .tls = client_context};
};

}  // namespace gateway::support
