#pragma once

#include <doctest/doctest.h>
#include <poll.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "foundation/transport/background.hpp"
#include "store/redis/client.hpp"
#include "support/literal_names.hpp"
#include "support/redis_server.hpp"

namespace gateway::store::redis {

// Keeps what it is told of connections.
struct listening final : observer {
  void connected(const server_facts& facts) noexcept override { came.push_back(facts); }
  void connect_failed(std::string_view reason, time::duration) noexcept override { failures.emplace_back(reason); }
  void disconnected(std::string_view reason, time::duration) noexcept override { ends.emplace_back(reason); }
  void ended(std::string_view, time::duration, const trouble*) noexcept override { ++commands; }

  bool failed_with(std::string_view text) const {
    for (const auto& each : failures)
      if (each.contains(text)) return true;
    return false;
  }
  std::vector<server_facts> came;
  std::vector<std::string> failures;
  std::vector<std::string> ends;
  int commands = 0;
};

// A loop over real sockets that the test turns, so that client and test share one thread.
struct world {
  network wires() { return {.loop = loop, .connector = connector, .resolve = gateway::support::literal_names()}; }
  static place at(const support::redis_server& server) { return {.unix_path = server.unix_path()}; }
  static client_options usual() {
    client_options options;
    options.link.connect_timeout = std::chrono::seconds{5};
    options.link.reconnect = {.first = std::chrono::milliseconds{10}, .most = std::chrono::milliseconds{100}};
    options.link.connection.pipelining.patience = std::chrono::seconds{20};
    options.command_timeout = std::chrono::seconds{10};
    return options;
  }
  std::unique_ptr<client> make(place where, identity who = {}, client_options options = usual()) {
    auto made = std::make_unique<client>(client::parts{.network = wires(),
                                                       .place = std::move(where),
                                                       .identity = std::move(who),
                                                       .options = options,
                                                       .uniform = [] { return 0.5; },
                                                       .observer = watcher});
    made->start();
    return made;
  }
  std::unique_ptr<client> connect(place where, identity who = {}, client_options options = usual()) {
    auto made = make(std::move(where), std::move(who), options);
    const bool there = until([&] { return made->connected(); });
    if (!there && !watcher.failures.empty()) MESSAGE(watcher.failures.back());
    REQUIRE(there);
    return made;
  }

  // Turns the loop until it is so, or patience ends.
  bool until(const std::function<bool()>& is_so) {
    const auto end = clock.now() + support::patience;
    while (!is_so()) {
      if (clock.now() > end) return false;
      loop.turn();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  template <typename T>
  T result(transport::task<T> work) {
    std::optional<T> came;
    const transport::background running{keep(std::move(work), came)};
    REQUIRE(until([&] { return came.has_value(); }));
    return std::move(*came);
  }
  outcome ask(client& of, command what) { return result(of.send(std::move(what), time::instant::max())); }
  outcome ask_briefly(client& of, command what) {
    return result(of.send(std::move(what), clock.now() + std::chrono::milliseconds{100}));
  }
  outcome run(client& of, script_call what) { return result(of.run(std::move(what), time::instant::max())); }

  time::system_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  transport::socket_connector connector{loop};
  listening watcher;

 private:
  template <typename T>
  static transport::task<> keep(transport::task<T> work, std::optional<T>& into) {
    auto came = co_await std::move(work);
    into.emplace(std::move(came));
  }
};

// In one word or number.
inline std::string shown(const outcome& what) {
  if (what) return what->number() ? std::to_string(*what->number()) : std::string{what->text()};
  const auto& why = what.error();
  return std::string{to_string(why.what)} + (why.written ? ", written" : ", not written") +
         (why.code.empty() ? "" : ", " + why.code);
}

}  // namespace gateway::store::redis
