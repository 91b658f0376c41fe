#include "tls/stream.hpp"

#include <doctest/doctest.h>

#include <array>

#include "foundation/transport/memory.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using support::certificates;
using transport::interest;
using transport::io_status;
using transport::memory_channel;
using transport::task;

// Both ends of a TLS connection in memory, and what became of their handshakes.
struct tls_pair : support::loop_fixture {
  struct side {
    std::unique_ptr<tls::stream> stream;
    std::optional<std::expected<void, std::string>> shaken;
  };
  side client;
  side server;
  memory_channel* client_wire = nullptr;
  memory_channel* server_wire = nullptr;

  // Ends whatever still waits on the two ends, and then the ends: a channel outlives the coroutine that waits for it.
  void hang_up() {
    for (auto* each : {&client, &server}) {
      if (each->stream) each->stream->ready().interrupt(transport::wake::cancelled);
      settle();
      each->stream.reset();
    }
  }
  ~tls_pair() { hang_up(); }

  static task<> shake(side& of) { of.shaken = co_await of.stream->handshake(); }

  void connect(tls::client_context& from, tls::server_context& to, const std::string& name,
               std::size_t capacity = 64 * 1024) {
    hang_up();
    auto [a, b] = memory_channel::make_pair(loop.ready(), capacity);
    client_wire = a.get();
    server_wire = b.get();
    client = {std::make_unique<tls::stream>(std::move(a), from.connect(name)), {}};
    server = {std::make_unique<tls::stream>(std::move(b), to.accept()), {}};
    loop.spawn(shake(client));
    loop.spawn(shake(server));
    settle();
  }

  static task<> read_until_end(tls::stream& from, std::string& into) {
    std::array<char, 100> piece{};
    for (;;) {
      const auto got = from.try_read(piece);
      if (got.status == io_status::done) {
        into.append(piece.data(), got.bytes);
      } else if (got.status == io_status::want_read) {
        const auto woken = co_await from.ready().wait(interest::read);
        if (woken != transport::wake::ready) co_return;
      } else {
        into += got.status == io_status::end ? "." : "!" + from.reason();
        co_return;
      }
    }
  }
  static task<> read_until(tls::stream& from, std::string expected) {
    std::string got;
    std::array<char, 100> piece{};
    while (got != expected) {
      const auto read = from.try_read(piece);
      if (read.status == io_status::done) {
        got.append(piece.data(), read.bytes);
      } else {
        const auto woken = co_await from.ready().wait(interest::read);
        if (woken != transport::wake::ready) co_return;
      }
    }
  }
  static task<> flush(tls::stream& to, bool& done) {
    auto result = to.flush();
    while (result.status == io_status::want_write) {
      const auto woken = co_await to.ready().wait(interest::write);
      if (woken != transport::wake::ready) co_return;
      result = to.flush();
    }
    done = result.status == io_status::done;
  }
  static task<> write_all(tls::stream& to, std::string text) {
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto put = to.try_write(rest);
      if (put.status == io_status::done)
        rest.remove_prefix(put.bytes);
      else if (put.status == io_status::want_write)
        co_await to.ready().wait(interest::write);
      else
        co_return;
    }
  }
};

TEST_CASE_FIXTURE(tls_pair, "bytes cross an encrypted pair in memory, even one byte at a time") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{100}, std::size_t{65536}}) {
    CAPTURE(capacity);
    connect(*trust, *serve, "podero.test", capacity);
    REQUIRE(client.shaken.has_value());
    CHECK(client.shaken->has_value());
    std::string got;
    loop.spawn([](tls_pair& self) -> task<> {
      co_await read_until(*self.client.stream, "hi");
      co_await write_all(*self.client.stream, std::string(5000, 'x'));
    }(*this));
    settle();
    REQUIRE(server.shaken.has_value());  // over when the client has read the tickets
    CHECK(server.shaken->has_value());
    loop.spawn([](tls_pair& self, std::string& into) -> task<> {
      co_await write_all(*self.server.stream, "hi");
      co_await read_until_end(*self.server.stream, into);
    }(*this, got));
    settle();
    CHECK(got == std::string(5000, 'x'));
    hang_up();
  }
}

TEST_CASE_FIXTURE(tls_pair, "what is put leaves when it is flushed, before whatever is written after it") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  bool behind = false;
  SUBCASE("flushed") {}
  SUBCASE("written behind") {
    behind = true;
  }
  for (const std::size_t capacity : {std::size_t{7}, std::size_t{65536}}) {
    CAPTURE(capacity);
    connect(*trust, *serve, "podero.test", capacity);
    std::string got;
    loop.spawn(read_until_end(*client.stream, got));  // takes the tickets, too
    settle();
    REQUIRE(server.shaken.has_value());
    auto& from = *server.stream;
    const std::string first(3000, 'a');
    const auto put = from.put(first);
    CHECK(put.status == io_status::done);
    CHECK(put.bytes == first.size());
    CHECK(from.put(std::string_view{"b"}).status == io_status::done);
    settle();
    CHECK(got.empty());
    if (behind) {
      loop.spawn(write_all(from, "c"));
      settle();
      CHECK(got == first + "bc");
    } else {
      bool flushed = false;
      loop.spawn(flush(from, flushed));
      settle();
      CHECK(flushed);
      CHECK(got == first + "b");
    }
    CHECK(from.flush().status == io_status::done);  // there is nothing left
    hang_up();
  }
}

TEST_CASE_FIXTURE(tls_pair, "what cannot be flushed is a failure that says why") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  CHECK(client.stream->put(std::string_view{"hello"}).status == io_status::done);
  client_wire->reset();
  CHECK(client.stream->flush().status == io_status::failed);
  CHECK(client.stream->reason() == "connection reset");
}

TEST_CASE_FIXTURE(tls_pair, "what cannot be flushed because the peer has gone without a word says that") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  CHECK(client.stream->put(std::string_view{"hello"}).status == io_status::done);
  server.stream.reset();
  std::array<char, 100> piece{};
  CHECK(client.stream->try_read(piece).status == io_status::failed);
  CHECK(client.stream->flush().status == io_status::failed);
  CHECK(client.stream->reason() == "the peer cut the connection");
}

TEST_CASE_FIXTURE(tls_pair, "what was fetched is read, and so is the end behind it") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  std::array<char, 16 * 1024> piece{};
  CHECK(client.stream->try_read(piece).status == io_status::want_read);  // the tickets
  settle();
  auto& to = *client.stream;
  to.fetch();  // there is nothing
  CHECK(to.try_read(piece).status == io_status::want_read);

  const std::string text(9000, 'x');  // more than is fetched at once
  loop.spawn(write_all(*server.stream, text));
  bool good = false;
  SUBCASE("goodbye") {
    good = true;
    server.stream->finish();
  }
  SUBCASE("cut") {
    server_wire->finish();
  }
  settle();
  std::string got;
  auto last = io_status::done;
  for (int i = 0; i < 20 && last == io_status::done; ++i) {
    to.fetch();
    to.fetch();  // keeps what is there
    const auto read = to.try_read(piece);
    last = read.status;
    got.append(piece.data(), read.bytes);
  }
  CHECK(got == text);
  CHECK(last == (good ? io_status::end : io_status::failed));
}

TEST_CASE_FIXTURE(support::loop_fixture, "a channel without steps puts by writing") {
  auto [a, b] = memory_channel::make_pair(loop.ready());
  a->fetch();
  CHECK(a->put(std::string_view{"now"}).bytes == 3);
  std::array<char, 8> piece{};
  CHECK(b->try_read(piece).bytes == 3);
  CHECK(a->flush().status == io_status::done);
}

TEST_CASE_FIXTURE(tls_pair, "a connection that is cut without a goodbye is a failure, one that says it an end") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  std::string got;
  loop.spawn(read_until_end(*client.stream, got));
  SUBCASE("goodbye") {
    server.stream->finish();
    settle();
    CHECK(got == ".");
  }
  SUBCASE("cut") {
    server_wire->finish();
    settle();
    CHECK(got.starts_with("!"));
  }
}

TEST_CASE_FIXTURE(tls_pair, "the second connection to a name resumes the session of the first") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  CHECK_FALSE(client.stream->resumed());
  std::string got;
  loop.spawn(read_until_end(*client.stream, got));  // the tickets come with the first read
  loop.spawn(write_all(*server.stream, "hello"));
  settle();
  connect(*trust, *serve, "podero.test");
  CHECK(client.stream->resumed());
  hang_up();
}

TEST_CASE_FIXTURE(tls_pair, "connections that are opened together resume as many sessions as there are tickets") {
  const auto trust = support::trusting(certificates().authority);
  const auto serve = support::serving(certificates().server);
  connect(*trust, *serve, "podero.test");
  std::string got;
  loop.spawn(read_until_end(*client.stream, got));  // two tickets come with the first read
  loop.spawn(write_all(*server.stream, "hello"));
  settle();
  // None of these reads any of its own.
  for (const bool resumed : {true, true, false}) {
    connect(*trust, *serve, "podero.test");
    CHECK(client.stream->resumed() == resumed);
  }
  hang_up();
}

struct refusal {
  const char* what;
  simulator::identity server;
  std::string name;
  const char* reason;
};

TEST_CASE_FIXTURE(tls_pair, "certificates that are not for this server are refused with the reason and the subject") {
  using simulator::leaf_wishes;
  const auto& authority = certificates().authority;
  const auto now = std::chrono::system_clock::now();
  const auto other = simulator::make_authority("Other CA");
  const std::vector<refusal> refusals{
      {"wrong host", certificates().server, "elsewhere.test", "hostname mismatch"},
      {"expired",
       simulator::make_certificate(authority, {.host_names = {"podero.test"}, .valid = {now - 48h, now - 24h}}),
       "podero.test", "certificate has expired"},
      {"not valid yet",
       simulator::make_certificate(authority, {.host_names = {"podero.test"}, .valid = {now + 24h, now + 48h}}),
       "podero.test", "certificate is not yet valid"},
      {"self-signed", simulator::make_self_signed({.host_names = {"podero.test"}}), "podero.test", "self-signed"},
      {"unknown CA", simulator::make_certificate(other, {.host_names = {"podero.test"}}), "podero.test",
       "unable to get local issuer certificate"},
  };
  const auto trust = support::trusting(authority);
  for (const auto& r : refusals) {
    CAPTURE(r.what);
    const auto serve = support::serving(r.server);
    connect(*trust, *serve, r.name);
    REQUIRE(client.shaken.has_value());
    REQUIRE_FALSE(client.shaken->has_value());
    CHECK(client.shaken->error().find(r.reason) != std::string::npos);
    CHECK(client.shaken->error().find("podero.test") != std::string::npos);
    CAPTURE(client.shaken->error());
  }
}

TEST_CASE_FIXTURE(tls_pair, "a server that offers less than TLS 1.2 or answers with something else is refused") {
  const auto trust = support::trusting(certificates().authority);
  auto [a, b] = memory_channel::make_pair(loop.ready());
  client = {std::make_unique<tls::stream>(std::move(a), trust->connect("podero.test")), {}};
  loop.spawn(shake(client));
  CHECK(b->try_write(std::string_view{"HTTP/1.1 400 Bad Request\r\n\r\n"}).status == io_status::done);
  settle();
  REQUIRE(client.shaken.has_value());
  REQUIRE_FALSE(client.shaken->has_value());
  CHECK(client.shaken->error() != "");
}

TEST_CASE_FIXTURE(tls_pair, "a handshake that makes no progress ends with its deadline") {
  const auto trust = support::trusting(certificates().authority);
  auto [a, b] = memory_channel::make_pair(loop.ready());
  client = {std::make_unique<tls::stream>(std::move(a), trust->connect("podero.test")), {}};
  loop.spawn([](transport::loop& on, side& of) -> task<> {
    transport::watchdog guard{of.stream->ready()};
    guard.set(on.deadlines(), on.now() + 2s);
    of.shaken = co_await of.stream->handshake();
  }(loop, client));
  advance(2s);
  REQUIRE(client.shaken.has_value());
  CHECK(client.shaken->error() == "timed out");
}

TEST_CASE_FIXTURE(tls_pair, "other roots count from the next connection on, and nobody resumes past them") {
  const auto others = simulator::make_authority("Others");
  const auto theirs = support::serving(simulator::make_certificate(others, {.host_names = {"podero.test"}}));
  const auto ours = support::serving(certificates().server);
  const auto trust = support::trusting(certificates().authority);
  std::string unimportant;
  const auto connects = [&](const std::shared_ptr<tls::server_context>& to) {
    connect(*trust, *to, "podero.test");
    return client.shaken.has_value() && client.shaken->has_value();
  };
  const auto take_tickets = [&] {
    loop.spawn(read_until_end(*client.stream, unimportant));
    settle();
  };
  REQUIRE(connects(ours));
  take_tickets();
  REQUIRE(connects(ours));
  CHECK(client.stream->resumed());
  take_tickets();
  CHECK_FALSE(connects(theirs));
  CHECK_FALSE(trust->reload({.ca_pem = "not a certificate"}).has_value());
  REQUIRE(connects(ours));
  REQUIRE(trust->reload({.ca_pem = others.certificate_pem}).has_value());
  take_tickets();  // of a connection that the roots of before have verified
  CHECK_FALSE(connects(ours));
  REQUIRE(connects(theirs));
  CHECK_FALSE(client.stream->resumed());
  take_tickets();
  REQUIRE(connects(theirs));
  CHECK(client.stream->resumed());
  hang_up();
}

TEST_CASE("roots that hold no certificate are an error") {
  tls::client_options options;
  options.ca_pem = "not a certificate";
  const auto made = tls::client_context::make(options);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error() == "there is no certificate in it");
  options = {};
  options.ca_file = "/nonexistent/ca.pem";
  CHECK_FALSE(tls::client_context::make(options).has_value());
}

}  // namespace
