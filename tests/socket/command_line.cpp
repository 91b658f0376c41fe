// What a person reads who starts the gateway by hand, rightly or wrongly.
#include "simulator/server/certificate.hpp"
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <openssl/sha.h>

#include <array>
#include <string>

using namespace gateway::socket_tests;
using gateway::support::finished;
using gateway::support::program;
using gateway::support::run;
using gateway::support::scratch_folder;

namespace {

finished start(std::vector<std::string> arguments) {
  return run(std::string{gateway_file}, std::move(arguments));
}

// A configuration that is good, in a file; `line` is added to its account.
struct written {
  scratch_folder folder;
  std::string secret = folder.write("secret", "example-secret-not-real\n");

  std::string file(const std::string& line = "", const std::string& more = "", const std::string& api = "") const {
    return folder.write("gateway.yaml", "listeners: { api: { address: 127.0.0.1, port: 0" + api +
                                            " }, admin: { address: 127.0.0.1, port: 0 } }\n"
                                            "accounts:\n"
                                            "  sandbox:\n"
                                            "    base_url: https://localhost:1/api\n"
                                            "    token: { client_id: example-id, client_secret_file: " +
                                            secret + " }\n" + line + more);
  }
};

struct fault {
  std::string line;
  std::string expected;  // after the file's name
};

std::string sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string out;
  for (const unsigned byte : digest) {
    out += "0123456789abcdef"[byte / 16];
    out += "0123456789abcdef"[byte % 16];
  }
  return out;
}

void check_usage(std::vector<std::string> arguments, std::string_view complaint) {
  const auto got = start(std::move(arguments));
  CHECK(got.code == 2);
  CHECK(got.output == "");
  CHECK(got.errors == "onboarding-gateway: " + std::string{complaint} + "\nTry: onboarding-gateway --help\n");
}

}  // namespace

TEST_CASE("A configuration with a fault never starts, and the fault is named with its place") {
  const written good;
  const auto not_pem = good.folder.write("not.pem", "nothing\n");
  const std::vector<fault> faults{
      {"    colur: red\n", ":6:5: accounts.sandbox.colur: is no known key"},
      {"    pool: { max_connections: many }\n",
       ":6:30: accounts.sandbox.pool.max_connections: \"many\" is no whole number such as 8\n"},
      {"    pool: { max_connections: 0 }\n", ":6:30: accounts.sandbox.pool.max_connections: 0 is out of range"},
      {"    tls: { ca_file: /nowhere/ca.pem }\n",
       ":6:12: accounts.sandbox.tls.ca_file: cannot be read: /nowhere/ca.pem: No such file or directory\n"},
      {"    tls: { ca_file: " + not_pem + " }\n",
       ":6:12: accounts.sandbox.tls.ca_file: " + not_pem + " holds no certificate in PEM form"},
      {"    tls: { ca_file: /tmp }\n", ":6:12: accounts.sandbox.tls.ca_file: cannot be read: /tmp: Is a directory\n"},
      {"  other:\n    base_url: https://localhost:1/\n    token: { client_id: a, client_secret_file: /nowhere/s }\n",
       ":8:48: accounts.other.token.client_secret_file: cannot be read: /nowhere/s: No such file or directory\n"},
  };
  for (const auto& one : faults) {
    CAPTURE(one.line);
    const auto file = good.file(one.line);
    for (const bool only_check : {false, true}) {
      std::vector<std::string> arguments{"--config", file};
      if (only_check) arguments.emplace_back("--check");
      const auto got = start(arguments);
      CAPTURE(got.errors);
      CHECK(got.code == 2);
      CHECK(got.output == "");
      CHECK(got.errors.starts_with(file + one.expected));
      CHECK(got.errors.find('\n') == got.errors.size() - 1);
    }
  }
}

TEST_CASE("All faults are named at once, in the order of the file, with --check as without") {
  const written good;
  const auto file =
      good.file("    tls: { ca_file: /nowhere/ca.pem }\n    pool: { max_connections: many }\n", "treads: 2\n");
  const auto expected =
      file + ":6:12: accounts.sandbox.tls.ca_file: cannot be read: /nowhere/ca.pem: No such file or directory\n" +
      file + ":7:30: accounts.sandbox.pool.max_connections: \"many\" is no whole number such as 8\n" + file +
      ":8:1: treads: is no known key (did you mean threads?)\n";
  CHECK(start({"--config", file}).errors == expected);
  CHECK(start({"--config", file, "--check"}).errors == expected);
  CHECK(start({"--config", file, "--print-config"}).errors == expected);
}

TEST_CASE("Defaults that Podero would refuse are refused before the start, all of them") {
  const written good;
  const auto file = good.file("    defaults: { language: XYZ, price_zone_default: at }\n");
  for (const auto& got : {start({"--config", file, "--check"}), start({"--config", file})}) {
    CHECK(got.code == 2);
    CHECK(got.errors.contains(file + ": the defaults of caller anonymous on account sandbox: #/language: "));
    CHECK(got.errors.contains(file + ": the defaults of caller anonymous on account sandbox: #/price_zone_default: "));
  }
}

TEST_CASE("A default for a member that Podero does not document is unwise, and it is said which one was meant") {
  const written good;
  const auto file =
      good.file("    defaults: { languag: de, device_type: 1 }\n",
                "callers: { portal: { defaults: { sucess_url: \"https://a.example/\" }, accounts: [ sandbox ], "
                "key_sha256: " +
                    std::string(64, '0') + " } }\n");
  const auto got = start({"--config", file, "--check"});
  CHECK(got.code == 0);
  const auto says = [&](std::string_view what) { CHECK_MESSAGE(got.errors.contains(what), got.errors); };
  says(
      "accounts.sandbox.defaults.languag: is no member that Podero documents (did you mean language?), and goes there");
  says("accounts.sandbox.defaults.device_type: is no member that Podero documents, and goes there");
  says("callers.portal.defaults.sucess_url: is no member that Podero documents (did you mean success_url?)");
}

TEST_CASE("A file that cannot be read is named") {
  const auto got = start({"--config", "/nowhere/gateway.yaml"});
  CHECK(got.code == 2);
  CHECK(got.errors == "/nowhere/gateway.yaml: cannot be read: No such file or directory\n");
}

TEST_CASE("A certificate and a key that do not belong together are refused before the start, with their place") {
  const written good;
  const auto identity = simulator::make_self_signed();
  const auto certificate = good.folder.write("tls.pem", identity.certificate_pem);
  const auto file_with = [&](const std::string& key) {
    return good.file("", "", ", tls: { certificate_file: " + certificate + ", private_key_file: " + key + " }");
  };
  const auto other = good.folder.write("other.key", simulator::make_self_signed().key_pem);
  for (const bool only_check : {false, true}) {
    const auto file = file_with(other);
    std::vector<std::string> arguments{"--config", file};
    if (only_check) arguments.emplace_back("--check");
    const auto got = start(arguments);
    CHECK(got.code == 2);
    CHECK(got.output == "");
    CHECK(got.errors.starts_with(file + ":1:"));
    CHECK(got.errors.ends_with(": listeners.api.tls.private_key_file: " + other +
                               " does not belong to the first certificate of " + certificate + "\n"));
  }
  CHECK(start({"--config", file_with(good.folder.write("tls.key", identity.key_pem)), "--check"}).code == 0);
}

TEST_CASE("A good configuration is checked with 0, and what is legal and unwise is said") {
  const written good;
  const auto file = good.file("", "control_socket: /run/gateway.sock\n");
  const auto got = start({"--config", file, "--check"});
  CHECK(got.code == 0);
  CHECK(got.output == file + ": fine\n");
  CHECK(got.errors.starts_with("warning: callers: there are none: everybody who reaches listeners.api may use every"));
  CHECK_FALSE(got.errors.contains("not served"));
}

TEST_CASE("The effective configuration is printed with its secrets masked, and is itself a good one") {
  const written good;
  const auto printed = start({"--config", good.file(), "--print-config"});
  CHECK(printed.code == 0);
  CHECK(printed.errors == "");
  CHECK(printed.output.contains("client_id: \"********\""));
  CHECK(printed.output.contains("client_secret_file: \"" + good.secret + "\""));
  CHECK_FALSE(printed.output.contains("example-secret-not-real"));
  CHECK_FALSE(printed.output.contains("example-id"));
  const auto again = good.folder.write("printed.yaml", printed.output);
  CHECK(start({"--config", again, "--check"}).code == 0);
  const auto twice = start({"--config", again, "--print-config"});
  CHECK(twice.output == printed.output);
}

TEST_CASE("Bad usage is told in a line, with where to read more") {
  check_usage({}, "--config FILE is needed");
  check_usage({"--check"}, "--config FILE is needed");
  check_usage({"--config"}, "the required argument for option '--config' is missing");
  check_usage({"--confg", "x"}, "unrecognised option '--confg'");
  check_usage({"--conf", "x"}, "unrecognised option '--conf'");
  check_usage({"--config", "a", "--config", "b"}, "option '--config' cannot be specified more than once");
  check_usage({"--config", "a", "--check=yes"}, "option '--check' does not take any arguments");
  check_usage({"--config", "a", "--check", "--print-config"}, "--check and --print-config exclude each other");
  check_usage({"serve"}, "there is no command serve");
  check_usage({"--config", "a", "b"}, "there is no command b");
  check_usage({"key"}, "the command is: key new NAME");
  check_usage({"key", "new"}, "the command is: key new NAME");
  check_usage({"key", "old", "portal"}, "the command is: key new NAME");
  check_usage({"key", "new", "portal", "--config", "a"}, "key new NAME takes no options");
  check_usage({"key", "new", "two words"},
              "\"two words\" is no usable name: up to 64 letters, digits, - and _, beginning with a letter or digit");
}

TEST_CASE("--version and --help answer on standard output") {
  const auto version = start({"--version"});
  CHECK(version.code == 0);
  CHECK(version.output.starts_with("onboarding-gateway 0."));
  CHECK(version.output.find('\n') == version.output.size() - 1);
  CHECK(version.errors == "");
  const auto help = start({"--help"});
  CHECK(help.code == 0);
  CHECK(help.errors == "");
  CHECK(help.output.starts_with("Usage: onboarding-gateway --config FILE [--check | --print-config]\n"));
  for (const auto* part : {"key new NAME", "--config FILE", "--check", "--print-config", "--version", "Exit codes:"})
    CHECK(help.output.contains(part));
  for (std::size_t at = 0; at < help.output.size();) {
    const auto end = help.output.find('\n', at);
    CHECK(end - at <= 80);
    at = end + 1;
  }
  CHECK(start({"-h"}).output == help.output);
}

TEST_CASE("What cannot be written is no success") {
  const written good;
  const std::vector<std::vector<std::string>> all{{"--version"},
                                                  {"--help"},
                                                  {"key", "new", "portal"},
                                                  {"--config", good.file(), "--check"},
                                                  {"--config", good.file(), "--print-config"}};
  for (const auto& arguments : all) {
    CAPTURE(arguments.back());
    program started{std::string{gateway_file}, arguments, gateway::support::streams::full_output};
    CHECK(started.end() == 1);
    CHECK(started.errors().ends_with("onboarding-gateway: the output could not be written\n"));
  }
}

TEST_CASE("A fresh key is printed once, its SHA-256 stands in the lines, and only that key opens what they allow") {
  const auto portal = make_caller_key("portal");
  CHECK(portal.key.size() == 47);
  CHECK(portal.yaml == "callers:\n  portal:\n    key_sha256: [ \"" + sha256(portal.key) + "\" ]\n");
  const auto other = make_caller_key("portal");
  CHECK(other.key != portal.key);

  const both_programs running{[&](auto& c) {
    c.account_more =
        "  production:\n    base_url: " + c.base_url +
        "\n    token: { client_id: a, client_secret: example-secret-not-real }\n    tls: { ca_file: " + c.ca_file +
        " }\n";
    c.more = portal.yaml + "    accounts: [ sandbox ]\n";
  }};
  auto caller = running.gateway.caller();
  create(caller, portal.header());
  const std::string json{json_body};
  CHECK(caller.call("POST", sessions_path, example_request, json + other.header()).status == 401);
  CHECK(caller.call("POST", sessions_path, example_request, json).status == 401);
  CHECK(caller.call("POST", "/v1/accounts/production/onboarding-sessions", example_request, json + portal.header())
            .status == 403);
}
