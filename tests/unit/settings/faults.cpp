// What is wrong, where, and in which words.
#include "fake_environment.hpp"
#include "texts.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;

namespace {

// The faults without the file's name in front: "3:5: path: what\n".
std::string faults(std::string_view text, const environment& env = fake_environment{}) {
  constexpr std::string_view file = "/etc/gateway/g.yaml:";
  std::string out;
  std::string all = faults_of(text, env);
  for (std::size_t at = 0; at < all.size();) {
    const auto end = all.find('\n', at);
    const auto line = std::string_view{all}.substr(at, end - at + 1);
    REQUIRE(line.starts_with(file));
    out += line.substr(file.size());
    at = end + 1;
  }
  return out;
}

// The faults of a line of the account `sandbox`, which is line 6 and indented by four.
std::string account_faults(std::string_view line) {
  return faults(least_and("    " + std::string{line} + "\n"));
}

}  // namespace

TEST_CASE("A fault is shown as file, line, column, path and what is wrong") {
  CHECK(faults_of(least_and("treads: 2\n")) ==
        "/etc/gateway/g.yaml:6:1: treads: is no known key (did you mean threads?)\n");
}

TEST_CASE("A key that is far from every known one gets the list of them") {
  CHECK(account_faults("pool: { colour: 1 }") ==
        "6:13: accounts.sandbox.pool.colour: is no known key (known here: max_connections, idle_timeout, max_age, "
        "http2_streams)\n");
}

TEST_CASE("A key that stands twice is named with the place of the first") {
  CHECK(faults(least_and("log: {}\nlog: {}\n")) == "7:1: log: stands here a second time (first in line 6, column 1)\n");
}

TEST_CASE("A key that is no single value is refused") {
  CHECK(faults(least_and("? [a, b]\n: 1\n")) == "6:3: ?: is no plain word: every key must be a single string\n");
  CHECK(account_faults("pool: { {a: 1}: 2 }") ==
        "6:13: accounts.sandbox.pool.?: is no plain word: every key must be a single string\n");
}

TEST_CASE("Merge keys are named for what they are") {
  CHECK(faults(least_and("<<: {}\n")) ==
        "6:1: \"<<\": merge keys are not supported: repeat the keys, or use *alias as a value\n");
}

TEST_CASE("A missing key stands at what lacks it") {
  CHECK(faults("listeners: { api: { address: 127.0.0.1 } }\n") == "1:1: accounts: is missing\n");
  CHECK(faults("listeners: { api: { address: 127.0.0.1 } }\naccounts:\n  a: {}\n") ==
        "3:3: accounts.a.base_url: is missing\n"
        "3:3: accounts.a.token.client_id: is missing: write client_id or client_id_file\n"
        "3:3: accounts.a.token.client_secret: is missing: write client_secret or client_secret_file\n");
  CHECK(account_faults("limits: { sessions: [ { rate: 1, per: 1s }, { rate: 1 } ] }") ==
        "6:49: accounts.sandbox.limits.sessions[1].per: is missing\n");
}

TEST_CASE("A value of another type is refused") {
  CHECK(account_faults("pool: { max_connections: many }") ==
        "6:30: accounts.sandbox.pool.max_connections: \"many\" is no whole number such as 8\n");
  CHECK(account_faults("pool: { max_connections: \"8\" }") ==
        "6:30: accounts.sandbox.pool.max_connections: must be a whole number, not the string \"8\": write it without "
        "quotes\n");
  CHECK(account_faults("pool: { max_connections: [8] }") ==
        "6:30: accounts.sandbox.pool.max_connections: must be a whole number, not a list\n");
  CHECK(account_faults("pool: 8") ==
        "6:11: accounts.sandbox.pool: must be a mapping (key: value), not a single value\n");
  CHECK(account_faults("limits: { requests: { rate: 1, per: 1s } }") ==
        "6:25: accounts.sandbox.limits.requests: must be a list such as [a, b], not a mapping\n");
  CHECK(account_faults("require_idempotency_key: yes") ==
        "6:30: accounts.sandbox.require_idempotency_key: \"yes\" is neither true nor false\n");
  CHECK(account_faults("require_idempotency_key: \"true\"") ==
        "6:30: accounts.sandbox.require_idempotency_key: must be true or false, not the string \"true\": write it "
        "without "
        "quotes\n");
  CHECK(account_faults("retries: { budget: much }") ==
        "6:24: accounts.sandbox.retries.budget: \"much\" is no number such as 0.5\n");
  CHECK(account_faults("timeouts: { total: 15 }") ==
        "6:24: accounts.sandbox.timeouts.total: \"15\" has no unit: write a duration such as 250ms, 5s, 15m or 24h\n");
  CHECK(account_faults("expiry_utc_offset: 3") ==
        "6:24: accounts.sandbox.expiry_utc_offset: \"3\" is no offset from UTC such as +03:00\n");
  CHECK(faults(least_and("threads: 0\n")) == "6:10: threads: \"0\" is neither auto nor a whole number from 1 to 256\n");
}

TEST_CASE("A value out of its range is refused with the range") {
  CHECK(account_faults("pool: { max_connections: 0 }") ==
        "6:30: accounts.sandbox.pool.max_connections: 0 is out of range: it must be from 1 to 10000\n");
  CHECK(account_faults("timeouts: { connect: 1ms }") ==
        "6:26: accounts.sandbox.timeouts.connect: 1ms is out of range: it must be from 10ms to 5m\n");
  CHECK(account_faults("limits: { degraded_share: 1.5 }") ==
        "6:31: accounts.sandbox.limits.degraded_share: 1.5 is out of range: it must be from 0 to 0.9\n");
  CHECK(faults("listeners: { api: { address: 127.0.0.1, port: 70000, limits: { body: 1B } } }\n"
               "accounts: { a: { base_url: https://a.example, token: { client_id: i, client_secret: s } } }\n") ==
        "1:47: listeners.api.port: 70000 is out of range: it must be from 0 to 65535\n"
        "1:70: listeners.api.limits.body: 1B is out of range: it must be from 1KiB to 64MiB\n");
}

TEST_CASE("A word that is not among the choices is refused with them") {
  CHECK(faults(least_and("log: { format: jsno }\n")) ==
        "6:16: log.format: \"jsno\" is not one of json, text (did you mean json?)\n");
  CHECK(account_faults("tls: { min_version: 1.1 }") ==
        "6:25: accounts.sandbox.tls.min_version: \"1.1\" is not one of 1.2, 1.3\n");
  CHECK(account_faults("tls: { verify: false }") ==
        "6:12: accounts.sandbox.tls.verify: is no known key (known here: ca_file, min_version, server_name)\n");
}

TEST_CASE("A key without a value is refused: it is more likely a mistake than a wish") {
  CHECK(faults(least_and("callers:\n")) == "6:1: callers: is empty: write its keys below it, or leave it out\n");
  CHECK(faults(least_and("callers: {}\n")) == "6:10: callers: is empty: leave the key out, or name at least one\n");
  CHECK(faults(least_and("control_socket:\n")) ==
        "6:1: control_socket: has no value: write one, or leave the key out\n");
  CHECK(faults(least_and("control_socket: \"\"\n")) == "6:17: control_socket: is empty\n");
  CHECK(account_faults("languages: []") ==
        "6:16: accounts.sandbox.languages: is empty: leave the key out, or name at least one\n");
}

TEST_CASE("A URL that may not be used is refused") {
  CHECK(faults("listeners: { api: { address: 127.0.0.1 } }\n"
               "accounts:\n  a:\n    base_url: http://a.example/api\n"
               "    token: { url: http://a.example/oauth2/token/, client_id: i, client_secret: s }\n"
               "    connect: { base_url: http://connect.example }\n"
               "    proxy: https://proxy.example:3128\n") ==
        "4:15: accounts.a.base_url: \"http://a.example/api\" must be an https URL\n"
        "5:19: accounts.a.token.url: \"http://a.example/oauth2/token/\" must be an https URL\n"
        "6:26: accounts.a.connect.base_url: \"http://connect.example\" must be an https URL\n"
        "7:12: accounts.a.proxy: \"https://proxy.example:3128\" must be an http URL: the proxy is spoken to in plain "
        "HTTP, "
        "and TLS runs through it by CONNECT\n");
  CHECK(account_faults("proxy: egress:3128") ==
        "6:12: accounts.sandbox.proxy: \"egress:3128\" is no absolute URL: write the scheme in front, as in "
        "http://HOST:PORT\n");
  CHECK(account_faults("proxy: http://me:example-secret-not-real@proxy:3128") ==
        "6:12: accounts.sandbox.proxy: has user info before the host; it would be shown and logged, so it is refused "
        "here\n");
}

TEST_CASE("Forms of texts are checked") {
  CHECK(account_faults("org_id: 12") ==
        "6:13: accounts.sandbox.org_id: \"12\" is no UUID such as 016b78a7-0c7c-4241-a277-015c3ad3cb90\n");
  CHECK(account_faults("languages: [de, german]") ==
        "6:21: accounts.sandbox.languages[1]: \"german\" is no language such as de or de-AT\n");
  CHECK(account_faults("price_zones: [at]") ==
        "6:19: accounts.sandbox.price_zones[0]: \"at\" is no price zone such as AT or SE_1: capitals, digits and _\n");
  CHECK(account_faults("connect: { shortcuts: { any: /x, heat_pump: x } }") ==
        "6:29: accounts.sandbox.connect.shortcuts.any: \"any\" is no usable name: up to 64 small letters, digits and "
        "_, and "
        "not \"any\", which is taken\n"
        "6:49: accounts.sandbox.connect.shortcuts.heat_pump: \"x\" is no path of a URL such as /heat-pumps\n");
  CHECK(
      account_faults("resolve: { a.test: nowhere }") ==
      "6:24: accounts.sandbox.resolve.\"a.test\": \"nowhere\" is neither ADDRESS nor ADDRESS:PORT, such as 127.0.0.1, "
      "127.0.0.1:8443 or [::1]:8443\n");
  CHECK(faults(least_and("test_accounts: { two words: {} }\n")) ==
        "6:18: test_accounts.\"two words\": \"two words\" is no usable name: up to 64 letters, digits, - and _, "
        "beginning "
        "with a letter or digit\n");
}

TEST_CASE("What cannot be put in is a fault at its value") {
  CHECK(account_faults("org_id: ${env:ORG}") ==
        "6:13: accounts.sandbox.org_id: \"${env:ORG}\" is not set in the environment\n");
  CHECK(account_faults("org_id: ${file:org}") ==
        "6:13: accounts.sandbox.org_id: \"${file:org}\" cannot be read: /etc/gateway/org: No such file or directory\n");
  CHECK(account_faults("defaults: { user_id: \"${env:USER_ID}\" }") ==
        "6:26: accounts.sandbox.defaults.user_id: \"${env:USER_ID}\" is not set in the environment\n");
}

TEST_CASE("An account refers to a test account that exists and spares its slots") {
  CHECK(account_faults("test_account: nibe") ==
        "6:5: accounts.sandbox.test_account: \"nibe\" does not stand under test_accounts\n");
  CHECK(faults(least_and("    test_account: nibe-dmo\ntest_accounts: { nibe-demo: {} }\n")) ==
        "6:5: accounts.sandbox.test_account: \"nibe-dmo\" does not stand under test_accounts (did you mean "
        "nibe-demo?)\n");
  CHECK(faults(least_and("    test_account: d\n    session_reuse: 16m\ntest_accounts: { d: { slot_ttl: 15m } }\n")) ==
        "7:5: accounts.sandbox.session_reuse: 16m is longer than the slot_ttl of d (15m): a session would be reused "
        "after "
        "its slot is gone\n");
  CHECK(faults(least_and("    test_account: d\n    session_reuse: 15m\ntest_accounts: { d: { slot_ttl: 15m } }\n")) ==
        "");
  CHECK(account_faults("completion_polls: { interval: 10s, max_interval: 5s }") ==
        "6:40: accounts.sandbox.completion_polls.max_interval: 5s is shorter than the interval (10s) from which it "
        "grows\n");
  CHECK(account_faults("completion_polls: { interval: 10s, max_interval: 10s }") == "");
  CHECK(account_faults("devices: { types: [ ../users ] }") ==
        "6:25: accounts.sandbox.devices.types[0]: \"../users\" is no device type such as heat-pumps: up to 64 small "
        "letters, digits, - and _\n");
  CHECK(faults(least_and("test_accounts: { d: { limits: { sessions: [] } } }\n")) ==
        "6:43: test_accounts.d.limits.sessions: is empty: leave the key out, or name at least one\n");
}

TEST_CASE("Two windows of one length are refused") {
  CHECK(account_faults("limits: { requests: [ { rate: 1, per: 60s }, { rate: 2, per: 1m } ] }") ==
        "6:61: accounts.sandbox.limits.requests[1].per: 1m has a window already; of two windows of one length only the "
        "stricter counts\n");
}

TEST_CASE("Defaults of the body have the types and values that could be used") {
  CHECK(
      account_faults("defaults: { language: true, external_metadata: [], is_smart_optimization_active_default: on }") ==
      "6:17: accounts.sandbox.defaults.language: must be a string\n"
      "6:33: accounts.sandbox.defaults.external_metadata: must be a mapping\n"
      "6:56: accounts.sandbox.defaults.is_smart_optimization_active_default: must be true or false\n");
  CHECK(account_faults("defaults: { success_url: http://a.example, cancel_url: a.example }") ==
        "6:17: accounts.sandbox.defaults.success_url: \"http://a.example\" must be https: http is for localhost only\n"
        "6:48: accounts.sandbox.defaults.cancel_url: \"a.example\" is no absolute URL\n");
  CHECK(account_faults("defaults: { success_url: http://localhost:3000/ok }") ==
        "6:17: accounts.sandbox.defaults.success_url: \"http://localhost:3000/ok\" must be https: the account does not "
        "set "
        "allow_http_redirects: true\n");
  CHECK(faults(least_and(
            "    allow_http_redirects: true\n    defaults: { success_url: http://localhost:3000/ok }\n")) == "");
  CHECK(faults(least_and("    languages: [de, en]\n    defaults: { language: fr }\n")) ==
        "7:17: accounts.sandbox.defaults.language: \"fr\" is not among the account's languages\n");
  CHECK(account_faults("defaults: { a: .inf, b: 1e999, c: ~ }") ==
        "6:20: accounts.sandbox.defaults.a: \".inf\" has no form in JSON\n"
        "6:29: accounts.sandbox.defaults.b: \"1e999\" is too large a number; in quotes it would be a string\n");
  CHECK(account_faults("defaults: { c: ~ }") ==
        "6:17: accounts.sandbox.defaults.c: has no value: write one, or leave the key out\n");
}

TEST_CASE("Defaults that aliases make endless are refused") {
  std::string text = "    defaults:\n      a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    text += "      b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += last + (j < 9 ? ", " : "]\n");
  }
  const auto out = faults(least_and(text));
  CHECK(out.find("has more than 10000 values\n") != std::string::npos);
  CHECK(out.find('\n') == out.size() - 1);
}

TEST_CASE("Callers refer to accounts that exist and can be told apart") {
  const auto out = faults(least_and(R"(callers:
  portal:
    key_sha256: [ 1111111111111111111111111111111111111111111111111111111111111111 ]
    accounts: [ sandbx, sandbox, sandbox ]
    limits: { production: {} }
  tool:
    key_sha256: [ 1111111111111111111111111111111111111111111111111111111111111111, abc ]
    accounts: [ sandbox ]
    redirect_hosts: [ "*.com" ]
    defaults: { success_url: https://a.example }
  nobody:
    accounts: []
  anonymous:
    certificate_san: [ a.internal ]
    accounts: [ sandbox ]
)"));
  CHECK(
      out ==
      "9:17: callers.portal.accounts[0]: \"sandbx\" does not stand under accounts (did you mean sandbox?)\n"
      "9:34: callers.portal.accounts[2]: \"sandbox\" stands here twice\n"
      "10:15: callers.portal.limits.production: does not stand under accounts (known here: sandbox)\n"
      "12:19: callers.tool.key_sha256[0]: is the same key as that of the caller portal: every caller needs its own\n"
      "12:85: callers.tool.key_sha256[1]: must be the SHA-256 of the key as 64 hexadecimal digits, not 3 characters "
      "(onboarding-gateway key new NAME prints such a line)\n"
      "14:23: callers.tool.redirect_hosts[0]: \"*.com\" would allow a whole top-level domain; at least two labels must "
      "follow the *\n"
      "16:3: callers.nobody: has neither key_sha256 nor certificate_san, so nobody could be this caller\n"
      "17:15: callers.nobody.accounts: is empty: name at least one\n"
      "18:3: callers.anonymous: is the name of callers without a key; choose another\n"
      "19:5: callers.anonymous.certificate_san: needs listeners.api.tls.client_ca_file, against which certificates are "
      "checked\n");
}

TEST_CASE("The name in a certificate is a DNS name or a URI, and that of one caller only") {
  const auto out = faults(least_and(R"(callers:
  a:
    certificate_san: [ portal.internal, "spiffe://example.internal/a", "*.internal", "spiffe://a b", "a..b", "no name" ]
    accounts: [ sandbox ]
  b:
    certificate_san: [ Portal.internal, "spiffe://example.internal/A" ]
    accounts: [ sandbox ]
)"));
  CAPTURE(out);
  CHECK(out.contains("callers.a.certificate_san[2]: \"*.internal\" has a wildcard in it: write the whole name"));
  CHECK(out.contains("callers.a.certificate_san[3]: \"spiffe://a b\" is no URI such as"));
  CHECK(out.contains("callers.a.certificate_san[4]: \"a..b\" is neither a DNS name such as"));
  CHECK(out.contains("callers.a.certificate_san[5]: \"no name\" is neither"));
  CHECK(out.contains("callers.b.certificate_san[0]: is the same name as that of the caller a"));
  CHECK_FALSE(out.contains("callers.b.certificate_san[1]: is the same"));  // paths of URIs have capitals of their own
}

TEST_CASE("A caller's defaults are checked against each of its accounts and its own hosts") {
  CHECK(faults(least_and(R"(    languages: [de]
callers:
  portal:
    key_sha256: [ 1111111111111111111111111111111111111111111111111111111111111111 ]
    accounts: [ sandbox ]
    redirect_hosts: [ "*.portal.example" ]
    defaults: { language: en, success_url: https://portal.example/, cancel_url: http://a.portal.example/ }
    limits: { sandbox: { requests: [ { rate: 1, per: 1s }, { rate: 2, per: 1s } ] } }
)")) == "12:17: callers.portal.defaults.language: \"en\" is not among the account's languages\n"
        "12:31: callers.portal.defaults.success_url: \"portal.example\" is not among this caller's redirect_hosts\n"
        "12:69: callers.portal.defaults.cancel_url: \"http://a.portal.example/\" must be https: http is for localhost "
        "only\n"
        "13:71: callers.portal.limits.sandbox.requests[1].per: 1s has a window already; of two windows of one length "
        "only "
        "the stricter counts\n");
}

TEST_CASE("Anonymous callers need a loopback listener or a word of consent") {
  constexpr std::string_view account =
      "accounts: { a: { base_url: https://a.example, token: { client_id: i, client_secret: s } } }\n";
  CHECK(faults("listeners: { api: { address: 10.0.0.1 } }\n" + std::string{account}) ==
        "1:21: listeners.api.address: there are no callers, so everybody who reaches 10.0.0.1 could use every account: "
        "name "
        "callers, listen on 127.0.0.1, or set allow_anonymous: true\n");
  CHECK(faults(account) ==
        "1:1: callers: there are no callers, so everybody who reaches 0.0.0.0 could use every account: name callers, "
        "listen "
        "on 127.0.0.1, or set allow_anonymous: true\n");
  CHECK(faults("allow_anonymous: true\n" + std::string{account}) == "");
  CHECK(faults("listeners: { api: { address: \"::1\" } }\n" + std::string{account}) == "");
  CHECK(faults("listeners: { api: { address: 127.8.9.1 } }\n" + std::string{account}) == "");
}

TEST_CASE("The two listeners do not share a port") {
  CHECK(faults(R"(listeners: { api: { address: 127.0.0.1, port: 9090 } }
accounts: { a: { base_url: https://a.example, token: { client_id: i, client_secret: s } } }
)") == "1:1: listeners.admin.port: 9090 is the port of listeners.api already\n");
}

TEST_CASE("A store that needs more says so") {
  CHECK(faults(least_and("shared_state: { store: redis }\n")) ==
        "6:1: shared_state.redis: is missing: write redis: {url: rediss://...}, which store: redis needs\n");
  CHECK(faults(least_and("shared_state: { store: redis, redis: { url: https://r.example } }\n")) ==
        "6:45: shared_state.redis.url: \"https://r.example\" must be a rediss or redis URL\n");
  CHECK(faults(least_and("shared_state: { store: redis, redis: { url: rediss://r.example/zero } }\n")) ==
        "6:40: shared_state.redis.url: \"/zero\" is no number of a database, which the path must be\n");
  CHECK(faults(least_and("shared_state: { store: redis, redis: { url: rediss://r.example/2 } }\n")) == "");
}

TEST_CASE("A socket's path fits into the kernel's limit") {
  CHECK(faults(least_and("control_socket: /" + std::string(107, 'x') + "\n")) ==
        "6:1: control_socket: is 108 characters long; a Unix socket's path has at most 107\n");
  CHECK(faults(least_and("shared_state: { store: redis, redis: { url: redis://localhost, unix_socket: /" +
                         std::string(107, 'x') + " } }\n")) ==
        "6:64: shared_state.redis.unix_socket: is 108 characters long; a Unix socket's path has at most 107\n");
}

TEST_CASE("What is no YAML is reported with its place") {
  CHECK(faults("") == "1:1: is empty: there is no configuration in it\n");
  CHECK(faults("# nothing\n") == "1:1: is empty: there is no configuration in it\n");
  CHECK(faults(",--\n") == "1:1: is empty: there is no configuration in it\n");  // yaml-cpp reads on there for ever
  CHECK(faults("- a\n") == "1:1: must be a mapping (key: value) at its top\n");
  CHECK(faults("a: 1\n---\nb: 2\n") == "3:1: begins a second YAML document here; a configuration is one\n");
  CHECK(faults("log:\n  level: *nowhere\n") == "2:10: is no YAML: the referenced anchor is not defined\n");
  CHECK(faults("log:\n\tlevel: info\n") ==
        "2:7: is no YAML: illegal map value (line 2 is indented with a tab, which YAML does not allow: use spaces)\n");
  CHECK(faults("log: \"x") == "1:8: is no YAML: illegal EOF in scalar\n");
  CHECK(faults("log: a\xFF\n") == "1:7: is not UTF-8 here\n");
  CHECK(faults("# \xED\xA0\x80\n") == "1:3: is not UTF-8 here\n");
  CHECK(faults("log: a\x04\n") == "1:7: has the control character \"\\x04\" here\n");
}

TEST_CASE("A value is shown on one line and not at length") {
  CHECK(account_faults("org_id: \"a\\nb\\u0007" + std::string(200, 'x') + "\"") ==
        "6:13: accounts.sandbox.org_id: \"a\\x0ab\\x07" + std::string(76, 'x') +
            "...\" is no UUID such as 016b78a7-0c7c-4241-a277-015c3ad3cb90\n");
}
