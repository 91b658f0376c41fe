#include "simulator/tests/http2_client.hpp"

#include <doctest/doctest.h>
#include <boost/asio/ssl/error.hpp>

#include <algorithm>

using namespace simulator;
using namespace simulator::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

settings with_http2() {
  settings out;
  out.http2 = true;
  return out;
}

std::string protocol_chosen(const running_server& server, std::string_view offered) {
  tls_client client{server, server.authority()};
  SSL_set_alpn_protos(client.stream().native_handle(), reinterpret_cast<const unsigned char*>(offered.data()),
                      static_cast<unsigned int>(offered.size()));
  REQUIRE(!client.handshake());
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client.stream().native_handle(), &chosen, &size);
  return {chosen, chosen + size};
}

// A client that is ready to create.
struct ready {
  running_server server;
  http2_client client{server};
  header_list right = client.right();

  explicit ready(settings wanted = with_http2()) : server{std::move(wanted)} {}

  // For creations; or, with "nth", for one of them.
  void fault(const std::string& action, const std::string& more_match = {}) {
    order(server, "POST", "/faults",
          R"({"match":{"operation":"create")" + more_match + R"(},"action":)" + action + "}");
  }
  std::int32_t submit() { return client.submit("POST", creation_path, creation, right); }
  const http2_answer& create() { return client.await(submit()); }
  json::value counter(const char* name) { return order(server, "GET", "/counters").at(name); }
};

// A server whose first connection is treated so.
struct treated {
  running_server server{with_http2()};
  explicit treated(const std::string& action) {
    order(server, "POST", "/faults", R"({"match":{"operation":"connection","nth":1},"action":)" + action + "}");
  }
};

}  // namespace

TEST_CASE("one HTTP/2 connection serves a token, and several creations and readings at once") {
  ready r;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(r.submit());
  for (const auto id : ids) {
    const auto& created = r.client.await(id);
    CHECK(created.status == 201);
    CHECK(created.closed == NGHTTP2_NO_ERROR);
    CHECK(created.headers.at("content-length") == std::to_string(created.body.size()));
  }
  const auto made = r.client.answer(ids[7]).body;
  const auto session = std::string{json::parse(made).at("id").as_string()};
  CHECK(r.client.call("GET", creation_path + "/" + session, {}, r.right).body == made);
  CHECK(r.client.call("HEAD", "/").body.empty());
  CHECK(r.counter("sessions_created") == 20);
  CHECK(r.counter("connections_accepted") == 1);
  CHECK(r.counter("connections_open") == 1);
  CHECK(r.counter("tls_handshakes") == 1);
  const auto logged = order(r.server, "GET", "/requests").at("requests").as_array();
  CHECK(std::ranges::all_of(logged, [](const auto& one) { return one.at("connection") == 1; }));
}

TEST_CASE("HTTP/2 is served only where it is told to, and only to who offers it") {
  const running_server without;
  CHECK(protocol_chosen(without, "\x02h2\x08http/1.1") == "http/1.1");
  const running_server with{with_http2()};
  CHECK(protocol_chosen(with, "\x08http/1.1\x02h2") == "h2");
  CHECK(protocol_chosen(with, "\x08http/1.1") == "http/1.1");
  tls_client old{with};
  CHECK(old.call("GET", "/oauth2/token/").result_int() == 405);
}

TEST_CASE("the client is told how many streams it may open") {
  auto wanted = with_http2();
  wanted.http2_streams = 3;
  ready r{wanted};
  CHECK(r.client.most_streams() == 3);
}

TEST_CASE("a request names its host, and a path with a query is taken whole") {
  ready r;
  const auto id = std::string{json::parse(r.create().body).at("id").as_string()};
  CHECK(r.client.call("GET", "/?onboarding_session_id=" + id).status == 200);
  CHECK(r.client.call("GET", "/?onboarding_session_id=other").status != 200);
}

TEST_CASE("a delayed answer does not hold up the others") {
  ready r;
  r.fault(R"({"latency":300})", R"(,"nth":1)");
  const auto begin = std::chrono::steady_clock::now();
  const auto late = r.submit();
  const auto soon = r.submit();
  CHECK(r.client.await(soon).status == 201);
  CHECK(!r.client.answer(late).closed);
  CHECK(r.client.await(late).status == 201);
  CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
}

TEST_CASE("a stream that is given up while its answer is delayed leaves the connection as it was") {
  ready r;
  r.fault(R"({"latency":60000})", R"(,"nth":1)");
  const auto late = r.submit();
  r.client.flush();
  while (r.counter("creations") != 1) std::this_thread::yield();
  r.client.give_up(late);
  CHECK(r.create().status == 201);
}

TEST_CASE("a reset is of the stream alone, after so many bytes of its body or at once") {
  ready r;
  r.fault(R"({"reset_after_sent":25})", R"(,"nth":1)");
  r.fault(R"({"reset_after_sent":0})", R"(,"nth":2)");
  const auto& later = r.create();
  CHECK(later.status == 201);
  CHECK(later.body.size() == 25);
  CHECK(later.closed == NGHTTP2_INTERNAL_ERROR);
  const auto& at_once = r.create();
  CHECK(at_once.status == 0);
  CHECK(at_once.closed == NGHTTP2_INTERNAL_ERROR);
  CHECK(r.create().status == 201);
  CHECK(r.counter("sessions_created") == 3);
}

TEST_CASE("a request that is reset on arrival does nothing") {
  ready r;
  r.fault(R"({"reset_after_received":300})", R"(,"nth":1)");
  const auto& broken_off = r.create();
  CHECK(broken_off.status == 0);
  CHECK(broken_off.closed == NGHTTP2_INTERNAL_ERROR);
  CHECK(r.counter("sessions_created") == 0);
  CHECK(r.counter("unanswered") == 1);
  CHECK(r.create().status == 201);
}

TEST_CASE("a stalled stream is never answered, and the others are") {
  ready r;
  r.fault(R"({"stall_after_received":1})", R"(,"nth":1)");
  r.fault(R"({"stall_after_sent":10})", R"(,"nth":2)");
  const auto first = r.submit();
  const auto second = r.submit();
  CHECK(r.create().status == 201);
  r.client.wait_until([&] { return r.client.answer(second).body.size() == 10; });
  CHECK(r.create().status == 201);
  CHECK(r.client.answer(first).status == 0);
  CHECK(!r.client.answer(first).closed);
  CHECK(!r.client.answer(second).closed);
}

TEST_CASE("a cut by FIN is of the whole connection, without a word") {
  ready r;
  r.fault(R"({"close_after_sent":12})");
  const auto id = r.submit();
  CHECK(r.client.read_to_end() == asio::ssl::error::stream_truncated);
  CHECK(r.client.answer(id).body.size() == 12);
  CHECK(!r.client.goaway());
}

TEST_CASE("a truncated body ends in a reset of its stream, under its full length") {
  ready r;
  r.fault(R"({"truncate_body_to":10})");
  const auto& answer = r.create();
  CHECK(answer.headers.at("content-length") == "373");
  CHECK(answer.body == "{\"authenti");
  CHECK(answer.closed == NGHTTP2_INTERNAL_ERROR);
}

TEST_CASE("interim answers, padding and slow bodies arrive whole, with a length only where it is wanted") {
  ready r;
  r.fault(R"({"informational":[103,102],"head_padding_kib":40,"body_padding_kib":200,"encoding":"chunked"})",
          R"(,"nth":1)");
  r.fault(R"({"slow_body":{"bytes":100,"every":10}})", R"(,"nth":2)");
  const auto& padded = r.create();
  CHECK(padded.interim == std::vector<unsigned>{103, 102});
  CHECK(padded.headers.contains("x-padding-39"));
  CHECK(!padded.headers.contains("content-length"));
  CHECK(padded.body.size() == 373 + 200 * 1024);
  CHECK(padded.body.ends_with("} " + std::string(200 * 1024 - 1, ' ')));
  const auto begin = std::chrono::steady_clock::now();
  const auto& slow = r.create();
  CHECK(std::chrono::steady_clock::now() - begin >= 40ms);
  CHECK(slow.body.size() == 373);
  CHECK(slow.closed == NGHTTP2_NO_ERROR);
}

TEST_CASE("an endless body over HTTP/2 ends when the client gives its stream up") {
  ready r;
  r.fault(R"({"endless_body":true})", R"(,"nth":1)");
  const auto id = r.submit();
  CHECK(r.client.wait_until([&] { return r.client.answer(id).body.size() > 1024 * 1024; }));
  r.client.give_up(id);
  CHECK(r.create().status == 201);
}

TEST_CASE("garbage takes the connection with it") {
  ready r;
  r.fault(R"({"garbage":true})");
  const auto id = r.submit();
  CHECK(r.client.understood());
  r.client.read_to_end();
  CHECK(!r.client.understood());
  CHECK(!r.client.goaway());
  CHECK(r.client.answer(id).status == 0);
}

TEST_CASE("an announced end is a GOAWAY after the answer") {
  ready r;
  r.fault(R"({"close":true})");
  const auto id = r.submit();
  CHECK(r.client.read_to_end() == asio::error::eof);
  CHECK(r.client.answer(id).status == 201);
  CHECK(r.client.goaway() == id);
}

TEST_CASE("after the last request there is a GOAWAY that names it, and open streams are finished") {
  const treated on{R"({"max_requests":3})"};
  http2_client client{on.server};
  order(on.server, "POST", "/faults", R"({"match":{"nth":1},"action":{"latency":100}})");
  const auto first = client.submit("GET", "/oauth2/token/");
  client.submit("GET", "/");
  const auto third = client.submit("GET", "/");
  const auto beyond = client.submit("GET", "/");
  CHECK(client.read_to_end() == asio::error::eof);
  CHECK(client.goaway() == third);
  CHECK(client.answer(first).status == 405);
  CHECK(client.closed().back() == first);
  CHECK(client.answer(third).status == 404);
  CHECK(client.answer(beyond).closed == NGHTTP2_REFUSED_STREAM);
  CHECK(order(on.server, "GET", "/counters").at("requests") == 3);
}

TEST_CASE("the last request may also go unannounced") {
  const treated on{R"({"max_requests":2,"announce_last":false})"};
  http2_client client{on.server};
  client.call("GET", "/");
  const auto last = client.submit("GET", "/");
  CHECK(client.read_to_end() == asio::error::eof);
  CHECK(client.answer(last).status == 404);
  CHECK(!client.goaway());
}

TEST_CASE("a body that is too large, and a head that is, concern their stream only") {
  ready r;
  const auto heavy = r.client.submit("POST", creation_path, std::string(8 * 1024 * 1024, ' '), r.right);
  CHECK(r.client.await(heavy).status == 413);
  CHECK(r.client.answer(heavy).closed == NGHTTP2_NO_ERROR);
  CHECK(!r.client.unsent(heavy).empty());
  header_list many;
  for (int i = 0; i < 9; ++i) many.emplace_back("x-" + std::to_string(i), std::string(8000, '~'));
  CHECK(r.client.call("GET", "/", {}, many).status == 431);
  CHECK(r.create().status == 201);
  CHECK(r.counter("malformed") == 2);
}

TEST_CASE("what is no HTTP/2 after all is hung up on") {
  const running_server server{with_http2()};
  tls_client client{server, server.authority()};
  SSL_set_alpn_protos(client.stream().native_handle(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  REQUIRE(!client.handshake());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read_to_end().second == asio::error::eof);
  CHECK(order(server, "GET", "/counters").at("malformed") == 1);
}

TEST_CASE("an idle HTTP/2 connection gets a GOAWAY and its end, and one with an open stream does not") {
  const treated on{R"({"idle_timeout":300})"};
  order(on.server, "POST", "/faults", R"({"match":{"operation":"any"},"action":{"latency":600}})");
  http2_client client{on.server};
  const auto begin = std::chrono::steady_clock::now();
  const auto id = client.submit("GET", "/nothing");
  CHECK(client.await(id).status == 404);
  CHECK(std::chrono::steady_clock::now() - begin >= 600ms);
  CHECK(!client.goaway());
  CHECK(client.read_to_end() == asio::error::eof);
  CHECK(client.goaway() == id);
}

TEST_CASE("idle HTTP/2 connections are closed by the control endpoint, busy ones are not") {
  ready polite;
  CHECK(order(polite.server, "POST", "/connections/close").at("closed") == 1);
  CHECK(polite.client.read_to_end() == asio::error::eof);
  CHECK(polite.client.goaway() == 1);
  ready rude;
  CHECK(order(rude.server, "POST", "/connections/close", R"({"how":"reset"})").at("closed") == 1);
  CHECK(rude.client.read_to_end() == asio::error::connection_reset);
  ready busy;
  busy.fault(R"({"latency":60000})");
  busy.submit();
  busy.client.flush();
  while (busy.counter("creations") != 1) std::this_thread::yield();
  CHECK(order(busy.server, "POST", "/connections/close").at("closed") == 0);
}
