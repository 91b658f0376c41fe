#include "upstream/exchange.hpp"

#include <doctest/doctest.h>

#include "foundation/transport/memory.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace {

using namespace gateway;
using namespace gateway::upstream;
using namespace std::chrono_literals;
using namespace std::string_literals;
using transport::io_result;
using transport::io_status;
using transport::memory_channel;
using transport::task;

constexpr std::string_view request = "POST /x HTTP/1.1\r\nHost: podero.test\r\nContent-Length: 2\r\n\r\n{}";
constexpr std::string_view answer_201 =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"id\":1}\n";

// The connection breaks when so many bytes have been handed to it.
class breaking_channel final : public transport::channel {
 public:
  breaking_channel(std::unique_ptr<memory_channel> below, std::size_t takes)
      : below_{std::move(below)}, takes_{takes} {}
  io_result try_read(std::span<char> into) noexcept override { return below_->try_read(into); }
  io_result try_write(std::span<const char> from) noexcept override {
    if (takes_ == 0) return {io_status::failed, 0};
    const auto put = below_->try_write(from.first(std::min(from.size(), takes_)));
    takes_ -= put.bytes;
    return put;
  }
  void finish() noexcept override { below_->finish(); }
  transport::readiness& ready() noexcept override { return below_->ready(); }
  std::string reason() const override { return "broken"; }

 private:
  std::unique_ptr<memory_channel> below_;
  std::size_t takes_;
};

struct exchange_fixture : support::loop_fixture {
  http::parse_limits limits{.head = 1000, .body = 100};
  std::unique_ptr<transport::channel> mine;
  std::optional<support::memory_peer> server;
  answer got;
  std::optional<exchange_result> result;
  asking what = asking::content;

  void connect(std::size_t capacity = 64 * 1024) {
    auto [a, b] = memory_channel::make_pair(loop.ready(), capacity);
    mine = std::move(a);
    server.emplace(std::move(b));
  }
  static task<> run(exchange_fixture& self, std::string bytes, time::instant deadline) {
    self.result = co_await exchange(self.loop, *self.mine, bytes, self.limits, self.got, deadline, self.what);
  }
  void send(std::string_view bytes = request) {
    result.reset();
    start(run(*this, std::string{bytes}, loop.now() + 10s));
  }
  // What becomes of a request that is answered by `bytes`, all at once, after which the server closes in good order.
  const exchange_result& answered_by(std::string_view bytes) {
    connect();
    send();
    server->say(bytes);
    server->channel().finish();
    settle();
    REQUIRE(result.has_value());
    return *result;
  }
  void check_unusable(std::string_view bytes, std::string_view why) {
    CAPTURE(std::string{bytes});
    const auto& r = answered_by(bytes);
    CHECK(r.end == exchange_end::unusable);
    CHECK(r.reason == why);
    CHECK(r.sent);
    CHECK(r.heard);
  }
};

TEST_CASE_FIXTURE(exchange_fixture, "a request goes out whole and an answer with a length comes back") {
  connect();
  send();
  CHECK(server->heard() == request);
  CHECK_FALSE(result.has_value());
  advance(2s);
  server->say(answer_201);
  settle();
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::answered);
  CHECK(result->sent);
  CHECK(result->heard);
  CHECK(result->sent_at == loop.now() - 2s);
  CHECK(got.head.status == 201);
  CHECK(got.body == "{\"id\":1}\n");
  CHECK(got.head.fields.get(http::field::content_type) == "application/json");
  CHECK(got.keep_alive);
  CHECK_FALSE(got.keeps_idle_for.has_value());
}

TEST_CASE_FIXTURE(exchange_fixture, "an answer may come a byte at a time, and its fields stay where they point to") {
  connect(1);
  send();
  std::string seen;
  for (std::size_t i = 0; i < request.size(); ++i) {
    seen += server->heard();
    settle();
  }
  CHECK(seen == request);
  for (const char c : answer_201) {
    server->say({&c, 1});
    settle();
  }
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::answered);
  CHECK(got.body == "{\"id\":1}\n");
  CHECK(got.head.fields.get(http::field::content_type) == "application/json");
}

TEST_CASE_FIXTURE(exchange_fixture, "fields still point right when a long body made the memory move") {
  limits.body = 200'000;
  connect();
  send();
  const std::string body(150'000, 'x');
  std::string all = "HTTP/1.1 200 OK\r\nX-Mark: here\r\nContent-Length: 150000\r\n\r\n" + body;
  for (std::string_view rest = all; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(rest.size(), 50'000))) {
    server->say(rest.substr(0, 50'000));
    settle();
  }
  REQUIRE(result.has_value());
  CHECK(got.body == body);
  CHECK(got.head.fields.get("x-mark") == "here");
}

TEST_CASE_FIXTURE(exchange_fixture, "a chunked answer is put together, its trailers are dropped") {
  answered_by(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3;ext=1\r\nefg\r\n0\r\nX-T: 1\r\n\r\n");
  CHECK(result->end == exchange_end::answered);
  CHECK(got.body == "abcdefg");
  CHECK(got.keep_alive);
}

TEST_CASE_FIXTURE(exchange_fixture, "an answer without a length lasts until a clean end, and its connection ends too") {
  answered_by("HTTP/1.1 200 OK\r\n\r\nabc");
  CHECK(result->end == exchange_end::answered);
  CHECK(got.body == "abc");
  CHECK_FALSE(got.keep_alive);

  connect();
  send();
  server->say("HTTP/1.1 200 OK\r\n\r\nabc");
  settle();
  CHECK_FALSE(result.has_value());
  static_cast<memory_channel&>(server->channel()).reset();
  settle();
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::lost);
}

TEST_CASE_FIXTURE(exchange_fixture, "interim answers are skipped") {
  answered_by(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
  CHECK(result->end == exchange_end::answered);
  CHECK(got.head.status == 204);
  CHECK(got.head.fields.all().empty());
  CHECK(got.body == "");
  CHECK(got.keep_alive);

  std::string endless;
  for (int i = 0; i < 100; ++i) endless += "HTTP/1.1 102 Processing\r\n\r\n";
  check_unusable(endless, "too many interim answers");
}

TEST_CASE_FIXTURE(exchange_fixture, "a connection is reusable only when the answer says so and nothing follows it") {
  answered_by("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
  CHECK_FALSE(got.keep_alive);
  answered_by("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx");
  CHECK_FALSE(got.keep_alive);
  answered_by("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx");
  CHECK(got.keep_alive);
  for (const auto* with_more : {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", "HTTP/1.1 204 No Content\r\n\r\ny",
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\ny"}) {
    CAPTURE(with_more);
    answered_by(with_more);
    CHECK(result->end == exchange_end::answered);
    CHECK(got.surplus);
    CHECK_FALSE(got.keep_alive);
  }
}

TEST_CASE_FIXTURE(exchange_fixture, "how long the server keeps idle connections is read from its answer") {
  answered_by("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 1\r\n\r\nx");
  CHECK(got.keeps_idle_for == 5s);
  answered_by(answer_201);
  CHECK_FALSE(got.keeps_idle_for.has_value());
}

TEST_CASE_FIXTURE(exchange_fixture, "answers larger than allowed are refused, whatever says how large they are") {
  check_unusable("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "the answer's body is larger than 100 bytes");
  check_unusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x') + "\r\n40\r\n",
                 "the answer's body is larger than 100 bytes");
  check_unusable("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), "the answer's body is larger than 100 bytes");
  check_unusable("HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'x'), "the answer's header is larger than 1000 bytes");
  const std::string around = "HTTP/1.1 204 No Content\r\nX: \r\n\r\n";
  const auto head_of = [&](std::size_t size) {
    return std::string{around}.insert(around.size() - 4, size - around.size(), 'x');
  };
  answered_by(head_of(1000));
  CHECK(result->end == exchange_end::answered);
  check_unusable(head_of(1001), "the answer's header is larger than 1000 bytes");  // though it is there, whole
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 65; ++i) many += "A: b\r\n";
  check_unusable(many + "\r\n", "the answer has too many header fields");
  answered_by("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  CHECK(result->end == exchange_end::answered);
}

TEST_CASE_FIXTURE(exchange_fixture, "what is not HTTP, or has two readings, is refused") {
  check_unusable("SSH-2.0-OpenSSH_9.2\r\n\r\n", "the answer is not HTTP/1.1");
  check_unusable("HTTP/1.1 2x0 OK\r\n\r\n", "the answer is not HTTP/1.1");
  check_unusable("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
                 "the answer has more than one Content-Length");
  check_unusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
                 "the answer has a Transfer-Encoding that is not exactly chunked");
  check_unusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                 "the answer has a Transfer-Encoding that is not exactly chunked");
  check_unusable("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 "the answer has a Transfer-Encoding that is not exactly chunked");
  check_unusable("HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\nContent-Length: 1\r\n\r\nx",
                 "the answer's header has folded lines");
  check_unusable("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                 "the answer switches to a protocol that nobody asked for");
  check_unusable("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer's chunks are malformed");
  const auto& both = answered_by("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(both.end == exchange_end::unusable);
}

TEST_CASE_FIXTURE(exchange_fixture,
                  "a request that broke off after any byte was sent only if its last byte was taken") {
  for (std::size_t taken = 0; taken <= request.size(); ++taken) {
    CAPTURE(taken);
    auto [a, b] = memory_channel::make_pair(loop.ready());
    mine = std::make_unique<breaking_channel>(std::move(a), taken);
    server.emplace(std::move(b));
    send();
    const bool whole = taken == request.size();
    CHECK(server->heard() == request.substr(0, taken));
    CHECK(result.has_value() == !whole);
    if (whole) {
      server->say(answer_201);
      settle();
      REQUIRE(result.has_value());
      CHECK(result->end == exchange_end::answered);
    } else {
      CHECK(result->end == exchange_end::lost);
      CHECK(result->reason == "broken");
    }
    CHECK(result->sent == whole);
    CHECK(result->heard == whole);
  }
}

TEST_CASE_FIXTURE(exchange_fixture, "a server that stops reading after any byte: the request times out, not sent") {
  for (std::size_t taken = 1; taken < request.size(); ++taken) {
    CAPTURE(taken);
    connect(taken);
    send();
    CHECK_FALSE(result.has_value());
    advance(10s);
    REQUIRE(result.has_value());
    CHECK(result->end == exchange_end::timed_out);
    CHECK(result->reason == "the request could not be sent in time");
    CHECK_FALSE(result->sent);
    CHECK_FALSE(result->heard);
    CHECK(request.starts_with(server->heard()));
  }
}

TEST_CASE_FIXTURE(exchange_fixture, "an answer cut after any byte is lost, and heard from its first byte on") {
  const auto chunked =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"s;
  for (const auto& whole : {std::string{answer_201}, chunked})
    for (std::size_t said = 0; said < whole.size(); ++said) {
      CAPTURE(said);
      for (const bool silent : {false, true}) {
        CAPTURE(silent);
        connect();
        send();
        server->say(std::string_view{whole}.substr(0, said));
        if (!silent) server->channel().finish();
        settle();
        CHECK(result.has_value() == !silent);
        if (silent) advance(10s);
        REQUIRE(result.has_value());
        CHECK(result->end == (silent ? exchange_end::timed_out : exchange_end::lost));
        CHECK(result->reason != "");
        CHECK(result->sent);
        CHECK(result->heard == (said > 0));
      }
    }
}

TEST_CASE_FIXTURE(exchange_fixture, "an answer that comes in time is not touched by the deadline that follows") {
  answered_by(answer_201);
  advance(11s);
  CHECK(mine->ready().has(transport::readiness::readable));
  connect();
  send();
  server->say(answer_201);
  settle();
  CHECK(result->end == exchange_end::answered);
  advance(11s);
  send();
  settle();
  CHECK_FALSE(result.has_value());  // the connection is good for another exchange
  server->say(answer_201);
  settle();
  CHECK(result->end == exchange_end::answered);
}

TEST_CASE_FIXTURE(exchange_fixture, "nothing is sent when the deadline has passed") {
  connect();
  result.reset();
  start(run(*this, std::string{request}, loop.now()));
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::timed_out);
  CHECK_FALSE(result->sent);
  CHECK(server->heard() == "");
}

TEST_CASE_FIXTURE(exchange_fixture, "a cancelled exchange says what it knows") {
  connect();
  send();
  mine->ready().interrupt(transport::wake::cancelled);
  settle();
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::lost);
  CHECK(result->reason == "cancelled");
  CHECK(result->sent);
  CHECK_FALSE(result->heard);
}

TEST_CASE_FIXTURE(exchange_fixture,
                  "after a tunnel's 2xx no body follows, whatever its head says; other answers have theirs") {
  what = asking::tunnel;
  connect();
  send();
  server->say("HTTP/1.0 200 Connection established\r\nContent-Length: 5\r\n\r\n");
  settle();
  REQUIRE(result.has_value());
  CHECK(result->end == exchange_end::answered);
  CHECK_FALSE(got.surplus);
  answered_by("HTTP/1.1 200 OK\r\n\r\nbytes");
  CHECK(got.surplus);
  answered_by("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno");
  CHECK(got.head.status == 407);
  CHECK(got.body == "no");
}

}  // namespace
