// Secrets and the files of TLS.
#include "fake_environment.hpp"
#include "made_certificates.hpp"
#include "settings/pem.hpp"
#include "settings/secret_files.hpp"
#include "texts.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;

namespace {

std::string with_secret_file(const std::string& content) {
  fake_environment env;
  env.files["/etc/gateway/id"] = "example-id";
  env.files["/etc/gateway/secret"] = content;
  return faults_of(
      "listeners: { api: { address: 127.0.0.1 } }\naccounts: { a: { base_url: https://a.example, token: "
      "{ client_id_file: id, client_secret_file: secret } } }\n",
      env);
}

fake_environment with_tls_files() {
  const auto pair = make_pair_of_files();
  fake_environment env;
  env.files["/etc/gateway/ca.pem"] = "a comment\n" + pair.certificate + make_pair_of_files().certificate;
  env.files["/etc/gateway/cert.pem"] = pair.certificate;
  env.files["/etc/gateway/key.pem"] = pair.key;
  env.files["/etc/gateway/other.pem"] = make_pair_of_files().key;
  env.files["/etc/gateway/locked.pem"] = pair.key_with_passphrase;
  env.files["/etc/gateway/text"] = "hello\n";
  return env;
}

std::string listener_faults(std::string_view tls) {
  return faults_of(
      "listeners: { api: { address: 127.0.0.1, tls: " + std::string{tls} +
          " } }\naccounts: { a: { base_url: https://a.example, token: { client_id: i, client_secret: s } } }\n",
      with_tls_files());
}

}  // namespace

TEST_CASE("A secret's file must be there and hold one line") {
  CHECK(with_secret_file("example-secret-not-real\n") == "");
  CHECK(with_secret_file("\n") ==
        "/etc/gateway/g.yaml:2:96: accounts.a.token.client_secret_file: holds no usable secret: /etc/gateway/secret is "
        "empty\n");
  CHECK(with_secret_file("a\nb\n").ends_with("holds no usable secret: /etc/gateway/secret has more than one line\n"));
  CHECK(with_secret_file("a\tb\n").ends_with("/etc/gateway/secret has a control character in it\n"));
  CHECK(with_secret_file(std::string(9000, 'x')).ends_with("/etc/gateway/secret is longer than 8192 characters\n"));
  CHECK(faults_of(least_and("shared_state: { redis: { url: rediss://r.example, password_file: /run/redis } }\n")) ==
        "/etc/gateway/g.yaml:6:66: shared_state.redis.password_file: cannot be read: /run/redis: No such file or "
        "directory\n");
}

TEST_CASE("A secret is given once, in place or by file") {
  CHECK(
      faults_of(least_and(
          "shared_state: { redis: { url: rediss://r.example, password: x, password_file: /run/redis } }\n")) ==
      "/etc/gateway/g.yaml:6:79: shared_state.redis.password_file: stands beside password: only one of the two may be "
      "given\n");
}

TEST_CASE("No fault of a secret shows it") {
  const auto text =
      faults_of(least_and("shared_state: { redis: { url: rediss://r.example, password: "
                          "\"example-secret-not-real\\n${x}\" } }\n"));
  CHECK(text.find("example-secret-not-real") == std::string::npos);
  CHECK(text.find("shared_state.redis.password") != std::string::npos);
}

TEST_CASE("A mounted secret is read again as it is now") {
  fake_environment env;
  env.files["/run/secret"] = "first\n";
  secret_value value{gateway::secrets::secret{"first"}, "/run/secret"};
  env.files["/run/secret"] = "second\n";
  const auto now = read_again(value, env);
  REQUIRE(now);
  CHECK(now->reveal() == "second");
  env.files["/run/secret"] = "";
  CHECK(read_again(value, env).error() == "holds no usable secret: /run/secret is empty");
  env.files.clear();
  CHECK(read_again(value, env).error() == "cannot be read: /run/secret: No such file or directory");
}

TEST_CASE("A secret given in place stays") {
  const auto now = read_again({gateway::secrets::secret{"fixed"}, {}}, fake_environment{});
  REQUIRE(now);
  CHECK(now->reveal() == "fixed");
}

TEST_CASE("A CA file must be readable and hold certificates") {
  const auto with_ca = [](std::string_view file) {
    return faults_of(least_and("    tls: { ca_file: " + std::string{file} + " }\n"), with_tls_files());
  };
  CHECK(with_ca("ca.pem") == "");
  CHECK(with_ca("nowhere.pem") ==
        "/etc/gateway/g.yaml:6:12: accounts.sandbox.tls.ca_file: cannot be read: /etc/gateway/nowhere.pem: No such "
        "file or "
        "directory\n");
  CHECK(
      with_ca("\"no\\nwhere.pem\"") ==
      "/etc/gateway/g.yaml:6:12: accounts.sandbox.tls.ca_file: cannot be read: /etc/gateway/no\\x0awhere.pem: No such "
      "file or directory\n");
  CHECK(
      with_ca("text").ends_with("/etc/gateway/text holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)\n"));
  CHECK(with_ca("key.pem").ends_with("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)\n"));
}

TEST_CASE("A listener's key belongs to its certificate") {
  CHECK(listener_faults("{ certificate_file: cert.pem, private_key_file: key.pem, client_ca_file: ca.pem }") == "");
  CHECK(listener_faults("{ certificate_file: cert.pem, private_key_file: other.pem }") ==
        "/etc/gateway/g.yaml:1:76: listeners.api.tls.private_key_file: /etc/gateway/other.pem does not belong to the "
        "first "
        "certificate of /etc/gateway/cert.pem\n");
  CHECK(
      listener_faults("{ certificate_file: text, private_key_file: text, client_ca_file: text }") ==
      "/etc/gateway/g.yaml:1:48: listeners.api.tls.certificate_file: /etc/gateway/text holds no certificate in PEM "
      "form "
      "(-----BEGIN CERTIFICATE-----)\n"
      "/etc/gateway/g.yaml:1:72: listeners.api.tls.private_key_file: /etc/gateway/text holds no private key in PEM "
      "form "
      "(-----BEGIN PRIVATE KEY-----)\n"
      "/etc/gateway/g.yaml:1:96: listeners.api.tls.client_ca_file: /etc/gateway/text holds no certificate in PEM form "
      "(-----BEGIN CERTIFICATE-----)\n");
  CHECK(listener_faults("{ certificate_file: cert.pem }") ==
        "/etc/gateway/g.yaml:1:41: listeners.api.tls.private_key_file: is missing\n");
}

TEST_CASE("A key with a passphrase is refused instead of asking at the terminal") {
  CHECK(listener_faults("{ certificate_file: cert.pem, private_key_file: locked.pem }")
            .ends_with(
                "/etc/gateway/locked.pem holds a key with a passphrase, which nobody could type in at the start\n"));
}

TEST_CASE("A broken certificate among good ones is found") {
  const auto good = make_pair_of_files().certificate;
  CHECK(certificates_complaint(good) == "");
  CHECK(certificates_complaint(good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") ==
        "holds a certificate that cannot be decoded");
  CHECK(certificates_complaint("") == "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)");
}
