// The effective configuration as a text, its hash, and what is unwise.
#include "fake_environment.hpp"
#include "texts.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace gateway::settings;

namespace {

constexpr std::string_view file = "/etc/gateway/g.yaml";

configuration read(std::string_view text, const environment& env = fake_environment{}) {
  auto c = parse(text, file, env);
  REQUIRE((c ? "" : gateway::settings::text(c.error())) == "");
  return *c;
}

// Warnings as lines, without those that the least configuration has anyway.
std::string warnings_of(std::string_view text, unsigned loops = 1) {
  std::string out;
  for (const auto& w : warnings(read(text), loops))
    if (w.path != "callers" && w.path != "accounts.sandbox.limits") out += w.text() + '\n';
  return out;
}

fake_environment with_files() {
  fake_environment env;
  env.files["/run/id"] = "example-id";
  env.files["/run/secret"] = "example-secret-not-real";
  return env;
}

constexpr std::string_view everything = R"(listeners:
  api: { address: "::1", port: 0, max_connections: 7, limits: { body: 1025B }, timeouts: { idle: 90s } }
control_socket: run/control.sock
threads: 3
accounts:
  production:
    base_url: https://app.podero.com:8443/api/partners/v2.0/
    org_id: 016b78a7-0c7c-4241-a277-015c3ad3cb90
    token: { encoding: form, client_id_file: /run/id, client_secret_file: /run/secret }
    connect: { base_url: https://connect.podero.com, shortcuts: {} }
    tls: { min_version: "1.3", server_name: other.example }
    resolve: { app.podero.test: 127.0.0.1, "b.test:443": "[::1]:8443" }
    proxy: http://egress-proxy:3128
    limits: { requests: [ { rate: 50, per: 1s }, { rate: 1500, per: 1m } ], degraded_share: 0.25 }
    session_reuse: { for: 10m, scope: account }
    languages: [de, en]
    expiry_utc_offset: "-01:30"
    defaults: { language: de, price_zone_default: NO, n: 1.0, i: -3, t: "true", d: "a$${env:X}", m: { "k e y": [null, "1"] } }
  sandbox:
    base_url: https://sandbox.example
    test_account: demo
    token: { client_id: "1234", client_secret: "true" }
test_accounts: { demo: { open_sessions: 3 } }
callers:
  portal:
    key_sha256: [ 1111111111111111111111111111111111111111111111111111111111111111 ]
    accounts: [ sandbox, production ]
    limits: { sandbox: { sessions: [ { rate: 10, per: 1h } ], open_sessions: 1 } }
    redirect_hosts: [ "*.example.com", "[::1]" ]
shared_state: { store: redis, redis: { url: rediss://r.example/2, username: gw, password: x }, max_replicas: 3 }
log: { format: text }
)";

}  // namespace

TEST_CASE("What is printed reads back and prints the same") {
  const auto env = with_files();
  for (const auto text : {least, everything}) {
    const auto first = print(read(text, env));
    CAPTURE(first);
    const auto again = parse(first, file, env);
    REQUIRE((again ? "" : gateway::settings::text(again.error())) == "");
    CHECK(print(*again) == first);
    CHECK(hash(*again) == hash(read(text, env)));
  }
}

TEST_CASE("No secret is printed, in place or from a file") {
  const auto text = print(read(everything, with_files()));
  CHECK(text.find("example-secret-not-real") == std::string::npos);
  CHECK(text.find("example-id") == std::string::npos);
  CHECK(text.find("1234") == std::string::npos);
  CHECK(text.find("client_secret: \"********\"") != std::string::npos);
  CHECK(text.find("client_secret_file: \"/run/secret\"") != std::string::npos);
  CHECK(text.find("password: \"********\"") != std::string::npos);
}

TEST_CASE("Defaults are filled in and paths are resolved") {
  const auto text = print(read(everything, with_files()));
  CHECK(text.find("control_socket: \"/etc/gateway/run/control.sock\"") != std::string::npos);
  CHECK(text.find("url: \"https://app.podero.com:8443/oauth2/token/\"") != std::string::npos);
  CHECK(text.find("idle_timeout: 50s") != std::string::npos);
}

TEST_CASE("The hash is the same for the same configuration, whatever its writing, order and secrets") {
  const auto one = hash(read(least));
  CHECK(one.size() == 16);
  CHECK(hash(read(least_and("log: { level: info }\n"))) == one);
  CHECK(hash(read(R"(accounts: { sandbox: { token: { client_secret: other, client_id: other },
  base_url: "https://sandbox-app.podero.com/api/partners/v2.0/" } }
listeners: { api: { address: 127.0.0.1 } })")) == one);
}

TEST_CASE("The hash differs when a value does") {
  const auto one = hash(read(least));
  CHECK(hash(read(least_and("log: { level: warn }\n"))) != one);
  CHECK(hash(read(least_and("    pool: { max_connections: 65 }\n"))) != one);
}

TEST_CASE("A long window remembered in memory only is unwise") {
  CHECK(warnings_of(least_and("    test_account: d\ntest_accounts: { d: {} }\n")) ==
        "test_accounts.d.limits.sessions: the window of 24h is remembered in memory only: it starts anew with every "
        "process, "
        "and each replica has its own\n");
  CHECK(warnings_of(least_and(
            "    test_account: d\ntest_accounts: { d: { limits: { sessions: [ { rate: 1, per: 1m } ] } } }\n")) == "");
}

TEST_CASE("A price zone by default is unwise where several callers share the account") {
  constexpr std::string_view one = R"(    defaults: { price_zone_default: AT }
callers:
  a: { key_sha256: 1111111111111111111111111111111111111111111111111111111111111111, accounts: [sandbox] }
)";
  constexpr std::string_view other =
      "  b: { key_sha256: 2222222222222222222222222222222222222222222222222222222222222222, accounts: [sandbox] }\n";
  CHECK(warnings_of(least_and(one)) == "");
  CHECK(warnings_of(least_and(std::string{one} + std::string{other})) ==
        "accounts.sandbox.defaults.price_zone_default: several callers share this account: one that forgets its price "
        "zone "
        "gets this one unnoticed\n");
}

TEST_CASE("A degraded share below one permit is unwise") {
  CHECK(
      warnings_of(least_and("    limits: { requests: [ { rate: 50, per: 1s }, { rate: 9, per: 100ms } ] }\n"
                            "shared_state: { store: redis, redis: { url: rediss://r.example }, max_replicas: 2 }\n")) ==
      "accounts.sandbox.limits.degraded_share: leaves less than one permit of requests[1] (9 per 100ms) to each of 2 "
      "replicas: without the store everything is refused, as with 0\n");
}

TEST_CASE("Anonymous callers are unwise") {
  const auto all = warnings(read(least), 1);
  REQUIRE_FALSE(all.empty());
  CHECK(all[0].text() == "callers: there are none: everybody who reaches listeners.api may use every account");
}

TEST_CASE("An account without any window is unwise") {
  const auto all = warnings(read(least), 1);
  REQUIRE(all.size() == 2);
  CHECK(all[1].text() ==
        "accounts.sandbox.limits: there is no window, so nothing but max_connections limits what is sent");
}

TEST_CASE("Redirects by http are unwise") {
  CHECK(
      warnings_of(least_and("    allow_http_redirects: true\n")) ==
      "accounts.sandbox.allow_http_redirects: http redirects are allowed: what the browser carries back can be read\n");
}

TEST_CASE("Timeouts that cut each other off are unwise") {
  CHECK(
      warnings_of(least_and("    timeouts: { total: 5s }\n")) ==
      "accounts.sandbox.limits.queue.max_wait: 5s is not shorter than timeouts.total (5s), which ends the wait first\n"
      "accounts.sandbox.timeouts.total: 5s is shorter than connect and exchange together, which it cuts off\n");
}

TEST_CASE("A drain that an exchange may outlive is unwise") {
  CHECK(
      warnings_of(least_and("drain: { timeout: 9s }\n")) ==
      "drain.timeout: 9s is shorter than accounts.sandbox.timeouts.exchange (10s): what was sent may be cut off, and a "
      "creation's effect then stays unknown\n");
  CHECK(warnings_of(least_and("drain: { timeout: 10s }\n")) == "");
}

TEST_CASE("Fewer connections than loops are unwise") {
  const auto text = least_and("    pool: { max_connections: 2 }\n");
  CHECK(warnings_of(text, 2) == "");
  CHECK(warnings_of(text, 3) ==
        "accounts.sandbox.pool.max_connections: 2 is fewer than there are event loops (threads: 3): one closes its "
        "connection for another to open one, with a TLS handshake each time\n");
}

TEST_CASE("A token URL without its slash, and Redis without TLS, are unwise") {
  CHECK(warnings_of(R"(listeners: { api: { address: 127.0.0.1 } }
accounts:
  sandbox:
    base_url: https://a.example
    token: { url: https://a.example/oauth2/token, client_id: i, client_secret: s }
shared_state: { store: redis, redis: { url: redis://r.example } }
)") == "accounts.sandbox.token.url: has no / at its end: Podero's server answers 301 to such a token request, which is "
       "not "
       "followed\n"
       "shared_state.redis.url: is spoken to without TLS: write rediss://\n");
}

TEST_CASE("What has no effect is named") {
  CHECK(warnings_of(least_and(R"(test_accounts: { d: { limits: { sessions: [ { rate: 1, per: 1s } ] } } }
callers:
  a:
    key_sha256: 1111111111111111111111111111111111111111111111111111111111111111
    accounts: [sandbox]
    limits: { sandbox: { open_sessions: 1 } }
allow_anonymous: true
shared_state: { redis: { url: rediss://r.example }, max_replicas: 2 }
)")) == "allow_anonymous: has no effect, because there are callers\n"
        "test_accounts.d: no account uses it\n"
        "callers.a.limits.sandbox.open_sessions: has no effect: only accounts with a test_account have slots\n"
        "shared_state.redis: is not used: store is memory\n"
        "shared_state.max_replicas: several replicas with store: memory do not know of each other: every limit counts "
        "once "
        "per replica\n");
}
