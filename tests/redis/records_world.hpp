#pragma once

#include <deque>

#include "store/redis_records.hpp"
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

struct counting_observer final : record_observer {
  void unreadable() noexcept override { ++unreadables; }
  void not_recorded(key_event what) noexcept override { given_up.push_back(what); }
  int unreadables = 0;
  std::vector<key_event> given_up;
};

// One replica: a clock, a loop, a connection and the account's records.
struct replica {
  struct wishes {
    std::string secret = "example-secret-not-real";
    redis_records_options options{};
    time::duration clock_off_by{0};
    bool listens = false;  // to the others
  };
  replica(const support::redis_server& server, wishes w)
      : clock{w.clock_off_by},
        client{{.network = wires(),
                .place = {.unix_path = server.unix_path()},
                .identity = {},
                .options = redis::world::usual(),
                .uniform = [] { return 0.5; },
                .observer = watcher}},
        records{{.loop = loop,
                 .client = client,
                 .hints = told,
                 .randomness = randomness,
                 .observer = observer,
                 .seals = std::make_shared<const sealing>(secrets::secret{w.secret}, redis_records::purpose),
                 .options = w.options}} {
    client.start();
    if (w.listens)
      ears.emplace(redis::link::parts{.network = wires(),
                                      .place = {.unix_path = server.unix_path()},
                                      .identity = {},
                                      .options = redis::world::usual().link,
                                      .uniform = [] { return 0.5; },
                                      .observer = watcher},
                   std::vector<std::string>{hints::channel(w.options.prefix)}, told.handlers())
          .start();
    REQUIRE(until([&] { return client.connected() && (!ears || ears->subscribed()); }));
  }
  ~replica() { loop.abandon(); }

  redis::network wires() { return {.loop = loop, .connector = connector, .resolve = redis::system_resolver(loop)}; }

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

  // What a request does, step by step.
  struct came : claim {
    std::shared_ptr<asking> by = std::make_shared<asking>();
  };
  came come(std::string key = "k", digest of = {1}, std::size_t caller = 0,
            time::duration lease = std::chrono::seconds{30}) {
    came made;
    static_cast<claim&>(made) =
        result(records.claim_key({caller, std::move(key)}, of, now() + lease, made.by));
    return made;
  }
  static hold held(const came& by, std::string key = "k") {
    return {.name = {0, std::move(key)}, .token = by.token, .by = by.by};
  }
  said sending(hold by, time::duration lease = std::chrono::seconds{60}) {
    return result(records.sending(std::move(by), now() + lease));
  }
  said renewed(hold by, time::duration lease = std::chrono::seconds{30}) {
    return result(records.renewed(std::move(by), now() + lease));
  }
  said taken_back(hold by) { return result(records.taken_back(std::move(by))); }
  said finished(hold by, std::string body = "{}") {
    return result(records.finished(std::move(by), {201, "s1", std::move(body)}));
  }
  said lost(hold by) { return result(records.lost(std::move(by))); }
  said released(hold by) { return result(records.released(std::move(by))); }

  shifted_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  transport::socket_connector connector{loop};
  redis::listening watcher;
  random::system_source randomness;
  counting_observer observer;
  hints told{loop};
  redis::client client;
  std::optional<redis::subscriber> ears;
  redis_records records;

 private:
  template <typename T>
  static transport::task<> keep(transport::task<T> work, std::optional<T>& into) {
    auto came = co_await std::move(work);
    into.emplace(std::move(came));
  }
};

inline redis_records_options options_of(records_bounds bounds = {}) {
  redis_records_options options;
  options.prefix = "test:";
  options.account = "sandbox";
  options.callers = {"portal", "shop"};
  options.bounds = bounds;
  options.timeout = std::chrono::seconds{10};  // a busy machine is no sick store
  return options;
}

}  // namespace gateway::store
