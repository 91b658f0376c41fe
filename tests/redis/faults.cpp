#include "world.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

// Gives up a silent server soon.
client_options hasty() {
  auto options = world::usual();
  options.link.connection.pipelining.patience = milliseconds{600};
  options.link.connect_timeout = milliseconds{300};
  return options;
}

TEST_CASE("A server that is killed and comes back is another one, and the client finds it") {
  world w;
  support::redis_server server{{.tcp = true}};
  const auto it = w.connect({.host = "127.0.0.1", .port = server.port()});
  const auto before = it->server()->run_id;
  server.kill();
  CHECK(w.until([&] { return !it->connected(); }));
  CHECK(shown(w.ask(*it, {"PING"})) == "unreachable, not written");
  CHECK(it->server() == nullptr);
  server.start();
  CHECK(w.until([&] { return it->connected(); }));
  CHECK(it->server()->run_id != before);
  CHECK(shown(w.ask(*it, {"PING"})) == "PONG");
  CHECK(w.watcher.ends.size() == 1);
}

TEST_CASE("A command under way when the server is killed is lost, perhaps done") {
  world w;
  support::redis_server server;
  const auto it = w.connect(world::at(server));
  std::optional<outcome> came;
  const auto wait_for = [](client& with, std::optional<outcome>& into) -> transport::task<> {
    auto answer = co_await with.send({"BLPOP", "nothing", "0"}, time::instant::max());
    into.emplace(std::move(answer));
  };
  w.loop.spawn(wait_for(*it, came));
  w.loop.turn();
  server.kill();
  CHECK(w.until([&] { return came.has_value(); }));
  CHECK(shown(*came) == "lost, written");
}

TEST_CASE("While the server stands still commands time out, and afterwards nobody gets another one's answer") {
  world w;
  support::redis_server server;
  const auto it = w.connect(world::at(server));
  server.pause();
  CHECK(shown(w.ask_briefly(*it, {"SET", "k", "late"})) == "timed_out, written");
  CHECK(it->connected());
  server.resume();
  CHECK(shown(w.ask(*it, {"GET", "k"})) == "late");
  CHECK(shown(w.ask(*it, {"ECHO", "mine"})) == "mine");
  CHECK(w.watcher.came.size() == 1);
}

TEST_CASE("A server that stands still for long loses the connection, and is found again when it goes on") {
  world w;
  support::redis_server server{{.tcp = true}};
  const auto it = w.connect({.host = "127.0.0.1", .port = server.port()}, {}, hasty());
  server.pause();
  CHECK(shown(w.ask_briefly(*it, {"PING"})) == "timed_out, written");
  CHECK(w.until([&] { return !it->connected(); }));
  CHECK(w.watcher.ends.back() == "the server has not answered for too long");
  CHECK(w.until([&] { return w.watcher.failed_with("not answered in time"); }));
  CHECK(shown(w.ask(*it, {"PING"})) == "unreachable, not written");
  server.resume();
  CHECK(w.until([&] { return it->connected(); }));
}

TEST_CASE("A master that becomes a replica is left, and found again when it is a master") {
  world w;
  const support::redis_server server;
  const auto it = w.connect(world::at(server));
  const script sets{"sets", "return redis.call('SET', KEYS[1], 'v')"};
  CHECK(shown(w.run(*it, {sets, {"k"}, {}})) == "OK");
  server.ask({"REPLICAOF", "127.0.0.1", "1"});
  CHECK(shown(w.ask(*it, {"SET", "k", "v"})) == "error, written, READONLY");
  CHECK(w.until([&] { return !w.watcher.ends.empty(); }));
  CHECK(w.until([&] { return it->connected(); }));
  CHECK(shown(w.run(*it, {sets, {"k"}, {}})) == "error, written, READONLY");
  CHECK(w.until([&] { return w.watcher.ends.size() == 2; }));
  server.ask({"REPLICAOF", "NO", "ONE"});
  CHECK(w.until([&] { return it->connected(); }));
  CHECK(shown(w.ask(*it, {"SET", "k", "v"})) == "OK");
}

TEST_CASE("A replica that has lost its master and does not answer is not connected to") {
  world w;
  const support::redis_server server{{.arguments = {"--replica-serve-stale-data", "no"}}};
  server.ask({"REPLICAOF", "127.0.0.1", "1"});
  const auto it = w.make(world::at(server));
  CHECK(w.until([&] { return w.watcher.failed_with("PING was refused: MASTERDOWN"); }));
  server.ask({"REPLICAOF", "NO", "ONE"});
  CHECK(w.until([&] { return it->connected(); }));
}

TEST_CASE("A server that still reads its data is not ready") {
  world w;
  support::redis_server server{
      {.arguments = {"--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"}}};
  server.ask({"EVAL", "for i = 1, 2000 do redis.call('SET', 'key:' .. i, string.rep('x', 20)) end", "0"});
  CHECK(server.ask({"SAVE"}) == "OK");
  server.kill();
  server.start(false);
  const auto it = w.make(world::at(server));
  CHECK(w.until([&] { return w.watcher.failed_with("PING was refused: LOADING"); }));
  CHECK(w.until([&] { return it->connected(); }));
  CHECK(shown(w.ask(*it, {"DBSIZE"})) == "2000");
}

TEST_CASE("A server that is full, or cannot write to disk, refuses writes and keeps the connection") {
  world w;
  const support::redis_server server;
  const auto it = w.connect(world::at(server));
  server.ask({"CONFIG", "SET", "maxmemory", "1"});
  const auto full = w.ask(*it, {"SET", "k", "v"});
  CHECK(shown(full) == "error, written, OOM");
  CHECK(meaning_of(full.error().code).retryable);
  server.ask({"CONFIG", "SET", "maxmemory", "0"});

  // A folder stands where the snapshot is to go.
  std::filesystem::create_directory(server.folder().path("dump.rdb"));
  server.ask({"CONFIG", "SET", "save", "3600 1"});
  server.ask({"BGSAVE"});
  CHECK(
      support::eventually([&] { return server.ask({"INFO", "persistence"}).contains("rdb_last_bgsave_status:err"); }));
  CHECK(shown(w.ask(*it, {"SET", "k", "v"})) == "error, written, MISCONF");
  CHECK(it->connected());
  CHECK(w.watcher.ends.empty());
}

TEST_CASE("A server without room for another client is a failure like any other") {
  world w;
  const support::redis_server server{{.arguments = {"--maxclients", "2"}}};
  const auto first = w.connect(world::at(server));
  const auto second = w.connect(world::at(server));
  const auto third = w.make(world::at(server));
  CHECK(w.until([&] { return !w.watcher.failures.empty(); }));
  CHECK(!third->connected());
}

}  // namespace
}  // namespace gateway::store::redis
