#pragma once

#include "foundation/random/source.hpp"
#include "store/hints.hpp"
#include "support/literal_names.hpp"
#include "world.hpp"

namespace gateway::store {

// The time of one machine: as true as any other's, and not to be compared with it.
class shifted_clock final : public time::clock {
 public:
  explicit shifted_clock(time::duration by) noexcept : by_{by} {}
  time::instant now() const noexcept override { return std::chrono::steady_clock::now() + by_; }
  time::wall_instant wall_now() const noexcept override {
    return std::chrono::system_clock::now() + std::chrono::duration_cast<time::wall_instant::duration>(by_);
  }

 private:
  time::duration by_;
};

// One replica, without what it keeps in Redis: a clock, a loop, a connection, and another one for hints.
struct node {
  struct wishes {
    time::duration clock_off_by{0};
    bool listens = false;  // to the others
  };
  node(const support::redis_server& server, wishes w, const std::string& prefix)
      : clock{w.clock_off_by},
        client{{.network = wires(),
                .place = {.unix_path = server.unix_path()},
                .identity = {},
                .options = redis::world::usual(),
                .uniform = [] { return 0.5; },
                .observer = watcher}} {
    client.start();
    if (w.listens)
      ears.emplace(redis::link::parts{.network = wires(),
                                      .place = {.unix_path = server.unix_path()},
                                      .identity = {},
                                      .options = redis::world::usual().link,
                                      .uniform = [] { return 0.5; },
                                      .observer = watcher},
                   std::vector<std::string>{hints::channel(prefix)}, told.handlers())
          .start();
    REQUIRE(until([&] { return client.connected() && (!ears || ears->subscribed()); }));
  }
  ~node() { loop.abandon(); }

  redis::network wires() {
    return {.loop = loop, .connector = connector, .resolve = gateway::support::literal_names()};
  }

  bool until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + support::patience;
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > end) return false;
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
  void done(transport::task<> work) {
    result([](transport::task<> inner) -> transport::task<bool> {
      co_await std::move(inner);
      co_return true;
    }(std::move(work)));
  }
  // The loop's: it stands still while the test sleeps.
  time::instant now() {
    loop.turn();
    return loop.now();
  }

  shifted_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  transport::socket_connector connector{loop};
  redis::listening watcher;
  random::system_source randomness;
  hints told{loop};
  redis::client client;
  std::optional<redis::subscriber> ears;

 private:
  template <typename T>
  static transport::task<> keep(transport::task<T> work, std::optional<T>& into) {
    auto came = co_await std::move(work);
    into.emplace(std::move(came));
  }
};

// All keys and values, one after the other.
inline std::string all_of(const support::redis_server& server) {
  return server.ask({"EVAL",
                     "local out='' for _,k in ipairs(redis.call('KEYS','*')) do out=out..k..' ' "
                     "local t=redis.call('TYPE',k).ok "
                     "if t=='hash' then out=out..table.concat(redis.call('HGETALL',k),' ') "
                     "elseif t=='zset' then out=out..table.concat(redis.call('ZRANGE',k,0,-1),' ') "
                     "else out=out..redis.call('GET',k) end end return out",
                     "0"});
}

}  // namespace gateway::store
