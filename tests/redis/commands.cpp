#include "support/literal_names.hpp"
#include "world.hpp"

namespace gateway::store::redis {
namespace {

TEST_CASE("Commands over a Unix socket, of every kind of reply") {
  world w;
  const support::redis_server server;
  const auto it = w.connect(world::at(server));
  CHECK(it->server()->run_id.size() == 40);
  CHECK(it->server()->redis_version.contains('.'));
  CHECK(server.ask({"INFO", "server"}).contains("run_id:" + it->server()->run_id));

  const std::string bytes{"\r\n\0$-1\r\n", 8};
  CHECK(w.ask(*it, {"SET", "k", bytes}) == reply::status("OK"));
  CHECK(w.ask(*it, {"GET", "k"}) == reply::bulk(bytes));
  CHECK(w.ask(*it, {"GET", "none"}) == reply{});
  CHECK(w.ask(*it, {"INCR", "n"}) == reply::integer(1));
  CHECK(w.ask(*it, {"MGET", "n", "none"}) == reply::array({reply::bulk("1"), reply{}}));
  CHECK(shown(w.ask(*it, {"INCR", "k"})) == "error, written, ERR");
  CHECK(shown(w.ask(*it, {"LPUSH", "k", "1"})) == "error, written, WRONGTYPE");
  CHECK(shown(w.ask(*it, {"NO-SUCH-COMMAND", "sample"})) == "error, written, ERR");
  CHECK(!w.ask(*it, {"NO-SUCH-COMMAND", "sample"}).error().reason.contains("sample"));
}

transport::task<> count_up(client& with, int& right, int expected) {
  const auto came = co_await with.send({"INCR", "n"}, time::instant::max());
  if (came && came->number() == expected) ++right;
}

TEST_CASE("A thousand coroutines with commands outstanding each get their own answer, in order") {
  world w;
  const support::redis_server server;
  const auto it = w.connect(world::at(server));
  int right = 0;
  for (int i = 1; i <= 1000; ++i) w.loop.spawn(count_up(*it, right, i));
  CHECK(w.until([&] { return w.loop.spawned() == 0; }));
  CHECK(right == 1000);
}

TEST_CASE("Large values go and come whole") {
  world w;
  const support::redis_server server{{.tcp = true}};
  const auto it = w.connect({.host = "127.0.0.1", .port = server.port()});
  const std::string large(std::size_t{3} * 1024 * 1024, 'x');
  CHECK(w.ask(*it, {"SET", "k", large}).has_value());
  const auto came = w.ask(*it, {"GET", "k"});
  REQUIRE(came.has_value());
  CHECK(came->text() == large);
}

TEST_CASE("A reply larger than allowed ends the connection, and the next one works") {
  world w;
  const support::redis_server server;
  auto options = world::usual();
  options.link.connection.limits.bytes = 10'000;
  const auto it = w.connect(world::at(server), {}, options);
  CHECK(w.ask(*it, {"SET", "k", std::string(100'000, 'x')}).has_value());
  CHECK(shown(w.ask(*it, {"GET", "k"})) == "lost, written");
  CHECK(w.until([&] { return it->connected(); }));
  CHECK(shown(w.ask(*it, {"PING"})) == "PONG");
}

TEST_CASE("Scripts run by hash, also when the server has forgotten them") {
  world w;
  support::redis_server server;
  const auto it = w.connect(world::at(server));
  const script add{"add", "return redis.call('INCRBY', KEYS[1], ARGV[1])"};
  CHECK(server.ask({"SCRIPT", "EXISTS", add.sha1()}) == "0");
  CHECK(shown(w.run(*it, {add, {"n"}, {"2"}})) == "2");
  CHECK(server.ask({"SCRIPT", "EXISTS", add.sha1()}) == "1");
  CHECK(shown(w.run(*it, {add, {"n"}, {"3"}})) == "5");
  server.ask({"SCRIPT", "FLUSH"});
  CHECK(shown(w.run(*it, {add, {"n"}, {"4"}})) == "9");

  server.kill();
  server.start();
  CHECK(w.until([&] { return w.watcher.came.size() == 2 && it->connected(); }));
  const auto came =
      w.result(it->run_all({{add, {"n"}, {"1"}}, {add, {"n"}, {"10"}}, {add, {"m"}, {"7"}}}, time::instant::max()));
  REQUIRE(came.size() == 3);
  CHECK(shown(came[0]) == "1");
  CHECK(shown(came[1]) == "11");
  CHECK(shown(came[2]) == "7");
}

TEST_CASE("What a script raises, and what a command in it is refused with, keeps its code") {
  world w;
  const support::redis_server server;
  const auto it = w.connect(world::at(server));
  const script raises{"raises", "return redis.error_reply('STALE the window has moved')"};
  CHECK(shown(w.run(*it, {raises, {}, {}})) == "error, written, STALE");
  const script wrong{"wrong", "redis.call('SET', 'k', 'v'); return redis.call('LPUSH', 'k', '1')"};
  CHECK(shown(w.run(*it, {wrong, {}, {}})) == "error, written, WRONGTYPE");
}

transport::task<> greet_and_stop(client& with, transport::loop& loop, std::string& into) {
  for (int tries = 0; tries < 1000 && !with.connected(); ++tries) {
    transport::parking breath{loop.ready()};
    co_await breath.wait(loop.deadlines(), loop.now() + std::chrono::milliseconds{5});
  }
  const auto came = co_await with.send({"ECHO", "hello"}, time::instant::max());
  into = shown(came);
  loop.stop();
}

TEST_CASE("It works the same on a loop that Asio turns") {
  const support::redis_server server{{.tcp = true}};
  const time::system_clock clock;
  transport::loop loop{clock};
  transport::socket_connector connector{loop};
  listening watcher;
  client it{{.network = {.loop = loop, .connector = connector, .resolve = gateway::support::literal_names()},
             .place = {.host = "localhost", .port = server.port()},
             .identity = {},
             .options = world::usual(),
             .uniform = [] { return 0.5; },
             .observer = watcher}};
  it.start();
  std::string came;
  loop.spawn(greet_and_stop(it, loop, came));
  loop.run();
  CHECK(came == "hello");
}

}  // namespace
}  // namespace gateway::store::redis
