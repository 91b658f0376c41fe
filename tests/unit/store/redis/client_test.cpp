#include "store/redis/client.hpp"

#include "foundation/transport/background.hpp"
#include "memory_server.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;
using strings = std::vector<std::string>;

struct fixture : redis_fixture {
  fixture() {
    options.link.connect_timeout = milliseconds{1000};
    options.link.reconnect = {.first = milliseconds{100}, .most = milliseconds{400}};
    options.link.connection.pipelining.patience = milliseconds{300};
    options.command_timeout = milliseconds{50};
  }
  void begin() {
    it.emplace(client::parts{.network = wires(),
                             .place = somewhere(),
                             .identity = who,
                             .options = options,
                             .uniform = [] { return 0.5; },
                             .observer = watcher});
    it->start();
  }
  void begin_connected() {
    begin();
    greet();
    watcher.take();
  }
  transport::task<> send(command what, time::instant deadline) {
    const auto came = co_await it->send(std::move(what), deadline);
    notes.push_back(shown(came));
  }
  void send(std::string name, milliseconds patience = milliseconds{1000}) {
    start(send(command{name}, loop.now() + patience));
  }
  transport::task<> run(script_call what) {
    const auto came = co_await it->run(std::move(what), loop.now() + milliseconds{1000});
    notes.push_back(shown(came));
  }
  transport::task<> run_all(std::vector<script_call> what) {
    const auto came = co_await it->run_all(std::move(what), loop.now() + milliseconds{1000});
    for (const auto& each : came) notes.push_back(shown(each));
  }
  std::string heard() { return server.peer().heard(); }
  void say(std::string_view bytes) {
    CHECK(server.peer().say(bytes));
    settle();
  }
  strings take() { return std::exchange(notes, {}); }

  client_options options;
  identity who;
  std::optional<client> it;
  strings notes;
};

TEST_CASE("A client is ready when the handshake is over, and says what the server is") {
  fixture f;
  f.begin();
  f.settle();
  CHECK(!f.it->connected());
  CHECK(f.it->server() == nullptr);
  f.greet("abc");
  CHECK(f.it->connected());
  REQUIRE(f.it->server() != nullptr);
  CHECK(f.it->server()->run_id == "abc");
  CHECK(f.watcher.take() == strings{"connected abc"});

  f.send("DBSIZE");
  CHECK(f.heard() == "*1\r\n$6\r\nDBSIZE\r\n");
  f.clock.advance(milliseconds{7});
  f.say(":5\r\n");
  CHECK(f.take() == strings{"5"});
  CHECK(f.watcher.take() == strings{"DBSIZE answered, 7 ms"});
}

TEST_CASE("While there is no connection a command fails at once, and nothing of it is ever sent") {
  fixture f;
  f.server.refusing = true;
  f.begin();
  f.send("A");
  CHECK(f.take() == strings{"unreachable, not written"});
  f.server.refusing = false;
  f.advance(milliseconds{75});
  f.send("B");  // the handshake is not over
  CHECK(f.take() == strings{"unreachable, not written"});
  f.greet();
  CHECK(f.it->connected());
  CHECK(f.heard().empty());
  CHECK(f.watcher.take() == strings{"failed 192.0.2.1:6379: connection refused, 75 ms", "connected r1"});
}

TEST_CASE("The wait between attempts grows, and starts over after a connection that lasted") {
  fixture f;
  f.server.refusing = true;
  f.begin();
  f.settle();
  for (const int wait : {75, 150, 300}) {
    f.advance(milliseconds{wait - 1});
    const auto before = f.server.asked.size();
    f.advance(milliseconds{1});
    CHECK(f.server.asked.size() == before + 1);
  }
  f.watcher.take();
  f.server.refusing = false;
  f.advance(milliseconds{300});
  f.greet();
  f.server.reset();
  f.settle();
  CHECK(f.watcher.take() == strings{"connected r1", "disconnected connection reset, 300 ms"});
  f.advance(milliseconds{300});
  f.greet("r2");
  f.advance(milliseconds{400});
  f.server.peer().leave();
  f.settle();
  CHECK(f.watcher.take() == strings{"connected r2", "disconnected the server closed the connection, 75 ms"});
  f.advance(milliseconds{75});
  f.greet("r3");
  CHECK(f.it->server()->run_id == "r3");
}

TEST_CASE("A handshake that is broken off or not answered at any byte is a failure, and is tried again") {
  const auto whole = redis_fixture::greeting();
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    for (const int how : {0, 1, 2}) {
      CAPTURE(cut);
      CAPTURE(how);
      fixture f;
      f.begin();
      f.settle();
      f.say(std::string_view{whole}.substr(0, cut));
      if (how == 0) f.server.reset();
      if (how == 1) f.server.peer().leave();
      if (how == 2) f.advance(milliseconds{1000});
      f.settle();
      CHECK(!f.it->connected());
      REQUIRE(f.watcher.told.size() == 1);
      CHECK(f.watcher.told[0].starts_with("failed 192.0.2.1:6379: "));
      f.advance(milliseconds{75});
      f.greet();
      CHECK(f.it->connected());
    }
}

TEST_CASE("The password is read for every attempt; neither it nor the server's words show in the reason") {
  fixture f;
  int reads = 0;
  f.who.credentials = [&reads]() -> std::expected<credentials, std::string> {
    ++reads;
    if (reads == 1) return std::unexpected{std::string{"redis-password: no such file"}};
    return credentials{.user = "", .password = secrets::secret{reads == 2 ? "sample-old" : "sample-new"}};
  };
  f.begin();
  f.settle();
  CHECK(f.watcher.take() == strings{"failed redis-password: no such file, 75 ms"});
  f.advance(milliseconds{75});
  CHECK(f.heard().contains("sample-old"));
  f.say("-WRONGPASS sample-old is wrong\r\n-NOAUTH x\r\n-NOAUTH x\r\n");
  CHECK(f.watcher.take() == strings{"failed 192.0.2.1:6379: AUTH was refused: WRONGPASS, 150 ms"});
  f.advance(milliseconds{150});
  CHECK(f.heard().contains("sample-new"));
  f.say("+OK\r\n" + fixture::greeting());
  CHECK(f.it->connected());
  CHECK(reads == 3);
}

TEST_CASE("The earlier of the client's time limit and the caller's deadline counts") {
  fixture f;
  f.begin_connected();
  f.send("A", milliseconds{20});
  f.send("B", milliseconds{1000});
  f.advance(milliseconds{19});
  CHECK(f.take().empty());
  f.advance(milliseconds{1});
  CHECK(f.take() == strings{"timed_out, written"});
  f.advance(milliseconds{30});
  CHECK(f.take() == strings{"timed_out, written"});
  CHECK(f.watcher.take() == strings{"A timed_out, 20 ms", "B timed_out, 50 ms"});
  f.say("+1\r\n+2\r\n");
  CHECK(f.it->connected());
}

TEST_CASE("A server that stays silent loses the connection, and a new one is opened") {
  fixture f;
  f.begin_connected();
  f.send("A");
  f.advance(milliseconds{301});
  f.advance(milliseconds{1});
  CHECK(!f.it->connected());
  CHECK(f.watcher.told.back() == "disconnected the server has not answered for too long, 75 ms");
  f.advance(milliseconds{75});
  f.greet("r2");
  CHECK(f.it->connected());
}

TEST_CASE("A replica is left, and asked again later and later") {
  fixture f;
  f.begin_connected();
  f.send("SET");
  f.say("-READONLY You can't write against a read only replica.\r\n");
  CHECK(f.take() == strings{"error, written, READONLY"});
  CHECK(f.watcher.take() == strings{"SET error, 0 ms", "disconnected the server answers READONLY, 75 ms"});
  f.advance(milliseconds{75});
  f.greet();
  f.send("SET");
  f.say("-READONLY You can't write against a read only replica.\r\n");
  CHECK(f.watcher.told.back() == "disconnected the server answers READONLY, 150 ms");
}

TEST_CASE("A script goes by its hash, and once by its source where the server does not know it") {
  fixture f;
  f.begin_connected();
  const script one{"one", "return 1"};
  f.start(f.run({one, {"k"}, {"v"}}));
  CHECK(f.heard().starts_with("*5\r\n$7\r\nEVALSHA\r\n$40\r\ne0e1"));
  f.say("-NOSCRIPT No matching script.\r\n");
  CHECK(f.heard() == "*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\nv\r\n");
  f.say(":1\r\n");
  CHECK(f.take() == strings{"1"});
  CHECK(f.watcher.take() == strings{"one answered, 0 ms"});

  f.start(f.run({one, {}, {}}));
  f.say("-NOSCRIPT No matching script.\r\n-NOSCRIPT No matching script.\r\n");  // a proxy without EVAL, say
  CHECK(f.watcher.told.back().starts_with("disconnected the server sent a reply that nobody is owed"));
}

TEST_CASE("Both ways of a script share one time limit") {
  fixture f;
  f.begin_connected();
  const script one{"one", "return 1"};
  f.start(f.run({one, {}, {}}));
  f.advance(milliseconds{40});
  f.say("-NOSCRIPT No matching script.\r\n");
  f.advance(milliseconds{9});
  CHECK(f.take().empty());
  f.advance(milliseconds{1});
  CHECK(f.take() == strings{"timed_out, written"});
  CHECK(f.watcher.take() == strings{"one timed_out, 50 ms"});
}

TEST_CASE("Of a batch of scripts those that are unknown are sent again, and only those") {
  fixture f;
  f.begin_connected();
  const script one{"one", "return 1"};
  const script two{"two", "return 2"};
  f.start(f.run_all({{one, {}, {}}, {two, {}, {}}, {one, {}, {}}}));
  f.heard();
  f.say("-NOSCRIPT x\r\n:2\r\n-NOSCRIPT x\r\n");
  CHECK(f.take().empty());
  CHECK(f.heard() ==
        "*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n*3\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n");
  f.say(":1\r\n-MISCONF no\r\n");
  CHECK(f.take() == strings{"1", "2", "error, written, MISCONF"});
  CHECK(f.watcher.take() == strings{"one answered, 0 ms", "two answered, 0 ms", "one error, 0 ms"});
}

TEST_CASE("A script whose source cannot be sent because the connection has gone is unreachable") {
  fixture f;
  f.begin_connected();
  const script one{"one", "return 1"};
  f.start(f.run({one, {}, {}}));
  CHECK(f.server.peer().say("-NOSCRIPT x\r\n"));
  f.server.peer().leave();
  f.settle();
  CHECK(f.take() == strings{"unreachable, not written"});
}

TEST_CASE("Whoever runs a script may leave at any step, and the next one gets its own answer") {
  for (int step = 0; step < 4; ++step) {
    CAPTURE(step);
    fixture f;
    f.begin_connected();
    const script one{"one", "return 1"};
    std::optional<transport::background> asking{std::in_place, f.run({one, {}, {}})};
    if (step == 0) asking.reset();  // before anything was written
    f.settle();
    if (step == 1) asking.reset();  // before the server answers
    const bool by_hash = f.heard().contains("EVALSHA");
    CHECK(by_hash == (step > 0));
    if (by_hash) f.say("-NOSCRIPT x\r\n");
    if (step == 2) asking.reset();  // while the source is under way
    if (f.heard().contains("EVAL")) f.say(":1\r\n");
    asking.reset();
    CHECK(f.take() == (step == 3 ? strings{"1"} : strings{}));
    f.send("PING");
    f.say("+PONG\r\n");
    CHECK(f.take() == strings{"PONG"});
  }
}

TEST_CASE("A client can go while it connects, while it rests and while it is connected") {
  fixture f;
  f.begin();
  f.settle();
  f.it.reset();  // in the handshake
  f.settle();
  f.server.refusing = true;
  f.begin();
  f.settle();
  f.it.reset();  // resting
  f.server.refusing = false;
  f.begin_connected();
  f.it.reset();
  f.settle();
  f.server.peer().heard();
  CHECK(f.server.peer().ended());
}

}  // namespace
}  // namespace gateway::store::redis
