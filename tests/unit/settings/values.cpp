// What a file turns into.
#include "fake_environment.hpp"
#include "texts.hpp"

#include <boost/json/serialize.hpp>

#include <doctest/doctest.h>

using namespace gateway::settings;

namespace {

configuration read(std::string_view text, const environment& env = fake_environment{}) {
  auto c = parse(text, "/etc/gateway/g.yaml", env);
  INFO((c ? "" : gateway::settings::text(c.error())));
  REQUIRE(c);
  return *c;
}

}  // namespace

TEST_CASE("The least configuration gets every default") {
  const auto c = read(least);
  CHECK(c.listeners.api.port == 8080);
  CHECK(c.listeners.admin.port == 9090);
  CHECK(c.listeners.admin.address.to_string() == "0.0.0.0");
  CHECK(c.threads.is_auto());
  CHECK_FALSE(c.control_socket);
  CHECK(c.callers.empty());
  CHECK(c.shared_state.store == store_kind::memory);
  CHECK(c.drain.delay == 5s);
  CHECK(c.drain.timeout == 30s);
  CHECK(c.log.level == log_level::info);
  CHECK(c.log.format == log_format::json);

  const auto& a = c.accounts.at("sandbox");
  CHECK(a.base_url.text() == "https://sandbox-app.podero.com/api/partners/v2.0");
  CHECK(a.token.url.text() == "https://sandbox-app.podero.com/oauth2/token/");
  CHECK(a.token.encoding == token_encoding::json);
  CHECK(a.token.client_id.content.reveal() == "example-id");
  CHECK(a.token.client_secret.content.reveal() == "example-secret-not-real");
  CHECK_FALSE(a.connect.base_url);
  CHECK(a.connect.shortcuts == std::map<std::string, std::string>{{"heat_pump", "/heat-pumps"}});
  CHECK(a.tls.min_version == tls_version::tls_1_2);
  CHECK(a.pool.max_connections == 64);
  CHECK(a.pool.idle_timeout == 50s);
  CHECK(a.pool.max_age == 10min);
  CHECK(a.pool.http2_streams == 32);
  CHECK(a.timeouts.total == 15s);
  CHECK(a.timeouts.connect == 2s);
  CHECK(a.timeouts.exchange == 10s);
  CHECK(a.retries.attempts == 3);
  CHECK(a.retries.budget == 0.1);
  CHECK(a.circuit_breaker.failure_ratio == 0.5);
  CHECK(a.pause.max == 15min);
  CHECK(a.limits.requests.empty());
  CHECK(a.limits.queue.length == 1000);
  CHECK(a.limits.queue.max_wait == 5s);
  CHECK(a.limits.jitter == 100ms);
  CHECK(a.limits.degraded_share == 0.2);
  CHECK(a.session_reuse.lifetime == 0s);
  CHECK(a.expiry_utc_offset.value == 180min);
  CHECK(a.unknown_members == unknown_members::pass);
  CHECK(a.defaults.empty());
}

TEST_CASE("A key that is set leaves its neighbours at their defaults") {
  const auto c =
      read(least_and("    limits: { queue: { length: 100, max_wait: 120s } }\n    timeouts: { total: 130s }\n"));
  const auto& a = c.accounts.at("sandbox");
  CHECK(a.limits.queue.length == 100);
  CHECK(a.limits.queue.max_wait == 120s);
  CHECK(a.limits.jitter == 100ms);
  CHECK(a.timeouts.total == 130s);
  CHECK(a.timeouts.connect == 2s);
}

TEST_CASE("Windows are read in their order") {
  const auto c = read(least_and("    limits: { requests: [ { rate: 50, per: 1s }, { rate: 1500, per: 1m } ] }\n"));
  CHECK(c.accounts.at("sandbox").limits.requests == std::vector<window>{{50, 1s}, {1500, 60s}});
}

TEST_CASE("Reuse is written as a duration or as a mapping") {
  CHECK(read(least_and("    session_reuse: 10m\n")).accounts.at("sandbox").session_reuse.lifetime == 10min);
  const auto c = read(least_and("    session_reuse: { for: 30m, scope: account }\n"));
  CHECK(c.accounts.at("sandbox").session_reuse.lifetime == 30min);
  CHECK(c.accounts.at("sandbox").session_reuse.scope == reuse_scope::account);
}

TEST_CASE("A test account without limits gets those that spare it") {
  const auto c = read(least_and("    test_account: demo\ntest_accounts: { demo: {} }\n"));
  const auto& t = c.test_accounts.at("demo");
  CHECK(t.open_sessions == 2);
  CHECK(t.slot_ttl == 15min);
  CHECK(t.limits.sessions == std::vector<window>{{1, 10s}, {30, 1h}, {200, 24h}});
}

TEST_CASE("Relative paths start at the configuration's folder") {
  fake_environment env;
  env.files["/etc/gateway/secrets/id"] = "example-id\n";
  env.files["/run/secret"] = "example-secret-not-real\r\n\n";
  const auto c = read(R"(listeners: { api: { address: "::1" } }
control_socket: control.sock
accounts:
  a:
    base_url: https://a.example/
    token: { client_id_file: secrets/id, client_secret_file: ../../run/secret }
)",
                      env);
  const auto& t = c.accounts.at("a").token;
  CHECK(c.control_socket == "/etc/gateway/control.sock");
  CHECK(t.client_id.file == "/etc/gateway/secrets/id");
  CHECK(t.client_id.content.reveal() == "example-id");
  CHECK(t.client_secret.file == "/run/secret");
  CHECK(t.client_secret.content.reveal() == "example-secret-not-real");
  CHECK(c.accounts.at("a").base_url.text() == "https://a.example");
}

TEST_CASE("Any value may come from the environment or a file, numbers too") {
  fake_environment env;
  env.variables["PORT"] = "8443";
  env.variables["HOST"] = "sandbox.example";
  env.files["/etc/gateway/level"] = "debug\n";
  const auto c = read(R"(listeners: { api: { address: 127.0.0.1, port: "${env:PORT}" } }
accounts:
  a:
    base_url: https://${env:HOST}/api
    token: { client_id: i, client_secret: s }
log: { level: "${file:level}" }
)",
                      env);
  CHECK(c.listeners.api.port == 8443);
  CHECK(c.accounts.at("a").base_url.host == "sandbox.example");
  CHECK(c.log.level == log_level::debug);
}

TEST_CASE("Defaults of the body become JSON by the core schema of YAML") {
  fake_environment env;
  env.variables["N"] = "7";
  const auto c = read(least_and(R"(    defaults:
      language: de
      price_zone_default: NO
      is_smart_optimization_active_default: true
      quoted: "true"
      number: 12
      negative: -3
      real: 1.5
      big: 18446744073709551615
      version: 1.2.3
      octal: 0o17
      word: "${env:N}"
      list: [1, two, null]
      external_metadata: { a: { b: no } }
)"),
                      env);
  CHECK(boost::json::serialize(c.accounts.at("sandbox").defaults) ==
        R"({"language":"de","price_zone_default":"NO","is_smart_optimization_active_default":true,"quoted":"true",)"
        R"("number":12,"negative":-3,"real":1.5E0,"big":18446744073709551615,"version":"1.2.3","octal":"0o17",)"
        R"("word":"7","list":[1,"two",null],"external_metadata":{"a":{"b":"no"}}})");
}

TEST_CASE("Anchors and aliases are plain YAML") {
  const auto c = read(R"(listeners: { api: { address: 127.0.0.1 } }
accounts:
  a: &a
    base_url: https://a.example
    token: { client_id: i, client_secret: s }
  b: *a
)");
  CHECK(c.accounts.at("b").base_url.host == "a.example");
}

TEST_CASE("A caller has keys, accounts, weight, limits, hosts and defaults") {
  const auto c = read(R"(accounts:
  sandbox:
    base_url: https://a.example
    test_account: demo
    token: { client_id: i, client_secret: s }
test_accounts: { demo: {} }
callers:
  customer-portal:
    key_sha256: 1111111111111111111111111111111111111111111111111111111111111111
    accounts: [sandbox]
    weight: 4
    limits: { sandbox: { sessions: [ { rate: 10, per: 1h } ], open_sessions: 1 } }
    redirect_hosts: ["*.my-customerportal.com"]
    defaults: { success_url: https://a.my-customerportal.com/success }
)");
  const auto& one = c.callers.at("customer-portal");
  REQUIRE(one.key_sha256.size() == 1);
  CHECK(one.key_sha256[0][31] == 0x11);
  CHECK(one.accounts == std::vector<std::string>{"sandbox"});
  CHECK(one.weight == 4);
  CHECK(one.limits.at("sandbox").sessions == std::vector<window>{{10, 1h}});
  CHECK(one.limits.at("sandbox").open_sessions == 1U);
  CHECK(one.redirect_hosts.matches("www.my-customerportal.com"));
  CHECK_FALSE(one.redirect_hosts.matches("my-customerportal.com"));
  CHECK(c.listeners.api.address.to_string() == "0.0.0.0");
}

TEST_CASE("Overrides and the proxy are read") {
  const auto c =
      read(least_and("    resolve: { app.podero.test: 127.0.0.1, \"b.test:443\": \"[::1]:8443\" }\n"
                     "    proxy: http://egress-proxy:3128\n"));
  const auto& a = c.accounts.at("sandbox");
  REQUIRE(a.resolve.size() == 2);
  CHECK(a.resolve[0].host == "app.podero.test");
  CHECK(a.resolve[1].port == 443);
  CHECK(a.resolve[1].to_port == 8443);
  CHECK(a.proxy->host == "egress-proxy");
  CHECK(a.proxy->port == 3128);
}

TEST_CASE("load reads the file itself") {
  fake_environment env;
  env.files["/etc/gateway/g.yaml"] = std::string{least};
  CHECK(load("/etc/gateway/g.yaml", env).has_value());
  const auto missing = load("/etc/gateway/other.yaml", env);
  REQUIRE_FALSE(missing);
  CHECK(gateway::settings::text(missing.error()) ==
        "/etc/gateway/other.yaml: cannot be read: No such file or directory\n");
}
