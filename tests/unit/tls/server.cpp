// The server's side: whom it asks for a certificate, whom it believes, and what a reload changes.
#include <doctest/doctest.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>

#include "foundation/transport/memory.hpp"
#include "support/certificates.hpp"
#include "support/loop_fixture.hpp"
#include "tls/peer_certificate.hpp"
#include "tls/stream.hpp"

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using simulator::usage;
using support::certificates;
using tls::handshake_end;
using transport::memory_channel;
using transport::task;

simulator::identity client_of(const simulator::identity& authority, std::vector<std::string> uris = {}) {
  return simulator::make_certificate(
      authority, {.host_names = {"portal.internal"}, .used_by = usage::client, .uris = std::move(uris)});
}

// A client that does what the test says, also what ours never would.
struct wilful_client {
  wilful_client() : context{SSL_CTX_new(TLS_client_method())} {
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_app_data(context.get(), this);
    SSL_CTX_sess_set_new_cb(context.get(), [](SSL* of, SSL_SESSION* session) {
      // A copy: the original is spoilt by a connection that ends without a goodbye.
      static_cast<wilful_client*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(of)))->session.reset(SSL_SESSION_dup(session));
      return 0;
    });
  }
  void show(const simulator::identity& who, const std::string& chain = {}) {
    const auto load = [](const std::string& text) {
      return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
    };
    auto* from = load(who.certificate_pem);
    auto* certificate = PEM_read_bio_X509(from, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context.get(), certificate);
    X509_free(certificate);
    BIO_free(from);
    from = load(who.key_pem);
    auto* key = PEM_read_bio_PrivateKey(from, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context.get(), key);
    EVP_PKEY_free(key);
    BIO_free(from);
    if (chain.empty()) return;
    from = load(chain);
    SSL_CTX_add0_chain_cert(context.get(), PEM_read_bio_X509(from, nullptr, nullptr, nullptr));
    BIO_free(from);
  }
  tls::connection_ptr connect() {
    tls::connection_ptr made{SSL_new(context.get())};
    SSL_set_connect_state(made.get());
    if (session) SSL_set_session(made.get(), session.get());
    return made;
  }
  tls::context_ptr context;
  tls::session_ptr session;
};

struct server_world : support::loop_fixture {
  tls::server_options options{.certificate_pem = certificates().server.certificate_pem,
                              .private_key_pem = secrets::secret{certificates().server.key_pem}};
  std::shared_ptr<tls::server_context> context;
  std::unique_ptr<tls::stream> client;
  std::unique_ptr<tls::stream> server;
  std::optional<std::expected<void, std::string>> shaken;

  ~server_world() { hang_up(); }
  void hang_up() {
    for (auto* each : {&client, &server}) {
      if (*each) (*each)->ready().interrupt(transport::wake::cancelled);
      settle();
      each->reset();
    }
  }
  void serve(const std::string& client_ca = {}) {
    options.client_ca_pem = client_ca;
    context = tls::server_context::make(options).value();
  }
  static task<> shake(tls::stream& of, std::optional<std::expected<void, std::string>>& into) {
    into = co_await of.handshake();
  }
  // The server's view of a handshake with that client, which then reads, so that it has its tickets. `when`: the time
  // at which the server verifies, if not now.
  handshake_end meet(wilful_client& with, std::optional<std::chrono::system_clock::time_point> when = {}) {
    hang_up();
    shaken.reset();
    auto [a, b] = memory_channel::make_pair(loop.ready());
    client = std::make_unique<tls::stream>(std::move(a), with.connect());
    auto accepted = context->accept();
    if (when) X509_VERIFY_PARAM_set_time(SSL_get0_param(accepted.get()), std::chrono::system_clock::to_time_t(*when));
    server = std::make_unique<tls::stream>(std::move(b), std::move(accepted));
    std::optional<std::expected<void, std::string>> of_client;
    loop.spawn(shake(*server, shaken));
    loop.spawn(shake(*client, of_client));
    settle();
    std::array<char, 10> piece{};
    client->try_read(piece);
    settle();
    REQUIRE(shaken.has_value());
    return server->ended();
  }
  std::string error() const { return shaken && !*shaken ? shaken->error() : ""; }
  std::vector<std::string> names() const {
    const auto* peer = SSL_get0_peer_certificate(server->connection());
    return peer == nullptr ? std::vector<std::string>{"none"} : tls::alternative_names(peer);
  }
};

TEST_CASE_FIXTURE(server_world, "TLS 1.2 and 1.3 are spoken, 1.1 is not, and the best of both sides is chosen") {
  serve();
  wilful_client any;
  CHECK(meet(any) == handshake_end::done);
  CHECK(SSL_version(server->connection()) == TLS1_3_VERSION);
  wilful_client older;
  SSL_CTX_set_max_proto_version(older.context.get(), TLS1_2_VERSION);
  CHECK(meet(older) == handshake_end::done);
  CHECK(SSL_version(server->connection()) == TLS1_2_VERSION);
  wilful_client oldest;
  SSL_CTX_set_min_proto_version(oldest.context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(oldest.context.get(), TLS1_1_VERSION);
  CHECK(meet(oldest) == handshake_end::failed);
  CHECK(error() == "unsupported protocol");
}

TEST_CASE_FIXTURE(server_world, "of the application protocols only http/1.1 is spoken") {
  serve();
  wilful_client both;
  const std::array<unsigned char, 12> offers{2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(both.context.get(), offers.data(), offers.size());
  CHECK(meet(both) == handshake_end::done);
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(server->connection(), &chosen, &size);
  CHECK(std::string_view{reinterpret_cast<const char*>(chosen), size} == "http/1.1");
  wilful_client other;
  SSL_CTX_set_alpn_protos(other.context.get(), offers.data(), 3);
  CHECK(meet(other) == handshake_end::failed);
  CHECK(error() == "no application protocol");
}

TEST_CASE_FIXTURE(server_world, "a client's certificate gives its names; without one the client comes in without") {
  const auto authority = simulator::make_authority("Clients");
  serve(authority.certificate_pem);
  wilful_client nobody;
  CHECK(meet(nobody) == handshake_end::done);
  CHECK(names() == std::vector<std::string>{"none"});
  wilful_client portal;
  portal.show(client_of(authority, {"spiffe://example.internal/Portal"}));
  CHECK(meet(portal) == handshake_end::done);
  CHECK(names() == std::vector<std::string>{"DNS:portal.internal", "URI:spiffe://example.internal/Portal"});
  CHECK(context->vouches_for(server->connection()));
  options.needs_client_certificate = true;
  serve(authority.certificate_pem);
  CHECK(meet(portal) == handshake_end::done);
  CHECK(meet(nobody) == handshake_end::refused_certificate);
}

TEST_CASE_FIXTURE(server_world, "a client's certificate that does not hold ends the handshake, with the reason") {
  const auto authority = simulator::make_authority("Clients");
  const auto other = simulator::make_authority("Others");
  const auto now = std::chrono::system_clock::now();
  serve(authority.certificate_pem);
  struct refused {
    simulator::identity who;
    std::string reason;
  };
  const std::vector<refused> all{
      {client_of(other), "unable to get local issuer certificate"},
      {simulator::make_certificate(
           authority,
           {.host_names = {"portal.internal"}, .valid = {now - 48h, now - 24h}, .used_by = usage::client, .uris = {}}),
       "certificate has expired"},
      {simulator::make_certificate(authority, {.host_names = {"portal.internal"}}), "unsuitable certificate purpose"},
      {simulator::make_self_signed({.host_names = {"portal.internal"}, .used_by = usage::client, .uris = {}}),
       "self-signed certificate"}};
  for (const auto& one : all) {
    CAPTURE(one.reason);
    wilful_client client_with;
    client_with.show(one.who);
    CHECK(meet(client_with) == handshake_end::refused_certificate);
    CHECK(error() == "the caller's certificate was refused: " + one.reason + " (certificate /CN=portal.internal)");
  }
}

TEST_CASE_FIXTURE(server_world, "who speaks HTTP, or nothing at all, is told apart") {
  serve();
  auto say = [&](std::string_view bytes) {
    hang_up();
    shaken.reset();
    auto [mine, theirs] = memory_channel::make_pair(loop.ready());
    server = std::make_unique<tls::stream>(std::move(theirs), context->accept());
    loop.spawn(shake(*server, shaken));
    CHECK((bytes.empty() || mine->try_write(bytes).status == transport::io_status::done));
    settle();
    if (!shaken) mine.reset();
    settle();
    REQUIRE(shaken.has_value());
    return server->ended();
  };
  CHECK(say("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == handshake_end::plain_http);
  CHECK(say("POST /v1/accounts HTTP/1.1\r\n\r\n") == handshake_end::plain_http);
  CHECK(say("") == handshake_end::left);
  CHECK(say("\x16\x03\x01") == handshake_end::left);
  CHECK(say("hello, anybody there?") == handshake_end::failed);
}

TEST_CASE_FIXTURE(server_world, "a reload is for new connections; one that cannot be used changes nothing") {
  serve();
  wilful_client visitor;
  const auto serial = [&] {
    CHECK(meet(visitor) == handshake_end::done);
    visitor.session.reset();
    return support::serial_of(SSL_get0_peer_certificate(client->connection()));
  };
  const auto first = serial();
  const auto generation = context->generation();
  const auto next = simulator::make_certificate(certificates().authority, {.host_names = {"localhost"}});

  auto broken = options;
  broken.certificate_pem = next.certificate_pem;
  CHECK(context->reload(broken).error() == "the private key does not belong to the certificate");
  broken.certificate_pem = next.certificate_pem.substr(0, next.certificate_pem.size() / 2);
  CHECK(context->reload(broken).error().starts_with("the certificate: "));
  broken = options;
  broken.client_ca_pem = certificates().authority.certificate_pem + next.certificate_pem.substr(0, 200);
  CHECK(context->reload(broken).error().starts_with("the clients' authorities: "));
  broken = options;
  broken.private_key_pem = secrets::secret{"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"};
  CHECK(context->reload(broken).error().starts_with("the private key: "));
  CHECK(context->generation() == generation);
  CHECK(serial() == first);

  CHECK(meet(visitor) == handshake_end::done);
  auto good = options;
  good.certificate_pem = next.certificate_pem;
  good.private_key_pem = secrets::secret{next.key_pem};
  CHECK(context->reload(good).has_value());
  CHECK(context->generation() != generation);
  std::array<char, 10> piece{};
  CHECK(client->try_write(std::string_view{"still here"}).status == transport::io_status::done);
  CHECK(server->try_read(piece).bytes == 10);
  visitor.session.reset();
  CHECK(serial() != first);
}

TEST_CASE_FIXTURE(server_world, "the expiry of the certificate in force is known, the earliest of its chain") {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto middle = simulator::make_intermediate(certificates().authority, "Middle", {now - 1h, now + 2h});
  const auto leaf = simulator::make_certificate(middle, {.host_names = {"localhost"}, .valid = {now - 1h, now + 3h}});
  options.certificate_pem = leaf.certificate_pem + middle.certificate_pem;
  options.private_key_pem = secrets::secret{leaf.key_pem};
  serve();
  CHECK(context->expiry() == now + 2h);
}

TEST_CASE_FIXTURE(server_world,
                  "a session is resumed with its certificate, until a reload, and never after the expiry") {
  const auto authority = simulator::make_authority("Clients");
  serve(authority.certificate_pem);
  wilful_client portal;
  portal.show(client_of(authority));
  CHECK(meet(portal) == handshake_end::done);
  REQUIRE(portal.session);
  CHECK(meet(portal) == handshake_end::done);
  CHECK(server->resumed());
  CHECK(names() == std::vector<std::string>{"DNS:portal.internal"});

  SUBCASE("a reload, even of the same files, makes every ticket worthless") {
    CHECK(context->reload(options).has_value());
    CHECK(meet(portal) == handshake_end::done);
    CHECK_FALSE(server->resumed());
  }
  SUBCASE("after the authority has gone, the ticket does not let the caller keep its name") {
    options.client_ca_pem = simulator::make_authority("Others").certificate_pem;
    CHECK(context->reload(options).has_value());
    CHECK(meet(portal) == handshake_end::refused_certificate);
  }
}

TEST_CASE_FIXTURE(server_world, "a ticket whose certificate has expired is worth nothing") {
  const auto now = std::chrono::system_clock::now();
  const auto authority = simulator::make_authority("Clients", {now - 72h, now + 72h});
  serve(authority.certificate_pem);
  wilful_client late;
  late.show(simulator::make_certificate(
      authority,
      {.host_names = {"portal.internal"}, .valid = {now - 48h, now - 24h}, .used_by = usage::client, .uris = {}}));
  CHECK(meet(late, now - 36h) == handshake_end::done);
  REQUIRE(late.session);
  CHECK(meet(late, now - 36h) == handshake_end::done);
  CHECK_FALSE(server->resumed());
  CHECK(meet(late) == handshake_end::refused_certificate);
}

TEST_CASE_FIXTURE(server_world, "with TLS 1.2 only those without a certificate resume") {
  const auto authority = simulator::make_authority("Clients");
  serve(authority.certificate_pem);
  for (const bool certified : {false, true}) {
    CAPTURE(certified);
    wilful_client older;
    SSL_CTX_set_max_proto_version(older.context.get(), TLS1_2_VERSION);
    if (certified) older.show(client_of(authority));
    CHECK(meet(older) == handshake_end::done);
    REQUIRE(older.session);
    CHECK(meet(older) == handshake_end::done);
    CHECK(server->resumed() == !certified);
  }
}

TEST_CASE_FIXTURE(server_world, "a connection is vouched for as long as an authority of its chain is trusted") {
  const auto authority = simulator::make_authority("Clients");
  const auto other = simulator::make_authority("Others");
  const auto middle = simulator::make_intermediate(authority, "Middle");
  serve(authority.certificate_pem);
  wilful_client portal;
  portal.show(client_of(middle), middle.certificate_pem);
  CHECK(meet(portal) == handshake_end::done);
  CHECK_FALSE(portal.session);  // it could not be verified again on the strength of a ticket
  CHECK(context->vouches_for(server->connection()));
  const auto trusts = [&](const std::string& pem) {
    options.client_ca_pem = pem;
    CHECK(context->reload(options).has_value());
    return context->vouches_for(server->connection());
  };
  CHECK(trusts(authority.certificate_pem + other.certificate_pem));
  CHECK(trusts(middle.certificate_pem));
  CHECK_FALSE(trusts(other.certificate_pem));
  CHECK_FALSE(trusts(""));
}

}  // namespace
