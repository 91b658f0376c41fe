#include "http2/connection.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "foundation/transport/memory.hpp"
#include "support/http2_peer.hpp"
#include "support/loop_fixture.hpp"

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using http2::connection;
using transport::io_status;
using transport::memory_channel;
using transport::readiness;
using transport::task;

constexpr std::string_view creation =
    "POST /device-onboarding HTTP/1.1\r\nHost: podero.test\r\nUser-Agent: onboarding-gateway\r\nAccept: "
    "application/json\r\nContent-Type: application/json\r\nAuthorization: Bearer example-token-not-real\r\n"
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Length: 2\r\n\r\n{}";
constexpr std::string_view reading = "GET /device-onboarding/1 HTTP/1.1\r\nHost: podero.test\r\nX: y\r\n\r\n";

struct http2_fixture : support::loop_fixture {
  std::optional<connection::opened> opened;
  std::optional<support::http2_peer> server;

  ~http2_fixture() { opened.reset(); }

  static task<> open(http2_fixture& self, std::unique_ptr<transport::channel> below, std::size_t most) {
    self.opened = co_await connection::open(self.loop, std::move(below), most, self.loop.now() + 2s);
  }
  // `capacity`: so many bytes of ours may be under way.
  void begin(std::size_t most = 32, std::size_t capacity = 256 * 1024) {
    auto [mine, theirs] = memory_channel::make_pair(loop.ready(), capacity, 256 * 1024);
    server.emplace(std::move(theirs));
    start(open(*this, std::move(mine), most));
  }
  void connect(std::size_t most = 32, const std::vector<nghttp2_settings_entry>& settings = {}) {
    begin(most);
    server->greet(settings);
    settle();
    REQUIRE(opened.has_value());
    REQUIRE(opened->has_value());
    talk();
  }
  connection& it() { return **opened.value(); }
  std::string why_not_open() {
    REQUIRE(opened.has_value());
    REQUIRE_FALSE(opened->has_value());
    return opened->error();
  }
  // Until neither side has anything to say.
  void talk() {
    for (int i = 0; i < 4; ++i) {
      settle();
      server->turn();
    }
    settle();
  }
  static std::string read(transport::channel& from) {
    std::string all;
    std::array<char, 100> piece;
    for (;;) {
      const auto got = from.try_read(piece);
      if (got.status != io_status::done) return all;
      all.append(piece.data(), got.bytes);
    }
  }
  static void send(transport::channel& over, std::string_view request = creation) {
    const auto put = over.put(request);
    REQUIRE(put.status == io_status::done);
    REQUIRE(put.bytes == request.size());
    REQUIRE(over.flush().status == io_status::done);
  }
  static bool failed(transport::channel& one) {
    std::array<char, 10> nothing;
    return one.try_read(nothing).status == io_status::failed;
  }
};

TEST_CASE_FIXTURE(http2_fixture, "a request is a stream, and its answer is read as HTTP/1.1 has it") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  const auto& got = server->at(1);
  CHECK(got.complete);
  CHECK(got.content == "{}");
  CHECK(got.fields ==
        support::http2_peer::fields{{":method", "POST"},
                                    {":scheme", "https"},
                                    {":authority", "podero.test"},
                                    {":path", "/device-onboarding"},
                                    {"user-agent", "onboarding-gateway"},
                                    {"accept", "application/json"},
                                    {"content-type", "application/json"},
                                    {"authorization", "Bearer example-token-not-real"},
                                    {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                                    {"content-length", "2"}});
  CHECK(read(*place).empty());
  server->answer(1, {{":status", "201"}, {"content-type", "application/json"}, {"content-length", "8"}}, R"({"id":1})");
  talk();
  CHECK(place->ready().has(readiness::readable));
  CHECK(read(*place) == "HTTP/1.1 201 \r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{\"id\":1}");
  CHECK_FALSE(failed(*place));
}

TEST_CASE_FIXTURE(http2_fixture, "a place carries one exchange after another") {
  connect();
  const auto place = it().take_place();
  for (const std::int32_t stream : {1, 3, 5}) {
    send(*place, reading);
    talk();
    CHECK(server->at(stream).complete);
    CHECK(server->at(stream).field(":path") == "/device-onboarding/1");
    CHECK(server->at(stream).content.empty());
    server->answer(stream, {{":status", "404"}});
    talk();
    CHECK(read(*place) == "HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n");
  }
}

TEST_CASE_FIXTURE(http2_fixture, "places carry theirs at once, and what one cohort puts leaves in one write") {
  connect();
  std::vector<std::unique_ptr<transport::channel>> places;
  for (int i = 0; i < 3; ++i) places.push_back(it().take_place());
  for (const auto& each : places) REQUIRE(each->put(creation).status == io_status::done);
  server->turn();
  CHECK(server->requests().empty());  // nothing has left before somebody flushes
  REQUIRE(places[0]->flush().status == io_status::done);
  server->turn();
  CHECK(server->requests().size() == 3);
  for (const auto& each : places) CHECK(each->flush().status == io_status::done);
  server->answer(5, {{":status", "200"}});
  server->answer(1, {{":status", "201"}});
  talk();
  CHECK(read(*places[0]) == "HTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n");
  CHECK(read(*places[1]).empty());
  CHECK(read(*places[2]) == "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE_FIXTURE(http2_fixture, "an answer without a length is read in chunks, trailers and interim answers are not") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->interim(1, {{":status", "103"}, {"link", "</x>"}});
  talk();
  CHECK(read(*place).empty());
  server->answer(1, {{":status", "200"}, {"x-a", "b"}}, "0123456789abcdef!", {{"x-late", "c"}});
  talk();
  CHECK(read(*place) ==
        "HTTP/1.1 200 \r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n11\r\n0123456789abcdef!\r\n0\r\n\r\n");
}

TEST_CASE_FIXTURE(http2_fixture, "an answer that by its status has no content has no length either") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->answer(1, {{":status", "204"}});
  talk();
  CHECK(read(*place) == "HTTP/1.1 204 \r\n\r\n");
}

TEST_CASE_FIXTURE(http2_fixture, "there are as many places as wanted, or as the server takes at once") {
  connect(3);
  std::vector<std::unique_ptr<transport::channel>> places;
  for (; it().has_room(); places.push_back(it().take_place())) REQUIRE(places.size() < 3);
  CHECK(places.size() == 3);
  places.pop_back();
  CHECK(it().has_room());
  server->settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  talk();
  CHECK_FALSE(it().has_room());
}

TEST_CASE_FIXTURE(http2_fixture, "more requests at once than the server takes now are not sent, nor sent later") {
  connect();
  const auto one = it().take_place();
  const auto two = it().take_place();
  server->settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  talk();
  send(*one);
  CHECK(two->put(creation).status == io_status::failed);
  CHECK(two->reason() == "the server takes fewer requests at once than before");
  talk();
  server->answer(1, {{":status", "201"}});
  talk();
  CHECK(read(*one) == "HTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n");
  CHECK(server->requests().size() == 1);
  send(*two);  // there is room again
  talk();
  CHECK(two->reason() == "the server takes no more requests on the connection");  // what was is not why it ends now
  CHECK(server->requests().size() == 2);
  CHECK(server->requests().rbegin()->second.field("authorization") == "Bearer example-token-not-real");
}

TEST_CASE_FIXTURE(http2_fixture, "a content longer than the server's window waits for it, and is sent when it opens") {
  connect();
  const auto place = it().take_place();
  const std::string content(100'000, 'x');
  {
    const std::string request =
        "POST /x HTTP/1.1\r\nHost: podero.test\r\nContent-Length: 100000\r\n\r\n" + content;  // gone after `put`
    REQUIRE(place->put(request).bytes == request.size());
  }
  CHECK(place->flush().status == io_status::want_write);
  CHECK_FALSE(place->ready().has(readiness::writable));
  talk();
  CHECK(place->ready().has(readiness::writable));
  CHECK(place->flush().status == io_status::done);
  CHECK(server->at(1).complete);
  CHECK(server->at(1).content == content);
}

TEST_CASE_FIXTURE(http2_fixture, "what the channel does not take at once goes when it does") {
  begin(32, 64);
  server->greet();
  talk();
  REQUIRE(opened.has_value());
  REQUIRE(opened->has_value());
  const auto place = it().take_place();
  REQUIRE(place->put(creation).status == io_status::done);
  CHECK(place->flush().status == io_status::want_write);
  for (int i = 0; i < 10; ++i) talk();
  CHECK(place->flush().status == io_status::done);
  CHECK(server->at(1).complete);
}

TEST_CASE_FIXTURE(http2_fixture, "what the server says of a stream ends that exchange, and no other") {
  connect();
  const auto refused = it().take_place();
  const auto broken = it().take_place();
  const auto well = it().take_place();
  for (auto* const each : {&*refused, &*broken, &*well}) send(*each);
  talk();
  server->reset(1, NGHTTP2_REFUSED_STREAM);
  server->reset(3, NGHTTP2_INTERNAL_ERROR);
  talk();
  CHECK(failed(*refused));
  CHECK(refused->unprocessed());
  CHECK(refused->reason() == "the server refused the stream before it did anything");
  CHECK(failed(*broken));
  CHECK_FALSE(broken->unprocessed());
  CHECK(broken->reason() == "the server reset the stream: it has an internal error");
  CHECK_FALSE(failed(*well));
  server->answer(5, {{":status", "201"}});
  talk();
  CHECK(read(*well) == "HTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n");
  CHECK(it().has_room());
}

TEST_CASE_FIXTURE(http2_fixture, "an answer that breaks off is none") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->interim(1, {{":status", "200"}, {"content-length", "5"}});
  server->reset(1, NGHTTP2_INTERNAL_ERROR);
  talk();
  CHECK(read(*place) == "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r");
  CHECK(failed(*place));
}

TEST_CASE_FIXTURE(http2_fixture, "an answer is whole once the server says that it is, whatever length it has named") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->begin_answer(1, {{":status", "200"}, {"content-length", "2"}}, "{}");
  talk();
  CHECK(read(*place) == "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{");
  CHECK_FALSE(place->ready().has(readiness::readable));
  server->end_answer(1);
  talk();
  CHECK(place->ready().has(readiness::readable));
  CHECK(read(*place) == "}");
}

TEST_CASE_FIXTURE(http2_fixture, "a whole answer changes hands; one of which some is missing or was read does not") {
  connect();
  const auto place = it().take_place();
  std::string all;
  send(*place);
  talk();
  CHECK_FALSE(place->hand_over(all));
  server->begin_answer(1, {{":status", "200"}, {"content-length", "2"}}, "{}");
  talk();
  CHECK_FALSE(place->hand_over(all));
  CHECK(all.empty());
  server->end_answer(1);
  talk();
  CHECK(place->hand_over(all));
  CHECK(all == "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{}");
  std::string more;
  CHECK_FALSE(place->hand_over(more));
  CHECK(read(*place).empty());
  // The place has its next one.
  send(*place, reading);
  talk();
  server->answer(3, {{":status", "404"}});
  talk();
  std::array<char, 4> some;
  REQUIRE(place->try_read(some).bytes == 4);
  CHECK_FALSE(place->hand_over(more));
  CHECK(read(*place) == "/1.1 404 \r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE_FIXTURE(http2_fixture, "the server keeps no table of fields for its answers, and pushes none") {
  connect();
  const auto wanted = [&](nghttp2_settings_id which) { return server->wanted(which); };
  CHECK(wanted(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE) == 0);
  CHECK(wanted(NGHTTP2_SETTINGS_ENABLE_PUSH) == 0);
}

TEST_CASE_FIXTURE(http2_fixture, "a server that goes answers what it has begun; the rest it never did, and says so") {
  connect();
  const auto begun = it().take_place();
  const auto late = it().take_place();
  const auto resting = it().take_place();
  send(*begun);
  send(*late);
  talk();
  server->goodbye(1);
  talk();
  CHECK_FALSE(it().has_room());
  CHECK(failed(*late));
  CHECK(late->unprocessed());
  CHECK(resting->ready().has(readiness::hung_up));
  CHECK(failed(*resting));
  CHECK(resting->put(creation).status == io_status::failed);
  CHECK_FALSE(failed(*begun));
  server->answer(1, {{":status", "201"}});
  talk();
  CHECK(read(*begun) == "HTTP/1.1 201 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  CHECK(failed(*begun));  // for another one
}

TEST_CASE_FIXTURE(http2_fixture, "why a server ends the connection is told") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->goodbye(1, NGHTTP2_ENHANCE_YOUR_CALM, "too many pings");
  server->close();
  talk();
  CHECK(failed(*place));
  CHECK(place->reason() == "the server ended the connection: ENHANCE_YOUR_CALM");
}

TEST_CASE_FIXTURE(http2_fixture, "a connection that is lost ends all its exchanges, and nobody knows what they did") {
  connect();
  const auto sent = it().take_place();
  const auto answered = it().take_place();
  const auto resting = it().take_place();
  send(*sent);
  send(*answered);
  talk();
  server->answer(3, {{":status", "201"}});
  server->close();
  talk();
  CHECK(failed(*sent));
  CHECK_FALSE(sent->unprocessed());
  CHECK(sent->reason() == "the server closed the connection");
  CHECK(read(*answered) == "HTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n");
  CHECK(failed(*answered));
  CHECK(resting->ready().has(readiness::hung_up));
  CHECK(failed(*resting));
  CHECK_FALSE(it().has_room());
}

TEST_CASE_FIXTURE(http2_fixture, "who gives up cancels the stream; others go on, and the place may be had again") {
  connect(2);
  auto given_up = it().take_place();
  const auto other = it().take_place();
  send(*given_up);
  send(*other);
  talk();
  server->answer(3, {{":status", "201"}});  // so that something was heard meanwhile
  talk();
  given_up.reset();
  talk();
  CHECK(server->at(1).closed);
  CHECK(server->at(1).closed_with == NGHTTP2_CANCEL);
  CHECK(read(*other) == "HTTP/1.1 201 \r\ncontent-length: 0\r\n\r\n");
  CHECK(it().has_room());
}

TEST_CASE_FIXTURE(http2_fixture, "where nothing at all came since a request that is given up, no further one is sent") {
  connect();
  auto given_up = it().take_place();
  const auto other = it().take_place();
  send(*other);
  talk();
  send(*given_up);
  talk();
  given_up.reset();
  CHECK_FALSE(it().has_room());
  server->answer(1, {{":status", "201"}});  // who was there before is still answered
  talk();
  CHECK(read(*other) == "HTTP/1.1 201 \r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
}

TEST_CASE_FIXTURE(http2_fixture, "a request that is given up half on its way takes the connection with it") {
  begin(32, 64);
  server->greet();
  talk();
  auto given_up = it().take_place();
  const auto other = it().take_place();
  REQUIRE(given_up->put(creation).status == io_status::done);
  CHECK(given_up->flush().status == io_status::want_write);
  given_up.reset();
  for (int i = 0; i < 10; ++i) talk();
  for (const auto& [stream, request] : server->requests()) CHECK_FALSE(request.complete);
  CHECK(server->ended());
  CHECK(failed(*other));
  CHECK(other->reason() == "a request was given up on its way");
}

TEST_CASE_FIXTURE(http2_fixture, "one that still waits for the window is only cancelled") {
  connect();
  auto given_up = it().take_place();
  const auto other = it().take_place();
  REQUIRE(given_up->put("POST /x HTTP/1.1\r\nHost: podero.test\r\n\r\n" + std::string(100'000, 'x')).status ==
          io_status::done);
  CHECK(given_up->flush().status == io_status::want_write);
  given_up.reset();
  talk();
  CHECK_FALSE(server->at(1).complete);
  CHECK(server->at(1).closed_with == NGHTTP2_CANCEL);
  CHECK_FALSE(failed(*other));
  CHECK(it().has_room());
}

TEST_CASE_FIXTURE(http2_fixture, "an answer before the request's end is an answer") {
  connect();
  const auto place = it().take_place();
  REQUIRE(place->put("POST /x HTTP/1.1\r\nHost: podero.test\r\n\r\n" + std::string(1'000'000, 'x')).status ==
          io_status::done);
  CHECK(place->flush().status == io_status::want_write);
  settle();
  server->turn();
  server->answer(1, {{":status", "413"}});
  settle();
  CHECK(place->ready().has(readiness::writable));
  CHECK(place->flush().status == io_status::done);
  CHECK(read(*place) == "HTTP/1.1 413 \r\ncontent-length: 0\r\n\r\n");
  // The next one, on the same place: of the one before no more is sent.
  REQUIRE(place->put(creation).status == io_status::done);
  place->flush();
  talk();
  CHECK(place->flush().status == io_status::done);
  CHECK_FALSE(server->at(1).complete);
  CHECK(server->at(1).closed_with == NGHTTP2_CANCEL);
  CHECK(server->at(3).complete);
  CHECK(server->at(3).content == "{}");
}

TEST_CASE_FIXTURE(http2_fixture, "what is no HTTP/2 ends the connection, with words for why") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->say_raw("HTTP/1.1 400 Bad Request\r\n\r\n");
  settle();
  CHECK(failed(*place));
  CHECK(place->reason() == "HTTP/2: too large frame size");
  server->turn();
  CHECK(server->told_goodbye());
}

TEST_CASE_FIXTURE(http2_fixture, "a field that may not be among an answer's makes the answer none") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->answer(1, {{":status", "200"}, {"connection", "close"}}, "x");
  talk();
  CHECK(read(*place).find("connection") == std::string::npos);
  CHECK(failed(*place));
  CHECK(place->reason() == "the answer breaks the rules of HTTP/2");
}

TEST_CASE_FIXTURE(http2_fixture, "more or less content than the length says is no answer") {
  connect();
  const auto place = it().take_place();
  send(*place);
  talk();
  server->answer(1, {{":status", "200"}, {"content-length", "5"}}, "xyz");
  talk();
  read(*place);
  CHECK(failed(*place));
  CHECK(place->reason() == "the answer breaks the rules of HTTP/2");
}

TEST_CASE_FIXTURE(http2_fixture, "a server that does not greet is given up in time") {
  begin();
  CHECK_FALSE(opened.has_value());
  advance(2s);
  CHECK(why_not_open() == "no greeting in HTTP/2 in time");
}

TEST_CASE_FIXTURE(http2_fixture, "a server that goes instead of greeting is given up at once") {
  begin();
  server->close();
  settle();
  CHECK(why_not_open() == "the server closed the connection");
}

TEST_CASE_FIXTURE(http2_fixture, "with its last place a connection ends, and says goodbye") {
  connect();
  auto place = it().take_place();
  opened.reset();
  server->turn();
  CHECK_FALSE(server->ended());
  place.reset();
  server->turn();
  CHECK(server->told_goodbye());
  CHECK(server->ended());
}

TEST_CASE_FIXTURE(http2_fixture, "a request that nobody could have made is not sent") {
  connect();
  const auto place = it().take_place();
  using namespace std::string_literals;
  for (const auto& bad : {"GET /x HTTP/1.1\r\nHost: podero.test\r\n"s, "GET /x\r\nHost: podero.test\r\n\r\n"s,
                          "GET HTTP/1.1\r\nHost: podero.test\r\n\r\n"s, "GET /x HTTP/1.1\r\nAccept: x\r\n\r\n"s,
                          "GET /x HTTP/1.1\r\nHost: podero.test\r\nno colon\r\n\r\n"s,
                          "GET /x HTTP/1.1\r\nHost: podero.test\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"}) {
    CAPTURE(bad.substr(0, 80));
    CHECK(place->put(bad).status == io_status::failed);
    CHECK(place->reason() == "the request cannot be sent over HTTP/2");
  }
  send(*place, "GET /x HTTP/1.1\r\nHost: podero.test\r\nConnection: close\r\nX-" + std::string(40, 'Y') + ": " +
                   std::string(300, 'z') + "\r\n\r\n");
  talk();
  CHECK(server->requests().size() == 1);
  CHECK(server->at(1).field("connection").empty());
  CHECK(server->at(1).field("x-" + std::string(40, 'y')) == std::string(300, 'z'));
}

}  // namespace
