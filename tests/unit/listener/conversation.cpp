#include <doctest/doctest.h>

#include <stdexcept>

#include "foundation/transport/memory.hpp"
#include "foundation/transport/parking.hpp"
#include "listener/server.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace {

using namespace gateway;
using namespace gateway::listener;
using namespace std::chrono_literals;
using transport::memory_channel;
using transport::task;

// Answers with what it got.
struct echo final : handler {
  explicit echo(transport::loop& on) : loop{on} {}
  std::unique_ptr<scratch> make_scratch() override {
    ++scratches;
    return std::make_unique<scratch>();
  }
  std::size_t on_head(exchange& x) override {
    if (x.head.path() == "/refuse") {
      errors::failure f;
      f.id = errors::problem::forbidden;
      answer_with(x, f);
    }
    last = &x;
    key_shown = x.head.fields.get(http::field::authorization).value_or("");
    return x.head.path() == "/large" ? 100'000 : 1000;
  }
  task<> on_request(exchange& x) override {
    if (x.head.path() == "/throw") throw std::runtime_error{"an internal detail"};
    if (x.head.path() == "/slow") {
      transport::parking place{loop.ready()};
      co_await place.wait(loop.deadlines(), loop.now() + 5s);
    }
    if (x.head.path() == "/waits") {
      auto waited = co_await transport::unless_gone(wait(loop), &x.caller_left);
      departures += waited ? 0 : 1;
    }
    x.reply.status = 200;
    x.reply.content_type = "text/plain";
    x.reply.body = x.body;
    if (x.head.path() == "/long") x.reply.body.assign(50'000, 'x');
    if (x.reply.body.empty()) x.reply.body = "nothing";
  }
  static task<bool> wait(transport::loop& on) {
    transport::parking place{on.ready()};
    co_await place.wait(on.deadlines(), on.now() + 5s);
    co_return true;
  }
  void on_failure(const exchange&, std::string_view reason) override { failures.emplace_back(reason); }
  void on_done(const exchange& x, time::duration) override {
    done.push_back(x.reply.status);
    methods.push_back(x.head.method);
  }
  transport::loop& loop;
  exchange* last = nullptr;
  std::string key_shown;
  int scratches = 0;
  int departures = 0;
  std::vector<unsigned> done;
  std::vector<http::verb> methods;  // of these
  std::vector<std::string> failures;
};

struct listener_fixture : support::loop_fixture {
  echo serves{loop};
  random::seeded_source randomness{1};
  admission::connection_ledger connections{{.in_all = 3, .per_peer = 3}};
  admission::request_count requests{2};
  admission::load_gate load{requests, 100ms};
  server subject{
      loop, serves, {.limits = {.head = 1024, .target = 200}, .connections = &connections, .load = &load}, randomness};

  ~listener_fixture() { settle(); }  // the callers have left: the server hears of it before it goes

  support::memory_peer connect(std::size_t capacity = 64 * 1024) {
    auto [mine, theirs] = memory_channel::make_pair(loop.ready(), capacity);
    subject.accept(std::move(theirs));
    settle();
    return support::memory_peer{std::move(mine)};
  }
  std::string ask(support::memory_peer& peer, std::string_view request) {
    CHECK(peer.say(request));
    settle();
    return peer.heard();
  }
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr std::string_view get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_CASE_FIXTURE(listener_fixture, "a request that waits has memory for its bytes, not for all that might have come") {
  auto peer = connect();
  const std::string body(300, 'x');
  const auto request = "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n" + body;
  for (int i = 0; i < 2; ++i) {
    CHECK(ask(peer, request).empty());
    REQUIRE(serves.last != nullptr);
    CHECK(serves.last->input == request);
    CHECK(serves.last->input.capacity() < 2 * request.size());
    CHECK(serves.last->body == body);
    advance(5s);
    CHECK(body_of(peer.heard()) == body);
  }
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "what a caller shows to be known by is forgotten once it is known") {
  auto peer = connect();
  CHECK(ask(peer,
            "GET /slow HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer example-key-not-real\r\nX-Other: stays\r\n"
            "Cookie:\r\nCookie: example-cookie-not-real\r\nProxy-Authorization: Basic example-not-real\r\n\r\n")
            .empty());
  REQUIRE(serves.last != nullptr);
  CHECK(serves.key_shown == "Bearer example-key-not-real");  // in time
  CHECK_FALSE(has(serves.last->input, "not-real"));
  CHECK(has(serves.last->input, "X-Other: stays"));
  advance(5s);
  CHECK(body_of(peer.heard()) == "nothing");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "a connection serves one request after the other and keeps one exchange") {
  auto peer = connect();
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask(peer, get);
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\nDate: Fri, 23 Aug 2024 00:00:00 GMT\r\n"));
    CHECK(has(answer, "\r\nContent-Length: 7\r\n"));
    CHECK(body_of(answer) == "nothing");
  }
  CHECK(serves.scratches == 1);
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "requests may come byte by byte or several at once") {
  auto peer = connect();
  const std::string_view post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  std::string answer;
  for (const char c : post) answer += ask(peer, {&c, 1});
  CHECK(body_of(answer) == "hello");
  answer = ask(peer, std::string{post} + "\r\n" + std::string{get} + std::string{post});
  CHECK(serves.done.size() == 4);
  CHECK(body_of(answer).starts_with("hello"));
  CHECK(has(answer, "nothing"));
  answer.clear();
  const auto after_lines = "\r\n\r\n\r\n" + std::string{get};
  for (const char c : after_lines) answer += ask(peer, {&c, 1});
  CHECK(body_of(answer) == "nothing");
  CHECK(body_of(ask(peer, after_lines)) == "nothing");
  CHECK(serves.done.size() == 6);
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "who sends many requests at once lets the others have their turn") {
  auto many = connect();
  auto one = connect();
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += get;
  CHECK(many.say(hundred));
  CHECK(one.say(get));
  loop.turn();
  CHECK(serves.done.size() < 20);
  CHECK(body_of(one.heard()) == "nothing");
  for (int i = 0; i < 4; ++i) settle();
  CHECK(serves.done.size() == 101);
  many.leave();
  one.leave();
}

TEST_CASE_FIXTURE(listener_fixture,
                  "a body takes no memory before it comes, and an answer that is not read is held once") {
  auto sender = connect();
  ask(sender, "POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n{");
  CHECK(serves.last->collected.capacity() < 10'000);
  sender.leave();

  auto reader = connect(1000);
  ask(reader, "GET /long HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(serves.last->output.size() > 50'000);
  CHECK(serves.last->reply.body.capacity() < 10'000);
  reader.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "a chunked body is put together, and what follows it is the next request") {
  auto peer = connect();
  const auto answer = ask(peer,
                          "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(has(answer, "\r\n\r\nhelloHTTP/1.1 200"));
  CHECK(serves.done.size() == 2);
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "who asks whether to go on is told so before the body") {
  auto peer = connect();
  CHECK(ask(peer, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n") ==
        "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(body_of(ask(peer, "hello")) == "hello");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "what is refused is counted by its own method, where it has one") {
  {
    auto peer = connect();
    ask(peer, "DELETE /a HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  settle();
  for (const std::string_view bytes : {"\x16\x03\x01\x02 \r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    auto peer = connect();
    ask(peer, std::string{bytes});
    settle();
  }
  CHECK(serves.done == std::vector<unsigned>{200, 400, 400});
  CHECK(serves.methods == std::vector{http::verb::delete_, http::verb::unknown, http::verb::get});
}

TEST_CASE_FIXTURE(listener_fixture, "a HEAD is answered like a GET without the body, and the connection goes on") {
  auto peer = connect();
  const auto answer = ask(peer, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(has(answer, "Content-Length: 7\r\n"));
  CHECK(body_of(answer) == "");
  CHECK(body_of(ask(peer, get)) == "nothing");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "a refusal before the body leaves the connection usable") {
  auto peer = connect();
  const auto answer = ask(peer, "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 403 "));
  CHECK(has(answer, "Content-Type: application/problem+json"));
  CHECK(body_of(ask(peer, "hello" + std::string{get})) == "nothing");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "of a body that nobody wants nothing is kept, and it has to come soon") {
  auto peer = connect();
  const auto refused = "POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" + std::string(20'000, 'x');
  CHECK(has(ask(peer, refused), "403"));
  REQUIRE(serves.last != nullptr);
  CHECK(serves.last->collected.capacity() < 10'000);
  CHECK(ask(peer, std::string(30'000, 'x')).empty());
  CHECK(serves.last->collected.capacity() < 10'000);
  CHECK(body_of(ask(peer, std::string(10'000, 'x') + std::string{get})) == "nothing");
  CHECK(has(ask(peer, refused), "403"));
  advance(4s);
  CHECK(peer.heard().empty());
  CHECK_FALSE(peer.ended());
  advance(1s);
  CHECK(peer.heard().empty());
  CHECK(peer.ended());
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "a body beyond the limit is refused unread") {
  auto peer = connect();
  auto answer = ask(peer, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
  CHECK(has(answer, "/problems/content-too-large"));
  CHECK(body_of(ask(peer, get)) == "nothing");  // small enough to be read past
  answer = ask(peer, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n");
  CHECK(has(answer, "/problems/content-too-large"));
  CHECK(has(answer, "Connection: close"));
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "chunks beyond the limit are refused and end the connection") {
  auto peer = connect();
  const auto answer = ask(peer, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n");
  CHECK(has(answer, "/problems/content-too-large"));
  CHECK(has(answer, "Connection: close"));
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "bytes that are not HTTP get a problem document and the end of the connection") {
  for (const std::string_view bytes : {std::string_view{"\x16\x03\x01\x00\xa5\x01\x00", 7},
                                       std::string_view{"hello\r\n\r\n"}, std::string_view{"GET / HTTP/1.1\r\n\r\n"}}) {
    auto peer = connect();
    const auto answer = ask(peer, bytes);
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(has(answer, "/problems/malformed-request"));
    CHECK(has(answer, "X-Request-Id: "));
    CHECK(peer.ended());
    peer.leave();
    settle();
  }
}

TEST_CASE_FIXTURE(listener_fixture, "heads and targets that are too long have their own answers") {
  auto peer = connect();
  CHECK(has(ask(peer, "GET / HTTP/1.1\r\nX: " + std::string(2000, 'a')), "/problems/headers-too-large"));
  peer.leave();
  auto other = connect();
  CHECK(has(ask(other, "GET /" + std::string(300, 'a') + " HTTP/1.1\r\n"), "/problems/uri-too-long"));
  other.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "a head or a body that does not arrive in time is told so") {
  auto peer = connect();
  CHECK(ask(peer, "GET /a HTT") == "");
  advance(10s);
  auto answer = peer.heard();
  CHECK(has(answer, "HTTP/1.1 408 "));
  CHECK(has(answer, "/problems/request-timeout"));
  CHECK(peer.ended());
  peer.leave();
  auto other = connect();
  CHECK(ask(other, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe") == "");
  advance(30s);
  CHECK(has(other.heard(), "/problems/request-timeout"));
  other.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "an idle connection is closed without a word when its time is over") {
  auto peer = connect();
  ask(peer, get);
  advance(74s);
  CHECK(peer.heard() == "");
  CHECK_FALSE(peer.ended());
  advance(1s);
  CHECK(peer.heard() == "");
  CHECK(peer.ended());
  CHECK(subject.connections() == 0);
}

TEST_CASE_FIXTURE(listener_fixture, "what fails inside is a 500 that tells nothing of the inside") {
  auto peer = connect();
  const auto answer = ask(peer, "GET /throw HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK_FALSE(has(answer, "internal detail"));
  CHECK(serves.failures == std::vector<std::string>{"an internal detail"});
  CHECK(body_of(ask(peer, get)) == "nothing");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "the caller's request id is kept if it is sane, and made otherwise") {
  auto peer = connect();
  auto answer = ask(peer, "GET /refuse HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\n\r\n");
  CHECK(has(answer, "X-Request-Id: my-id.1\r\n"));
  answer = ask(peer, "GET /refuse HTTP/1.1\r\nHost: h\r\nX-Request-Id: <script>\r\n\r\n");
  CHECK_FALSE(has(answer, "<script>"));
  CHECK(has(answer, "X-Request-Id: "));
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture,
                  "the caller's request id is kept where the rest of its head is refused, if it has come") {
  const auto long_value = std::string(2000, 'a');
  for (const auto& head : {
           std::string{"POST /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\nTransfer-Encoding: gzip\r\n\r\n"},
           std::string{"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\nx-request-id: my-id.1\r\n\r\n"},
           std::string{"GET /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\nBad Name: b\r\n\r\n"},
           "GET /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\nX: " + long_value + "\r\n\r\n",
           "GET /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\nX: " + long_value,
           "GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\n\r\n",
       }) {
    CAPTURE(head);
    auto peer = connect();
    const auto answer = ask(peer, head);
    CHECK(answer.starts_with("HTTP/1.1 4"));
    CHECK(has(answer, "X-Request-Id: my-id.1\r\n"));
    CHECK(has(answer, R"("request_id":"my-id.1")"));
    peer.leave();
    settle();
  }
  auto slow = connect();
  CHECK(ask(slow, "GET /a HTTP/1.1\r\nX-Request-Id: my-id.1\r\nHo").empty());
  advance(10s);
  CHECK(has(slow.heard(), "X-Request-Id: my-id.1\r\n"));
  slow.leave();
  auto insane = connect();
  CHECK_FALSE(has(ask(insane, "GET /a HTTP/1.1\r\nX-Request-Id: <script>\r\n\r\n"), "script"));
  insane.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "connections beyond the limit are told so; one of them stays free to say it") {
  std::vector<support::memory_peer> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(connect());
  auto beyond = connect();
  const auto answer = beyond.heard();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(has(answer, "/problems/overloaded"));
  CHECK(has(answer, "\"guard\":\"overload\""));
  CHECK(has(answer, "Retry-After: 1\r\n"));
  CHECK(body_of(ask(peers[0], get)) == "nothing");
}

TEST_CASE_FIXTURE(listener_fixture, "draining closes what is idle at once and what is busy after its answer") {
  auto idle = connect();
  ask(idle, get);
  auto busy = connect();
  CHECK(ask(busy, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n") == "");
  CHECK(subject.busy() == 1);
  subject.drain();
  settle();
  CHECK(idle.heard() == "");
  CHECK(idle.ended());
  CHECK_FALSE(busy.ended());
  advance(5s);
  const auto answer = busy.heard();
  CHECK(answer.starts_with("HTTP/1.1 200 "));
  CHECK(has(answer, "Connection: close\r\n"));
  busy.leave();
  settle();
  CHECK(subject.connections() == 0);
}

constexpr std::string_view waits = "GET /waits HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_CASE_FIXTURE(listener_fixture, "a caller that leaves while its request is handled is gone at once") {
  auto peer = connect();
  ask(peer, waits);
  CHECK(subject.busy() == 1);
  peer.leave();
  settle();
  CHECK(serves.departures == 1);
  CHECK(subject.busy() == 0);
  CHECK(subject.connections() == 0);
}

TEST_CASE_FIXTURE(listener_fixture,
                  "a caller that only closes its own direction counts as gone, and is still answered") {
  auto peer = connect();
  ask(peer, waits);
  peer.channel().finish();
  settle();
  CHECK(serves.departures == 1);
  CHECK(peer.heard().starts_with("HTTP/1.1 200 "));
  auto early = connect();
  CHECK(early.say(waits));
  early.channel().finish();
  settle();
  CHECK(serves.departures == 2);
}

TEST_CASE_FIXTURE(listener_fixture,
                  "who leaves before its body has come is told of as one that left, not as one that took too long") {
  auto peer = connect();
  CHECK(ask(peer, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe").empty());
  CHECK(serves.done.empty());
  peer.leave();
  settle();
  CHECK(serves.done == std::vector<unsigned>{499});
}

TEST_CASE_FIXTURE(listener_fixture, "a caller that sends its next request meanwhile is not gone") {
  auto peer = connect();
  ask(peer, waits);
  CHECK(ask(peer, waits) == "");
  CHECK(serves.departures == 0);
  advance(5s);
  CHECK(body_of(peer.heard()) == "nothing");
  peer.leave();  // the second request is the first one's heir, not its departure
  settle();
  CHECK(serves.departures == 1);
  CHECK(serves.done.size() == 2);
}

TEST_CASE_FIXTURE(listener_fixture,
                  "a caller that reads slowly gets all of its answer, one that does not read is cut off") {
  auto peer = connect(16);
  std::string all;
  CHECK(peer.say("GET /a HTTP/1"));
  settle();
  CHECK(peer.say(".1\r\nHost: h\r\n\r\n"));
  for (int i = 0; i < 40; ++i) {
    settle();
    all += peer.heard();
  }
  CHECK(body_of(all) == "nothing");
  peer.say("GET /a HTTP/1.1");
  settle();
  peer.say("\r\nHost: h\r\n\r\n");
  settle();
  advance(30s);
  CHECK(subject.connections() == 1);
  advance(2s);
  CHECK(subject.connections() == 0);
}

TEST_CASE_FIXTURE(listener_fixture, "where many are turned away at once, the others are closed without a word") {
  std::vector<support::memory_peer> served;
  for (int i = 0; i < 3; ++i) served.push_back(connect());
  std::vector<support::memory_peer> told;
  for (int i = 0; i < 16; ++i) {
    told.push_back(connect());
    CHECK(told.back().heard().starts_with("HTTP/1.1 503 "));
  }
  auto untold = connect();
  CHECK(untold.heard() == "");
  CHECK(untold.ended());
  CHECK(connections.open() == 3);
  told.clear();
  settle();
  CHECK(connect().heard().starts_with("HTTP/1.1 503 "));
  served.clear();
  settle();
  CHECK(connections.open() == 0);
  auto next = connect();
  CHECK(body_of(ask(next, get)) == "nothing");
}

TEST_CASE_FIXTURE(listener_fixture,
                  "a request beyond those in flight is refused, and its connection serves the next one") {
  auto one = connect();
  auto two = connect();
  auto three = connect();
  ask(one, waits);
  ask(two, waits);
  CHECK(requests.now() == 2);
  const auto refused = ask(three, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(refused.starts_with("HTTP/1.1 503 "));
  CHECK(has(refused, "\r\nRetry-After: 1\r\n"));
  CHECK(has(refused, R"("upstream_effect":"none")"));
  CHECK(has(refused, R"("decision":{"guard":"overload","limit":"requests-in-flight","state":"2 of 2 used"})"));
  CHECK_FALSE(has(refused, "Connection: close"));
  advance(5s);
  CHECK(requests.now() == 0);
  CHECK(body_of(ask(three, get)) == "nothing");
}

TEST_CASE_FIXTURE(listener_fixture, "bodies on their way are not in flight, and are asked again when they are there") {
  const std::string_view start = "POST /waits HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel";
  std::vector<support::memory_peer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(connect());
    CHECK(ask(peers.back(), start) == "");
  }
  CHECK(requests.now() == 0);
  CHECK(ask(peers[0], "lo") == "");
  CHECK(ask(peers[1], "lo") == "");
  CHECK(has(ask(peers[2], "lo"), "requests-in-flight"));
  CHECK(requests.now() == 2);
  advance(5s);
  CHECK(body_of(peers[0].heard()) == "hello");
  CHECK(body_of(ask(peers[2], get)) == "nothing");
}

TEST_CASE_FIXTURE(listener_fixture, "a loop that is behind serves a share of its requests until it has caught up") {
  auto peer = connect();
  for (int i = 0; i < 20; ++i) load.late_by(100ms);
  int served = 0;
  for (int i = 0; i < 32; ++i) {
    const auto answer = ask(peer, get);
    served += answer.starts_with("HTTP/1.1 200 ") ? 1 : 0;
    if (!answer.starts_with("HTTP/1.1 200 ")) CHECK(has(answer, R"("limit":"loop-lag")"));
  }
  CHECK(served == 2);
  for (int i = 0; i < 20; ++i) load.late_by(0ms);
  for (int i = 0; i < 32; ++i) CHECK(body_of(ask(peer, get)) == "nothing");
  peer.leave();
}

TEST_CASE_FIXTURE(listener_fixture, "empty lines do not keep an idle connection open") {
  auto peer = connect();
  ask(peer, get);
  for (int i = 0; i < 7; ++i) {
    advance(10s);
    CHECK(ask(peer, i % 2 == 0 ? "\r\n" : "\r") == "");
    if (i % 2 != 0) CHECK(ask(peer, "\n") == "");
    CHECK_FALSE(peer.ended());
  }
  advance(5s);
  CHECK(peer.heard() == "");
  CHECK(peer.ended());
}

TEST_CASE_FIXTURE(listener_fixture, "a connection that says nothing at all is closed as an idle one") {
  auto peer = connect();
  advance(75s);
  CHECK(peer.heard() == "");
  CHECK(peer.ended());
  CHECK(connections.open() == 0);
}

}  // namespace
