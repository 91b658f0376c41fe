#include "store/redis/connection.hpp"

#include "foundation/transport/background.hpp"
#include "memory_server.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

struct fixture : support::loop_fixture {
  explicit fixture(std::size_t capacity = 64 * 1024, std::size_t most = 100) {
    auto [client, server] = transport::memory_channel::make_pair(loop.ready(), capacity, 64 * 1024);
    wire = server.get();
    peer.emplace(std::move(server));
    connection_options options;
    options.pipelining = {.patience = milliseconds{500}, .most_outstanding = most};
    on.emplace(loop, std::move(client), options);
    loop.spawn(until_over());
  }
  ~fixture() {
    on->close("the test is over");
    settle();
  }
  transport::task<> until_over() { reason = co_await on->over(); }

  // Asks, and notes what it came to behind `name`.
  transport::task<> ask(std::string name, command what, time::instant deadline) {
    const auto came = co_await on->ask(std::move(what), deadline);
    notes.push_back(name + ": " + shown(came));
  }
  void ask(std::string name, milliseconds patience = milliseconds{100}) {
    loop.spawn(ask(name, command{name}, loop.now() + patience));
  }
  std::vector<std::string> take() { return std::exchange(notes, {}); }

  std::optional<support::memory_peer> peer;
  transport::memory_channel* wire = nullptr;
  std::optional<connection> on;
  std::string reason;
  std::vector<std::string> notes;
};

using strings = std::vector<std::string>;

TEST_CASE("Commands of one turn are written at once, in order, and answered in order") {
  fixture f;
  f.ask("a");
  f.ask("b");
  CHECK(f.peer->heard().empty());  // not yet: others of this turn may follow
  f.settle();
  CHECK(f.peer->heard() == "*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n");
  f.peer->say("+1\r\n");
  f.settle();
  CHECK(f.take() == strings{"a: 1"});
  f.ask("c");
  f.settle();
  CHECK(f.peer->heard() == "*1\r\n$1\r\nc\r\n");
  f.peer->say("+2\r\n+3\r\n");
  f.settle();
  CHECK(f.take() == strings{"b: 2", "c: 3"});
}

TEST_CASE("Replies may be cut anywhere") {
  constexpr std::string_view replies = "$5\r\nhello\r\n-ERR no\r\n:3\r\n";
  for (std::size_t cut = 0; cut <= replies.size(); ++cut) {
    CAPTURE(cut);
    fixture f;
    f.ask("a");
    f.ask("b");
    f.ask("c");
    f.settle();
    f.peer->say(replies.substr(0, cut));
    f.settle();
    f.peer->say(replies.substr(cut));
    f.settle();
    CHECK(f.notes == strings{"a: hello", "b: error, written, ERR", "c: 3"});
    CHECK(f.on->usable());
  }
}

TEST_CASE("Whoever is not answered in time is told so at once, and the late reply is dropped in its place") {
  fixture f;
  f.ask("slow");
  f.settle();
  f.advance(milliseconds{60});
  f.ask("next");
  f.settle();
  f.advance(milliseconds{40});
  CHECK(f.take() == strings{"slow: timed_out, written"});
  f.peer->say("+late\r\n+mine\r\n");
  f.settle();
  CHECK(f.take() == strings{"next: mine"});
  CHECK(f.on->usable());
}

TEST_CASE("A command that could not be written in time is never sent") {
  fixture f{24};
  f.ask("a-long-one-that-fills-the-pipe");
  f.settle();
  f.ask("second");
  f.settle();
  f.advance(milliseconds{100});
  // Of the first a part is under way, so the rest must follow.
  CHECK(f.take() == strings{"a-long-one-that-fills-the-pipe: timed_out, written", "second: timed_out, written"});
  std::string all;
  for (int i = 0; i < 10; ++i) {
    all += f.peer->heard();
    f.settle();
  }
  CHECK(all.ends_with("second\r\n"));
}

TEST_CASE("What lies behind more than one piece is taken back when it times out") {
  fixture f{24};
  const std::string large(20'000, 'x');
  f.loop.spawn(f.ask("large", command{"SET", large}, f.loop.now() + milliseconds{100}));
  f.ask("small");
  f.settle();
  f.advance(milliseconds{100});
  CHECK(f.take() == strings{"large: timed_out, written", "small: timed_out, not written"});
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    all += f.peer->heard();
    f.settle();
  }
  CHECK(all.ends_with("xxx\r\n"));
  f.peer->say("+OK\r\n");
  f.settle();
  f.ask("later");
  f.settle();
  CHECK(f.peer->heard() == "*1\r\n$5\r\nlater\r\n");
  f.peer->say("+yes\r\n");
  f.settle();
  CHECK(f.take() == strings{"later: yes"});
}

TEST_CASE("When the oldest command has waited for too long the connection ends, for everybody") {
  fixture f;
  f.ask("a");
  f.settle();
  f.advance(milliseconds{450});
  CHECK(f.take() == strings{"a: timed_out, written"});
  f.ask("b");
  f.settle();
  f.advance(milliseconds{50});
  CHECK(f.on->usable());
  f.advance(milliseconds{1});
  CHECK(f.take() == strings{"b: lost, written"});
  CHECK(!f.on->usable());
  CHECK(f.reason == "the server has not answered for too long");
  f.ask("c");
  CHECK(f.take() == strings{"c: unreachable, not written"});
}

TEST_CASE("An answer that lies there when patience ends still counts: it was us who were held up") {
  fixture f;
  f.ask("a", milliseconds{2000});
  f.settle();
  f.peer->say("+there\r\n");
  f.advance(milliseconds{600});
  CHECK(f.take() == strings{"a: there"});
  f.advance(milliseconds{600});
  CHECK(f.on->usable());
}

TEST_CASE("A connection that breaks at any byte of the replies loses only what was not answered") {
  constexpr std::string_view replies = "+one\r\n+two\r\n";
  for (std::size_t cut = 0; cut <= replies.size(); ++cut)
    for (const bool in_good_order : {true, false}) {
      CAPTURE(cut);
      fixture f;
      f.ask("a");
      f.ask("b");
      f.settle();
      f.peer->say(replies.substr(0, cut));
      f.settle();
      if (in_good_order)
        f.peer->leave();
      else
        f.wire->reset();
      f.settle();
      CHECK(f.notes == strings{cut >= 6 ? "a: one" : "a: lost, written", cut >= 12 ? "b: two" : "b: lost, written"});
      CHECK(f.reason == (in_good_order ? "the server closed the connection" : "connection reset"));
    }
}

TEST_CASE("A connection that breaks while a command is being written") {
  fixture f{8};
  f.ask("partly");
  f.loop.spawn(f.ask("large", command{"SET", std::string(20'000, 'x')}, f.loop.now() + milliseconds{100}));
  f.ask("never");
  f.settle();
  f.wire->reset();
  f.settle();
  CHECK(f.take() == strings{"partly: lost, written", "large: lost, written", "never: unreachable, not written"});
}

TEST_CASE("After READONLY nothing more is taken, but what was sent gets its answers") {
  fixture f;
  f.ask("a");
  f.ask("b");
  f.settle();
  f.peer->say("-READONLY You can't\r\n");
  f.settle();
  CHECK(f.take() == strings{"a: error, written, READONLY"});
  CHECK(!f.on->usable());
  CHECK(f.reason.empty());
  f.ask("c");
  CHECK(f.take() == strings{"c: unreachable, not written"});
  f.peer->say("-READONLY You can't\r\n");
  f.settle();
  CHECK(f.take() == strings{"b: error, written, READONLY"});
  CHECK(f.reason == "the server answers READONLY");
}

TEST_CASE("A reply that nobody is owed, or one that is none, ends the connection") {
  SUBCASE("unasked") {
    fixture f;
    f.peer->say("+hello\r\n");
    f.settle();
    CHECK(f.reason == "the server sent a reply that nobody is owed");
  }
  SUBCASE("no reply") {
    fixture f;
    f.ask("a");
    f.settle();
    f.peer->say("HTTP/1.1 400\r\n");
    f.settle();
    CHECK(f.take() == strings{"a: lost, written"});
    CHECK(f.reason.starts_with("not RESP2"));
  }
}

TEST_CASE("What came before anybody looked is seen") {
  support::loop_fixture f;
  auto [client, server] = transport::memory_channel::make_pair(f.loop.ready());
  support::memory_peer peer{std::move(server)};
  peer.say("+hello\r\n");
  f.settle();
  connection on{f.loop, std::move(client), {}};
  f.settle();
  CHECK(!on.usable());
}

TEST_CASE("Too many commands are refused") {
  fixture f{64 * 1024, 2};
  f.ask("a");
  f.ask("b");
  f.ask("c");
  f.settle();
  CHECK(f.take() == strings{"c: unreachable, not written"});
  f.peer->say("+1\r\n+2\r\n");
  f.settle();
}

TEST_CASE("Nothing is sent where no time is left") {
  fixture f;
  f.ask("a", milliseconds{0});
  f.settle();
  CHECK(f.take() == strings{"a: timed_out, not written"});
  CHECK(f.peer->heard().empty());
}

TEST_CASE("A batch is one write; what it lacks at its deadline has timed out, the rest counts") {
  fixture f;
  std::vector<outcome> came;
  const auto batch = [](fixture& in, std::vector<outcome>& into) -> transport::task<> {
    into = co_await in.on->ask_all({command{"a"}, command{"b"}, command{"c"}}, in.loop.now() + milliseconds{100});
  };
  f.start(batch(f, came));
  CHECK(f.peer->heard() == "*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n*1\r\n$1\r\nc\r\n");
  f.peer->say("+1\r\n-OOM no\r\n");
  f.settle();
  CHECK(came.empty());
  f.advance(milliseconds{100});
  REQUIRE(came.size() == 3);
  CHECK(shown(came[0]) == "1");
  CHECK(shown(came[1]) == "error, written, OOM");
  CHECK(shown(came[2]) == "timed_out, written");
  f.peer->say("+late\r\n");
  f.settle();
  CHECK(f.on->usable());

  const auto nothing = [](fixture& in, std::vector<outcome>& into) -> transport::task<> {
    into = co_await in.on->ask_all({}, in.loop.now() + milliseconds{100});
  };
  f.start(nothing(f, came));
  CHECK(came.empty());
}

TEST_CASE("Whoever leaves is not told, and the others are answered as if nothing had happened") {
  for (const bool sent : {false, true}) {
    CAPTURE(sent);
    fixture f;
    {
      const auto asking = std::make_unique<transport::background>(f.ask("left", command{"left"}, time::instant::max()));
      f.ask("stays");
      if (sent) f.settle();
    }
    f.settle();
    CHECK(f.peer->heard() == (sent ? "*1\r\n$4\r\nleft\r\n*1\r\n$5\r\nstays\r\n" : "*1\r\n$5\r\nstays\r\n"));
    f.peer->say(sent ? "+1\r\n+2\r\n" : "+2\r\n");
    f.settle();
    CHECK(f.take() == strings{"stays: 2"});
  }
}

TEST_CASE("Whoever leaves in the turn in which the answer came does no harm") {
  fixture f;
  auto asking = std::make_unique<transport::background>(f.ask("left", command{"left"}, time::instant::max()));
  f.settle();
  f.peer->say("+1\r\n");
  f.on->close("gone");  // the answers are there and not yet picked up
  asking.reset();
  f.settle();
  CHECK(f.take().empty());
}

TEST_CASE("A connection that is destroyed tells whoever waits that the answer is lost") {
  support::loop_fixture f;
  auto [client, server] = transport::memory_channel::make_pair(f.loop.ready());
  auto on = std::make_unique<connection>(f.loop, std::move(client), connection_options{});
  std::string came;
  const auto ask = [](connection& of, std::string& into) -> transport::task<> {
    const auto answer = co_await of.ask(command{"a"}, time::instant::max());
    into = shown(answer);
  };
  f.start(ask(*on, came));
  on.reset();
  f.settle();
  CHECK(came == "lost, written");
}

}  // namespace
}  // namespace gateway::store::redis
