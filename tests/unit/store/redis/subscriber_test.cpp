#include "store/redis/subscriber.hpp"

#include "memory_server.hpp"

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;
using strings = std::vector<std::string>;

struct fixture : redis_fixture {
  void begin(std::vector<std::string> channels) {
    it.emplace(link::parts{.network = wires(),
                           .place = somewhere(),
                           .identity = {},
                           .options = {.connect_timeout = milliseconds{1000},
                                       .reconnect = {.first = milliseconds{100}, .most = milliseconds{400}},
                                       .connection = {}},
                           .uniform = [] { return 0.0; },
                           .observer = watcher},
               std::move(channels),
               subscriber::handlers{.subscribed = [this] { notes.emplace_back("subscribed"); },
                                    .message =
                                        [this](std::string_view channel, std::string_view message) {
                                          notes.push_back(std::string{channel} + ": " + std::string{message});
                                        }},
               milliseconds{1000});
    it->start();
    greet();
    watcher.take();
  }
  std::string heard() { return server.peer().heard(); }
  void say(std::string_view bytes) {
    CHECK(server.peer().say(bytes));
    settle();
  }
  strings take() { return std::exchange(notes, {}); }

  static constexpr std::string_view confirmed_a = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
  static constexpr std::string_view confirmed_b = "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n";
  static constexpr std::string_view message = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n";

  std::optional<subscriber> it;
  strings notes;
};

TEST_CASE("A subscriber says when all its channels are confirmed, and brings the messages") {
  fixture f;
  f.begin({"a", "b"});
  CHECK(f.heard() == "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n");
  f.say(fixture::confirmed_a);
  CHECK(f.take().empty());
  CHECK(!f.it->subscribed());
  f.say(fixture::confirmed_b);
  CHECK(f.it->subscribed());
  f.say(fixture::message);
  CHECK(f.take() == strings{"subscribed", "a: hello"});
}

TEST_CASE("Messages may be cut anywhere") {
  for (std::size_t cut = 0; cut < fixture::message.size(); ++cut) {
    fixture f;
    f.begin({"a"});
    f.say(fixture::confirmed_a);
    f.say(fixture::message.substr(0, cut));
    f.say(fixture::message.substr(cut));
    CHECK(f.take() == strings{"subscribed", "a: hello"});
  }
}

TEST_CASE("After a connection was lost it says that it is subscribed again") {
  fixture f;
  f.begin({"a"});
  f.say(fixture::confirmed_a);
  f.take();
  f.server.reset();
  f.settle();
  CHECK(!f.it->subscribed());
  f.advance(milliseconds{50});
  f.greet("r2");
  CHECK(f.heard().contains("SUBSCRIBE"));
  f.say(fixture::confirmed_a);
  CHECK(f.take() == strings{"subscribed"});
}

TEST_CASE("In silence a sign of life is asked for, and without one the connection ends") {
  fixture f;
  f.begin({"a"});
  f.say(fixture::confirmed_a);
  f.heard();
  f.advance(milliseconds{1000});
  CHECK(f.heard() == "*1\r\n$4\r\nPING\r\n");
  f.say("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  f.advance(milliseconds{1000});
  CHECK(f.heard() == "*1\r\n$4\r\nPING\r\n");
  f.watcher.take();
  f.advance(milliseconds{1000});
  CHECK(f.watcher.take() == strings{"disconnected the server gives no sign of life, 50 ms"});
  CHECK(!f.it->subscribed());
}

TEST_CASE("A subscription that is refused ends the connection, and is tried again later and later") {
  fixture f;
  f.begin({"a"});
  f.say("-NOPERM this user has no permissions to access one of the channels\r\n");
  CHECK(f.watcher.take() == strings{"disconnected SUBSCRIBE was refused: NOPERM, 50 ms"});
  f.advance(milliseconds{50});
  f.greet();
  f.say("-NOPERM this user has no permissions to access one of the channels\r\n");
  CHECK(f.watcher.told.back() == "disconnected SUBSCRIBE was refused: NOPERM, 100 ms");
}

}  // namespace
}  // namespace gateway::store::redis
