#include "simulator/tests/running_server.hpp"

#include <doctest/doctest.h>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>

using namespace simulator;
using namespace simulator::testing;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::string bearer(const std::string& token) {
  return "Authorization: Bearer " + token + "\r\n";
}
std::string text(const json::value& value) {
  return std::string{value.as_string()};
}

// A client that is ready to create, whose creations meet that fault.
struct faulty {
  running_server server;
  tls_client client{server};
  std::string right = bearer(client.token());

  explicit faulty(const std::string& action) {
    const auto added = order(server, "POST", "/faults", R"({"match":{"operation":"create"},"action":)" + action + "}");
    REQUIRE(added.at("id") == 1);
  }
  void post() { client.send(tls_client::head("POST", creation_path, creation.size(), right) + creation); }
  std::pair<std::string, boost::system::error_code> post_and_read_to_end() {
    post();
    return client.read_to_end();
  }
};

}  // namespace

TEST_CASE("one TLS connection serves a token, a creation, a reading, and the device after completion") {
  running_server server;
  tls_client client{server};
  const auto right = bearer(client.token());
  const auto created = client.call("POST", creation_path, creation, right);
  CHECK(created.result_int() == 201);
  const auto session = json::parse(created.body());
  const auto id = text(session.at("id"));
  CHECK(text(session.at("authentication_url")) ==
        "https://127.0.0.1:" + std::to_string(server.port()) + "?onboarding_session_id=" + id);
  CHECK(client.call("GET", creation_path + "/" + id, {}, right).body() == created.body());
  const auto completed = order(server, "POST", "/sessions/" + id + "/complete");
  const auto read = json::parse(client.call("GET", creation_path + "/" + id, {}, right).body());
  CHECK(read.at("object_id") == completed.at("device_id"));
  const auto counters = order(server, "GET", "/counters");
  CHECK(counters.at("token_requests") == 1);
  CHECK(counters.at("creations") == 1);
  CHECK(counters.at("reads") == 2);
  CHECK(counters.at("connections_accepted") == 1);
  CHECK(counters.at("connections_open") == 1);
  CHECK(counters.at("tls_handshakes") == 1);
}

TEST_CASE("a browser walks through the Connect pages and is sent back with the device") {
  running_server server;
  tls_client client{server};
  const auto created = client.call("POST", creation_path, creation, bearer(client.token()));
  const auto id = text(json::parse(created.body()).at("id"));
  const auto field = "onboarding_session_id=" + id;
  CHECK(client.call("GET", "/?" + field).result_int() == 200);
  CHECK(client.call("GET", "/heat-pumps?" + field).result_int() == 200);
  CHECK(client.call("GET", "/heat-pumps/nibe?" + field).result_int() == 200);
  const auto found = client.call("POST", "/heat-pumps/nibe", field + "&email=a%40b.test&password=x");
  CHECK(found.result_int() == 303);
  CHECK(client.call("GET", std::string{found[http::field::location]}).result_int() == 200);
  const auto linked = client.call("POST", "/link-device", field);
  CHECK(linked.result_int() == 303);
  const auto device = text(order(server, "GET", "/sessions/" + id).at("object_id"));
  CHECK(linked[http::field::location] == "https://my-customerportal.com/success?deviceId=" + device);
}

TEST_CASE("a client that trusts another authority, or expects another name, does not get through") {
  running_server server;
  tls_client stranger{server, make_authority("Another CA").certificate_pem};
  CHECK(stranger.handshake());
  tls_client misled{server, server.authority(), "app.podero.test"};
  CHECK(misled.handshake());
  tls_client right{server, server.authority(), "localhost"};
  CHECK(!right.handshake());
}

TEST_CASE("ALPN settles on http/1.1") {
  running_server server;
  tls_client client{server, server.authority()};
  constexpr unsigned char offered[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(client.stream().native_handle(), offered, sizeof offered);
  CHECK(!client.handshake());
  const unsigned char* chosen = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client.stream().native_handle(), &chosen, &size);
  CHECK(std::string(chosen, chosen + size) == "http/1.1");
}

TEST_CASE("pipelined requests are answered in order") {
  running_server server;
  tls_client client{server};
  client.send(tls_client::head("GET", "/oauth2/token/", 0) + tls_client::head("POST", "/oauth2/token", 0));
  CHECK(client.receive().result_int() == 405);
  CHECK(client.receive().result_int() == 301);
}

TEST_CASE("what is no HTTP gets a 400 and the end, and too much of it a 431 or 413") {
  running_server server;
  tls_client nonsense{server};
  nonsense.send("what is this?\r\n\r\n");
  CHECK(nonsense.receive().result_int() == 400);
  tls_client talkative{server};
  talkative.send("GET / HTTP/1.1\r\nA: " + std::string(70000, 'a') + "\r\n\r\n");
  CHECK(talkative.receive().result_int() == 431);
  tls_client heavy{server};
  heavy.send(tls_client::head("POST", creation_path, 2000000));
  CHECK(heavy.receive().result_int() == 413);
  CHECK(order(server, "GET", "/counters").at("malformed") == 3);
}

TEST_CASE("a request that is reset on arrival does nothing") {
  faulty f{R"({"reset_after_received":100})"};
  const auto [bytes, end] = f.post_and_read_to_end();
  CHECK(bytes.empty());
  CHECK(end == asio::error::connection_reset);
  const auto counters = order(f.server, "GET", "/counters");
  CHECK(counters.at("sessions_created") == 0);
  CHECK(counters.at("unanswered") == 1);
}

TEST_CASE("an answer is reset after exactly so many bytes, and the work is done") {
  faulty f{R"({"reset_after_sent":25})"};
  const auto [bytes, end] = f.post_and_read_to_end();
  CHECK(bytes == "HTTP/1.1 201 Created\r\nCon");
  CHECK(end == asio::error::connection_reset);
  CHECK(order(f.server, "GET", "/counters").at("sessions_created") == 1);
}

TEST_CASE("an answer is cut off by FIN without TLS's farewell") {
  faulty f{R"({"close_after_sent":12})"};
  const auto [bytes, end] = f.post_and_read_to_end();
  CHECK(bytes == "HTTP/1.1 201");
  CHECK(end == asio::ssl::error::stream_truncated);
}

TEST_CASE("a body is truncated under its full length") {
  faulty f{R"({"truncate_body_to":10})"};
  const auto [bytes, end] = f.post_and_read_to_end();
  CHECK(bytes.ends_with("\r\n\r\n{\"authenti"));
  CHECK(bytes.find("Content-Length: 373\r\n") != std::string::npos);
  CHECK(end == asio::ssl::error::stream_truncated);
}

TEST_CASE("a server error after the work looks like any other") {
  faulty f{R"({"status":503,"after_work":true,"html":true,"retry_after":3})"};
  f.post();
  const auto answer = f.client.receive();
  CHECK(answer.result_int() == 503);
  CHECK(answer[http::field::retry_after] == "3");
  CHECK(answer[http::field::content_type] == "text/html");
  CHECK(order(f.server, "GET", "/counters").at("sessions_created") == 1);
}

TEST_CASE("latency comes before the answer, and slow bodies and other encodings arrive whole") {
  faulty f{R"({"latency":30,"slow_body":{"bytes":100,"every":5},"encoding":"chunked","informational":[]})"};
  const auto begin = std::chrono::steady_clock::now();
  f.post();
  const auto answer = f.client.receive();
  CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
  CHECK(answer.chunked());
  CHECK(json::parse(answer.body()).at("object_id").is_null());
  f.post();
  CHECK(f.client.receive().result_int() == 201);
}

TEST_CASE("garbage, interim answers and an oversized head are sent as they are") {
  faulty garbage{R"({"garbage":"\u0000what?"})"};
  CHECK(garbage.post_and_read_to_end().first == std::string{"\0what?", 6});
  faulty interim{R"({"informational":103,"close":true})"};
  CHECK(interim.post_and_read_to_end().first.starts_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\n"));
  faulty head{R"({"head_padding_kib":512,"close":true})"};
  CHECK(head.post_and_read_to_end().first.size() > 512 * 1024);
}

TEST_CASE("an endless body ends only when the client has had enough") {
  faulty f{R"({"endless_body":true})"};
  f.post();
  std::string part(1024 * 1024, '\0');
  CHECK(asio::read(f.client.stream(), asio::buffer(part)) == part.size());
  CHECK(part.ends_with(std::string(1000, ' ')));
}

TEST_CASE("an idle connection is closed without a word, and the last request with one") {
  running_server server;
  order(server, "POST", "/faults", R"({"match":{"operation":"connection","nth":1},"action":{"idle_timeout":20}})");
  order(server, "POST", "/faults", R"({"match":{"operation":"connection","nth":2},"action":{"max_requests":2}})");
  tls_client idle{server};
  idle.token();
  CHECK(idle.read_to_end() == std::pair{std::string{}, boost::system::error_code{asio::error::eof}});
  tls_client counted{server};
  CHECK(counted.call("GET", "/oauth2/token/").keep_alive());
  CHECK(!counted.call("GET", "/oauth2/token/").keep_alive());
  CHECK(counted.read_to_end().second == asio::error::eof);
}

TEST_CASE("handshakes fail when told to") {
  running_server server;
  order(server, "POST", "/faults", R"({"match":{"operation":"connection","times":1},"action":{"handshake":"reset"}})");
  tls_client first{server, server.authority()};
  CHECK(first.handshake());
  tls_client second{server, server.authority()};
  CHECK(!second.handshake());
  CHECK(order(server, "GET", "/counters").at("tls_failed") == 1);
}

TEST_CASE("idle connections are closed by the control endpoint") {
  running_server server;
  tls_client client{server};
  client.token();
  CHECK(order(server, "POST", "/connections/close", R"({"how":"reset"})").at("closed") == 1);
  CHECK(client.read_to_end().second == asio::error::connection_reset);
}

TEST_CASE("a stalled connection is given up when the client goes") {
  faulty f{R"({"stall_after_received":1})"};
  f.post();
  while (order(f.server, "GET", "/counters").at("unanswered") != 1) std::this_thread::yield();
  f.client.stream().next_layer().close();
  while (order(f.server, "GET", "/counters").at("connections_open") != 0) std::this_thread::yield();
  CHECK(order(f.server, "GET", "/counters").at("sessions_created") == 0);
}

TEST_CASE("a port that is taken is named") {
  running_server first;
  podero upstream{{}, [](std::span<unsigned char>) {}, [] { return moment{}; }};
  server second{upstream, make_self_signed()};
  asio::io_context loop;
  CHECK_THROWS_WITH_AS(second.open(loop, {.port = first.port(), .control_port = 0}),
                       doctest::Contains(("port " + std::to_string(first.port())).c_str()), std::runtime_error);
}
