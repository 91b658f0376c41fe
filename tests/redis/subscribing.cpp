#include "store/redis/subscriber.hpp"

#include "world.hpp"

namespace gateway::store::redis {
namespace {

using strings = std::vector<std::string>;

struct fixture : world {
  void begin(const support::redis_server& server, time::duration ping_every = std::chrono::seconds{5}) {
    make(server, ping_every);
    REQUIRE(until([&] { return subscriptions == 1; }));
  }
  void make(const support::redis_server& server, time::duration ping_every) {
    it.emplace(link::parts{.network = wires(),
                           .place = at(server),
                           .identity = {},
                           .options = usual().link,
                           .uniform = [] { return 0.5; },
                           .observer = watcher},
               strings{"settings", "pauses"},
               subscriber::handlers{.subscribed = [this] { ++subscriptions; },
                                    .message =
                                        [this](std::string_view channel, std::string_view message) {
                                          came.push_back(std::string{channel} + ": " + std::string{message});
                                        },
                                    .refused = [this](std::string_view why) { refusals.emplace_back(why); }},
               ping_every);
    it->start();
  }
  std::optional<subscriber> it;
  int subscriptions = 0;
  strings came;
  strings refusals;
};

TEST_CASE("A subscriber hears what is published, in order, and nothing else") {
  fixture f;
  const support::redis_server server;
  f.begin(server);
  CHECK(server.ask({"PUBLISH", "settings", "1"}) == "1");
  CHECK(server.ask({"PUBLISH", "others", "2"}) == "0");
  CHECK(server.ask({"PUBLISH", "pauses", "3"}) == "1");
  CHECK(f.until([&] { return f.came.size() == 2; }));
  CHECK(f.came == strings{"settings: 1", "pauses: 3"});
}

TEST_CASE("A subscriber comes back after a restart and after being disconnected, and says so") {
  fixture f;
  support::redis_server server;
  f.begin(server);
  server.kill();
  server.start();
  CHECK(f.until([&] { return f.subscriptions == 2; }));
  server.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
  CHECK(f.until([&] { return f.subscriptions == 3; }));
  CHECK(server.ask({"PUBLISH", "settings", "again"}) == "1");
  CHECK(f.until([&] { return f.came == strings{"settings: again"}; }));
}

TEST_CASE("A subscriber that is not let in says so in the server's words, and comes in when it is") {
  fixture f;
  const support::redis_server server;
  server.ask({"ACL", "SETUSER", "default", "resetchannels"});
  f.make(server, std::chrono::seconds{5});
  REQUIRE(f.until([&] { return !f.refusals.empty(); }));
  CHECK(f.refusals.front().starts_with("NOPERM "));
  CHECK(f.subscriptions == 0);
  server.ask({"ACL", "SETUSER", "default", "allchannels"});
  CHECK(f.until([&] { return f.subscriptions == 1; }));
}

TEST_CASE("A server that stands still is noticed in silence, and one that is merely quiet is not") {
  fixture f;
  support::redis_server server;
  f.begin(server, std::chrono::milliseconds{300});
  const auto since = f.clock.now();
  CHECK(f.until([&] { return f.clock.now() > since + std::chrono::milliseconds{1000}; }));
  CHECK(f.watcher.ends.empty());
  server.pause();
  CHECK(f.until([&] { return !f.watcher.ends.empty(); }));
  CHECK(f.watcher.ends.back() == "the server gives no sign of life");
  CHECK(!f.it->subscribed());
  server.resume();
  CHECK(f.until([&] { return f.subscriptions == 2; }));
}

}  // namespace
}  // namespace gateway::store::redis
