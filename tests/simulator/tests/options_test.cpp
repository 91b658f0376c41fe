#include "simulator/server/options.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

using namespace simulator;
using namespace std::chrono_literals;

namespace {

std::variant<options, parting_words> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "podero-simulator");
  return read_options(static_cast<int>(arguments.size()), arguments.data());
}

options accepted(std::vector<const char*> arguments) {
  const auto result = read(std::move(arguments));
  REQUIRE(std::holds_alternative<options>(result));
  return std::get<options>(result);
}

std::string refused(std::vector<const char*> arguments) {
  const auto result = read(std::move(arguments));
  REQUIRE(std::holds_alternative<parting_words>(result));
  CHECK(std::get<parting_words>(result).exit_code == 2);
  return std::get<parting_words>(result).text;
}

}  // namespace

TEST_CASE("without options it listens on loopback with the example credentials") {
  const auto given = accepted({});
  CHECK(given.where.address == "127.0.0.1");
  CHECK(given.where.port == 9443);
  CHECK(given.where.control_port == 9191);
  CHECK(given.model.client_id == "example-client-id");
  CHECK(given.model.client_secret == "example-secret-not-real");
  CHECK(given.model.token_lifetime == 36000s);
  CHECK(given.model.encoding == token_encoding::json);
  CHECK(!given.model.http2);
  CHECK(given.model.http2_streams == 128);
  CHECK(own_url(given, 9443) == "https://127.0.0.1:9443");
}

TEST_CASE("options set what they name") {
  const auto given = accepted({"--port", "0", "--token-lifetime", "90s", "--token-encoding=form", "--limit", "1/10s",
                               "--limit", "30/1h", "--known-users-only", "--public-url", "https://connect.test:9443/",
                               "--http2", "--http2-streams", "7"});
  CHECK(given.where.port == 0);
  CHECK(given.model.token_lifetime == 90s);
  CHECK(given.model.encoding == token_encoding::form);
  REQUIRE(given.model.creation_limits.size() == 2);
  CHECK(given.model.creation_limits[1].count == 30);
  CHECK(given.model.creation_limits[1].per == 1h);
  CHECK(given.model.known_users_only);
  CHECK(given.model.public_url == "https://connect.test:9443");
  CHECK(given.model.http2);
  CHECK(given.model.http2_streams == 7);
}

TEST_CASE("the own URL takes the first host name, or the address") {
  CHECK(own_url(accepted({"--host-name", "podero.test", "--host-name", "b"}), 1) == "https://podero.test:1");
  CHECK(own_url(accepted({"--address", "0.0.0.0"}), 1) == "https://localhost:1");
  CHECK(own_url(accepted({"--address", "::1"}), 1) == "https://[::1]:1");
}

TEST_CASE("bad usage ends with 2 and a line that names the option") {
  CHECK(refused({"--prot", "1"}).find("--prot") != std::string::npos);
  CHECK(refused({"--port", "70000"}).find("port") != std::string::npos);
  CHECK(refused({"stray"}).find("positional") != std::string::npos);
  CHECK(refused({"--limit", "fast"}) ==
        "podero-simulator: --limit: \"fast\" is not a limit such as 1/10s (--help tells more)\n");
  CHECK(refused({"--token-lifetime", "10"}).find("--token-lifetime") != std::string::npos);
  CHECK(refused({"--token-encoding", "xml"}).find("--token-encoding") != std::string::npos);
  CHECK(refused({"--certificate", "a.pem"}).find("--key") != std::string::npos);
  CHECK(refused({"--certificate", "a", "--key", "b", "--ca-out", "c"}).find("--ca-out") != std::string::npos);
  CHECK(refused({"--client-secret-file", "/nonexistent"}).find("/nonexistent") != std::string::npos);
  CHECK(refused({"--client-secret", "a", "--client-secret-file", "b"}).find("exclude") != std::string::npos);
  CHECK(refused({"--address", "localhost"}).find("not an IP address") != std::string::npos);
  CHECK(refused({"--public-url", "connect.test"}).find("--public-url") != std::string::npos);
  CHECK(refused({"--http2-streams", "0"}).find("--http2-streams") != std::string::npos);
  CHECK(refused({"--known-user", "me"}).find("--known-user") != std::string::npos);
}

TEST_CASE("the help names every option and ends with 0") {
  const auto result = read({"--help"});
  const auto& words = std::get<parting_words>(result);
  CHECK(words.exit_code == 0);
  for (const auto* name : {"--port", "--ca-out", "--ports-file", "--client-secret-file", "--token-encoding", "--limit"})
    CHECK(words.text.find(name) != std::string::npos);
  CHECK(words.text.find("(an example)") != std::string::npos);
}
