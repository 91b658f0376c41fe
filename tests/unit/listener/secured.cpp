// TLS before HTTP: who gets in, how long that may take, and how many may be at it.
#include <doctest/doctest.h>

#include "foundation/transport/memory.hpp"
#include "listener/server.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace {

using namespace gateway;
using namespace gateway::listener;
using namespace std::chrono_literals;
using tls::handshake_end;
using transport::memory_channel;
using transport::task;

// Answers with the names in the caller's certificate, or why there are none.
struct who_is_it final : handler {
  explicit who_is_it(transport::loop& on) : loop{on} {}
  std::unique_ptr<scratch> make_scratch() override { return nullptr; }
  std::size_t on_head(exchange&) override { return 0; }
  task<> on_request(exchange& x) override {
    x.reply.status = 200;
    x.reply.body = "nobody";
    if (x.certificate != nullptr) {
      x.reply.body = x.certificate->holds(loop.clock().wall_now()) ? "" : "not any more: ";
      for (const auto& name : x.certificate->names()) x.reply.body += name + " ";
    }
    co_return;
  }
  void on_failure(const exchange&, std::string_view) override {}
  void on_done(const exchange& x, time::duration) override { done.push_back(x.reply.status); }
  transport::loop& loop;
  std::vector<unsigned> done;
};

struct observed final : handshake_observer {
  void shaken(handshake_end how, bool, std::string_view, const transport::channel&) override { ends.push_back(how); }
  int count(handshake_end how) const { return static_cast<int>(std::ranges::count(ends, how)); }
  std::vector<handshake_end> ends;
};

// A client with a certificate of its own; OpenSSL's, over the test's end of a connection.
struct visitor {
  visitor(std::shared_ptr<tls::client_context> from, std::unique_ptr<transport::channel> wire,
          tls::connection_ptr connection)
      : context{std::move(from)}, stream{std::move(wire), std::move(connection)} {}
  std::shared_ptr<tls::client_context> context;  // one each: nobody resumes another one's session
  tls::stream stream;
  std::optional<std::expected<void, std::string>> shaken;
};

struct secured_fixture : support::loop_fixture {
  simulator::identity clients = simulator::make_authority("Clients");
  tls::server_options options{.certificate_pem = support::certificates().server.certificate_pem,
                              .private_key_pem = secrets::secret{support::certificates().server.key_pem},
                              .client_ca_pem = clients.certificate_pem};
  std::shared_ptr<tls::server_context> context = tls::server_context::make(options).value();
  who_is_it serves{loop};
  observed seen;
  random::seeded_source randomness{1};
  admission::connection_ledger connections{{.in_all = 6, .per_peer = 6}};
  server subject{loop,
                 serves,
                 {.limits = {.head = 1024, .target = 200}, .connections = &connections, .tls = {context, &seen, 2}},
                 randomness};
  std::vector<std::unique_ptr<visitor>> visitors;

  ~secured_fixture() {
    for (auto& each : visitors) each->stream.ready().interrupt(transport::wake::cancelled);
    settle();
    visitors.clear();
    settle();
  }

  std::unique_ptr<transport::channel> connect() {
    auto [mine, theirs] = memory_channel::make_pair(loop.ready());
    subject.accept(std::move(theirs));
    settle();
    return std::move(mine);
  }
  static task<> shake(visitor& who) { who.shaken = co_await who.stream.handshake(); }
  visitor& visit(const simulator::identity* as = nullptr) {
    auto trusts = support::trusting(support::certificates().authority);
    auto connection = trusts->connect("localhost");
    if (as != nullptr) support::show(connection.get(), *as);
    visitors.push_back(std::make_unique<visitor>(std::move(trusts), connect(), std::move(connection)));
    loop.spawn(shake(*visitors.back()));
    settle();
    return *visitors.back();
  }
  std::string ask(visitor& who) {
    const std::string_view request = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    if (who.stream.try_write(request).status != transport::io_status::done) return "cannot write";
    settle();
    std::array<char, 4096> piece{};
    const auto got = who.stream.try_read(piece);
    const std::string answer{piece.data(), got.bytes};
    return got.status == transport::io_status::done ? answer.substr(answer.find("\r\n\r\n") + 4) : "no answer";
  }
};

simulator::identity portal_of(const simulator::identity& authority, simulator::validity valid = {}) {
  return simulator::make_certificate(
      authority, {.host_names = {"portal.internal"}, .valid = valid, .used_by = simulator::usage::client, .uris = {}});
}

TEST_CASE_FIXTURE(secured_fixture, "requests come over TLS, with the names of the caller's certificate or without") {
  auto& nobody = visit();
  CHECK(ask(nobody) == "nobody");
  const auto portal = portal_of(clients);
  auto& somebody = visit(&portal);
  CHECK(ask(somebody) == "DNS:portal.internal ");
  CHECK(ask(nobody) == "nobody");  // nothing stays behind in what they share
  CHECK(seen.count(handshake_end::done) == 2);
}

TEST_CASE_FIXTURE(secured_fixture,
                  "a certificate holds until its authority has gone, on connections that are open too") {
  const auto portal = portal_of(clients);
  auto& before = visit(&portal);
  CHECK(ask(before) == "DNS:portal.internal ");
  CHECK(context->reload(options).has_value());
  CHECK(ask(before) == "DNS:portal.internal ");
  options.client_ca_pem = simulator::make_authority("Others").certificate_pem;
  CHECK(context->reload(options).has_value());
  CHECK(ask(before) == "not any more: DNS:portal.internal ");
  options.client_ca_pem = clients.certificate_pem;
  CHECK(context->reload(options).has_value());
  CHECK(ask(before) == "not any more: DNS:portal.internal ");
}

TEST_CASE_FIXTURE(secured_fixture, "a certificate that expires while its connection is open holds no longer") {
  const auto portal = portal_of(clients);
  auto& caller = visit(&portal);
  clock.jump_wall(std::chrono::days{365 * 10});
  CHECK(ask(caller) == "not any more: DNS:portal.internal ");
}

TEST_CASE_FIXTURE(secured_fixture,
                  "a handshake that makes no progress ends with the header's time, and frees its place") {
  const auto silent = connect();
  CHECK(subject.connections() == 1);
  advance(9s);
  CHECK(seen.ends.empty());
  advance(1s);
  CHECK(seen.count(handshake_end::timed_out) == 1);
  CHECK(subject.connections() == 0);
}

TEST_CASE_FIXTURE(secured_fixture, "of too many handshakes the oldest is given up, and who is through is left alone") {
  auto& through = visit();
  CHECK(ask(through) == "nobody");
  std::vector<std::unique_ptr<transport::channel>> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(connect());
  settle();
  CHECK(seen.count(handshake_end::cancelled) == 2);
  CHECK(subject.connections() == 3);
  CHECK(ask(visit()) == "nobody");
  CHECK(seen.count(handshake_end::cancelled) == 3);
  CHECK(ask(through) == "nobody");
}

TEST_CASE_FIXTURE(secured_fixture, "who is one too many is told so by TLS, too") {
  for (int i = 0; i < 6; ++i) CHECK(ask(visit()) == "nobody");
  auto& beyond = visit();
  CHECK(ask(beyond).contains("/problems/overloaded"));
}

TEST_CASE_FIXTURE(secured_fixture, "HTTP without TLS is answered without TLS, and ends") {
  support::memory_peer plain{connect()};
  CHECK(plain.say("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
  settle();
  const auto answer = plain.heard();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(answer.contains("/problems/malformed-request"));
  CHECK(answer.contains("Connection: close"));
  CHECK(plain.ended());
  CHECK(serves.done == std::vector<unsigned>{400});
  plain.leave();
}

TEST_CASE_FIXTURE(secured_fixture, "a refused certificate is told in an alert before the connection ends") {
  const auto foreign = portal_of(simulator::make_authority("Elsewhere"));
  auto& refused = visit(&foreign);
  CHECK(seen.count(handshake_end::refused_certificate) == 1);
  std::array<char, 100> piece{};
  CHECK(refused.stream.try_read(piece).status == transport::io_status::failed);
  CHECK(refused.stream.reason() == "tlsv1 alert unknown ca");
  advance(1s);
  CHECK(subject.connections() == 0);
}

TEST_CASE_FIXTURE(secured_fixture,
                  "whose handshake is under way when the drain begins may end it, and ask, within half a second each") {
  const auto silent = connect();
  auto slow = connect();
  subject.drain();
  settle();
  CHECK(subject.connections() == 2);
  advance(200ms);
  auto trusts = support::trusting(support::certificates().authority);
  auto connection = trusts->connect("localhost");
  visitors.push_back(std::make_unique<visitor>(std::move(trusts), std::move(slow), std::move(connection)));
  loop.spawn(shake(*visitors.back()));
  settle();
  advance(400ms);
  CHECK(seen.count(handshake_end::timed_out) == 1);
  CHECK(subject.connections() == 1);
  CHECK(ask(*visitors.back()) == "nobody");
  advance(1s);  // in which it may hear the end
  CHECK(subject.connections() == 0);
}

}  // namespace
