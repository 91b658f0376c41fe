// What callers meet who connect by TLS: with keys, with certificates, with both, and with the wrong ones.
#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "socket/secured.hpp"

using namespace gateway::socket_tests;
using namespace std::chrono_literals;
using gateway::support::eventually;
using gateway::support::scratch_folder;

namespace {

constexpr std::string_view account_path = "/v1/accounts/sandbox";

std::string handshakes(std::string_view outcome, std::string_view listener = "api") {
  return "onboarding_gateway_tls_handshakes_total{listener=\"" + std::string{listener} + "\",outcome=\"" +
         std::string{outcome} + "\"}";
}

struct secured {
  explicit secured(const std::string& more_of_api = "", const std::function<void(configuration&)>& adapt = {}) {
    tls.mount(server, clients.certificate_pem);
    auto how = configuration::of(podero, folder);
    how.api = "{ address: 127.0.0.1, port: 0, " + tls.yaml() + more_of_api + " }";
    how.more = callers.yaml();
    how.log = "{ level: debug, format: json }";
    if (adapt) adapt(how);
    gateway.emplace(how);
  }

  connection::trust trusting() const { return {.ca_file = server_ca}; }
  connection::trust showing(const simulator::identity& who) {
    return as_client(folder, "client-" + std::to_string(++shown), server_ca, who);
  }
  answer ask(const connection::trust& as, const std::string& headers = "") const {
    return connection{gateway->api(), as}.call("GET", account_path, "", headers);
  }
  std::string code_of(const answer& refused) const {
    CHECK(refused.status == 401);
    CHECK(refused.header("WWW-Authenticate") == "Bearer");
    return text_in(refused.json().at("errors").at(0), "code");
  }

  scratch_folder folder;
  simulator::identity authority = simulator::make_authority("Servers");
  simulator::identity server = simulator::make_certificate(authority, {.host_names = {"localhost"}});
  simulator::identity clients = simulator::make_authority("Clients");
  std::string server_ca = folder.write("servers.pem", authority.certificate_pem);
  mounted_tls tls{folder};
  known_callers callers;
  running_simulator podero;
  int shown = 0;
  std::optional<running_gateway> gateway;
};

}  // namespace

TEST_CASE("A session is created over TLS 1.2 and 1.3, with a key as with a certificate; 1.1 is refused") {
  secured running;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    auto with_key = running.trusting();
    with_key.version = version;
    auto caller = connection{running.gateway->api(), with_key};
    create(caller, running.callers.portal.header());
    create(caller, running.callers.portal.header());
    auto with_certificate = running.showing(client_certificate(running.clients, "portal.internal"));
    with_certificate.version = version;
    auto other = connection{running.gateway->api(), with_certificate};
    create(other);
  }
  auto too_old = running.trusting();
  too_old.version = TLS1_1_VERSION;
  CHECK_THROWS(connection(running.gateway->api(), too_old));
  CHECK(running.gateway->metric(handshakes("full")) == 4);
  CHECK(running.gateway->metric(handshakes("failed")) == 1);
  const auto told = running.gateway->process().line_with("TLS handshake failed");
  CHECK(told.contains("unsupported protocol"));
  CHECK(told.contains(R"("peer":"127.0.0.1")"));
  const auto portal =
      "onboarding_gateway_requests_total{route=\"create_session\",method=\"POST\",code=\"201\",caller=\"";
  CHECK(running.gateway->metric(portal + std::string{"portal\",account=\"sandbox\",problem=\"\"}"}) == 6);
}

TEST_CASE("A certificate is a caller by a DNS name or a URI in it; one of nobody is not, but a key is") {
  secured running;
  const auto by_name = running.showing(client_certificate(running.clients, "Portal.internal"));
  const auto by_uri =
      running.showing(client_certificate(running.clients, "some-pod", {"spiffe://example.internal/batch"}));
  const auto nobody = running.showing(client_certificate(running.clients, "sidecar.internal"));
  CHECK(running.ask(by_name).status == 200);
  CHECK(running.ask(by_uri).status == 200);
  CHECK(running.ask(running.trusting(), running.callers.tool.header()).status == 200);
  CHECK(running.ask(nobody, running.callers.tool.header()).status == 200);
  CHECK(running.ask(by_name, running.callers.portal.header()).status == 200);
  CHECK(running.code_of(running.ask(nobody)) == "unknown-certificate");
  const auto refused = running.gateway->process().line_with(R"("code":401)");
  CHECK(refused.contains(R"("peer":"127.0.0.1")"));
  CHECK(refused.contains(R"("account":"sandbox")"));
  CHECK(running.code_of(running.ask(running.trusting())) == "missing");
  CHECK(running.code_of(running.ask(by_name, running.callers.tool.header())) == "key-and-certificate-disagree");
  CHECK(running.code_of(running.ask(by_name, "Authorization: Bearer ogw-nobodys\r\n")) == "unknown-key");
}

TEST_CASE("A certificate of another authority, or one that has expired, ends the handshake, and the log says why") {
  secured running;
  const auto now = std::chrono::system_clock::now();
  const auto foreign = running.showing(client_certificate(simulator::make_authority("Elsewhere"), "portal.internal"));
  const auto expired =
      running.showing(client_certificate(running.clients, "portal.internal", {}, {now - 48h, now - 24h}));
  CHECK_THROWS(running.ask(foreign));
  CHECK(
      running.gateway->process().line_with("TLS handshake failed").contains("unable to get local issuer certificate"));
  CHECK_THROWS(running.ask(expired, running.callers.portal.header()));
  CHECK(running.gateway->process().line_with("TLS handshake failed").contains("certificate has expired"));
  CHECK(running.gateway->metric(handshakes("certificate_refused")) == 2);
}

TEST_CASE("Who speaks HTTP without TLS is told so in a problem and let go") {
  secured running;
  connection plain{running.gateway->api()};
  const auto got = plain.call("GET", account_path);
  CHECK(got.status == 400);
  CHECK(got.header("Content-Type") == "application/problem+json");
  CHECK(text_in(got.json(), "detail") == "This port speaks TLS only: use https.");
  CHECK(plain.ends());
  connection gibberish{running.gateway->api()};
  gibberish.send("hello, is anybody there?");
  running.gateway->process().line_with("\"end\":\"failed\"");
  CHECK(running.gateway->metric(handshakes("plain_http")) == 1);
  CHECK(running.gateway->metric(handshakes("failed")) == 1);
}

TEST_CASE("A handshake that makes no progress ends with its time, and holds nobody up meanwhile") {
  // One loop with four places: two for handshakes.
  secured running{", max_connections: 4, timeouts: { header: 1s }", [](auto& how) { how.more += "threads: 1\n"; }};
  std::vector<connection> silent;
  for (int i = 0; i < 6; ++i) silent.emplace_back(running.gateway->api());
  CHECK(eventually([&] { return running.gateway->metric(handshakes("given_up")) == 4; }));
  CHECK(running.ask(running.trusting(), running.callers.portal.header()).status == 200);
  for (auto& each : silent) CHECK(each.ends());
  CHECK(eventually([&] { return running.gateway->metric(handshakes("timed_out")) == 1; }));
  CHECK(running.gateway->metric(handshakes("given_up")) == 5);
  CHECK(eventually(
      [&] { return running.gateway->metric(R"(onboarding_gateway_connections{side="caller",state="idle"})") == 0; }));
}

TEST_CASE("A session is resumed, but does not let a caller keep its name when the authority has gone") {
  secured running;
  auto portal = running.showing(client_certificate(running.clients, "portal.internal"));
  auto kept = connection{running.gateway->api(), portal};
  CHECK(kept.call("GET", account_path).status == 200);
  const auto session = kept.session();
  portal.session = session.get();
  {
    auto again = connection{running.gateway->api(), portal};
    CHECK(again.resumed());
    CHECK(again.call("GET", account_path).status == 200);
  }
  CHECK(running.gateway->metric(handshakes("resumed")) == 1);

  running.tls.mount(running.server, simulator::make_authority("New clients").certificate_pem);
  running.gateway->process().line_with("TLS certificate read again");
  CHECK_THROWS(running.ask(portal));
  const auto refused = kept.call("GET", account_path);
  CHECK(running.code_of(refused) == "certificate-not-valid-any-more");
  CHECK_FALSE(refused.keep_alive);
  CHECK(running.ask(running.trusting(), running.callers.portal.header()).status == 200);
}

TEST_CASE("Changed files that do not belong together leave the old ones in force, loudly, until they do") {
  secured running;
  const std::string success = R"(onboarding_gateway_tls_reload_success{listener="api"})";
  const auto serial = [&] { return connection{running.gateway->api(), running.trusting()}.serial(); };
  const auto first = serial();
  const auto next = simulator::make_certificate(running.authority, {.host_names = {"localhost"}});
  const auto broken = [&](const simulator::identity& pair, std::string_view reason) {
    running.tls.mount(pair, running.clients.certificate_pem);
    const auto line = running.gateway->process().line_with("changed TLS files cannot be used");
    CAPTURE(line);
    CHECK(line.contains("\"level\":\"error\""));
    CHECK(line.contains(reason));
    CHECK(running.gateway->metric(success) == 0);
    CHECK(get(running.gateway->admin(), "/status").body.contains("OnboardingGatewayTlsReloadFailed"));
    CHECK(serial() == first);
  };
  CHECK(running.gateway->metric(success) == 1);
  broken({next.certificate_pem, running.server.key_pem}, "the private key does not belong to the certificate");
  broken({next.certificate_pem.substr(0, 300), next.key_pem}, "the certificate: ");
  running.tls.mount(next, running.clients.certificate_pem);
  running.gateway->process().line_with("TLS certificate read again");
  CHECK(running.gateway->metric(success) == 1);
  CHECK(serial() != first);
  const auto expiry =
      running.gateway->metric(R"(onboarding_gateway_tls_certificate_expiry_timestamp_seconds{listener="api"})");
  const auto days = (std::chrono::sys_seconds{std::chrono::seconds{static_cast<std::int64_t>(expiry)}} -
                     std::chrono::system_clock::now()) /
                    24h;
  CHECK(days >= 29);
  CHECK(days <= 30);
}

TEST_CASE(
    "Operators' pages are behind TLS where it is configured, and need a certificate where there is an authority") {
  scratch_folder folder;
  running_simulator podero;
  const auto authority = simulator::make_authority("Servers");
  const auto clients = simulator::make_authority("Clients");
  const auto server_ca = folder.write("servers.pem", authority.certificate_pem);
  mounted_tls tls{folder};
  tls.mount(simulator::make_certificate(authority, {.host_names = {"localhost"}}), clients.certificate_pem);
  auto how = configuration::of(podero, folder);
  how.admin = "{ address: 127.0.0.1, port: 0, " + tls.yaml() + " }";
  how.wait_until_ready = false;
  running_gateway gateway{how};
  const auto prometheus =
      as_client(folder, "prometheus", server_ca, client_certificate(clients, "prometheus.internal"));
  const auto page = connection{gateway.admin(), prometheus}.call("GET", "/metrics");
  CHECK(page.status == 200);
  CHECK(page.body.contains(handshakes("full", "admin") + " 1\n"));
  CHECK_THROWS(connection(gateway.admin(), connection::trust{.ca_file = server_ca}).call("GET", "/metrics"));
  CHECK(get(gateway.admin(), "/metrics").status == 400);
  CHECK(gateway.process().line_with("TLS handshake failed").contains("peer did not return a certificate"));
}

TEST_CASE("No file is open for writing, no core may be written, and running as root is said") {
  secured running;
  CHECK(running.ask(running.trusting(), running.callers.portal.header()).status == 200);
  const bool root = ::geteuid() == 0;
  const auto process = "/proc/" + std::to_string(running.gateway->process().pid());
  std::ifstream limits{process + "/limits"};
  std::string core;
  for (std::string line; std::getline(limits, line);)
    if (line.starts_with("Max core file size")) core = line;
  std::istringstream words{core.substr(core.find("size") + 4)};
  std::string soft, hard;
  words >> soft >> hard;
  CHECK(soft == "0");
  CHECK(hard == "0");
  CHECK(running.gateway->process().output().contains("running as root") == root);
  if (!root) {
    MESSAGE("the open files are not looked at: the process hides them from everybody but root");
    return;
  }
  // But for what the test itself was started with and hands on.
  const auto open_files = [](const std::string& of) {
    std::set<std::string> all;
    std::error_code gone;  // a connection that ended meanwhile
    for (const auto& one : std::filesystem::directory_iterator{of + "/fd", gone})
      all.insert(std::filesystem::read_symlink(one.path(), gone).string());
    return all;
  };
  const auto handed_on = open_files("/proc/self");
  const auto open = open_files(process);
  CHECK(open.size() > 5);
  for (const auto& leads_to : open) {
    CAPTURE(leads_to);
    CHECK((!leads_to.starts_with('/') || leads_to == "/dev/null" || handed_on.contains(leads_to)));
  }
}

TEST_CASE("Neither the private key nor a caller's key shows in the log or on a page, at the debug level") {
  secured running;
  const auto portal = running.showing(client_certificate(running.clients, "portal.internal"));
  CHECK(running.ask(portal).status == 200);
  auto seen = running.ask(portal, running.callers.tool.header()).body;
  seen += running.ask(running.trusting(), running.callers.portal.header()).body;
  CHECK_THROWS(running.ask(running.showing(client_certificate(simulator::make_authority("Elsewhere"), "a.internal"))));
  running.tls.mount({running.server.certificate_pem, running.clients.key_pem}, running.clients.certificate_pem);
  running.gateway->process().line_with("changed TLS files cannot be used");
  for (const auto* page : {"/metrics", "/config", "/status", "/readyz?verbose"})
    seen += get(running.gateway->admin(), page).body;
  running.gateway->process().signal(SIGTERM);
  REQUIRE(running.gateway->process().end() == 0);
  seen += running.gateway->process().output() + running.gateway->process().errors();
  CHECK(seen.contains("handshake failed"));
  const auto line_of = [](const std::string& pem) {
    const auto begin = pem.find('\n') + 1;
    return pem.substr(begin, 40);
  };
  for (const auto& secret : {line_of(running.server.key_pem), line_of(running.clients.key_pem),
                             running.callers.portal.key, running.callers.tool.key, std::string{"PRIVATE KEY"}})
    CHECK_FALSE(seen.contains(secret));
}
