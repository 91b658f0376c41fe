// The user of Redis that the documentation tells operators to make: it may do all that is needed, and nothing more.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "socket/started.hpp"
#include "support/redis_server.hpp"

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::redis_server;

namespace {

constexpr auto password = "example-password-not-real";

std::string content_of(const std::filesystem::path& file) {
  std::ifstream from{file};
  REQUIRE(from);
  return {std::istreambuf_iterator<char>{from}, {}};
}

// The words of the document's ACL SETUSER.
std::vector<std::string> documented() {
  const auto text = content_of(SOURCE_FOLDER "/docs/from-zero-to-production.md");
  const auto at = text.find("    ACL SETUSER ");
  REQUIRE(at != std::string::npos);
  std::istringstream line{text.substr(at, text.find('\n', at) - at)};
  return {std::istream_iterator<std::string>{line}, {}};
}

std::set<std::string> allowed_commands() {
  std::set<std::string> all;
  for (const auto& word : documented())
    if (word.starts_with('+')) all.insert(word.substr(1));
  return all;
}

// What the client sends, and what the scripts call.
std::set<std::string> used_commands() {
  std::set<std::string> all{"auth", "select", "client|setname", "info", "ping", "eval", "evalsha", "subscribe", "get"};
  const std::regex call{R"(redis\.p?call\('([A-Z]+)')"};
  for (const auto& file : std::filesystem::recursive_directory_iterator{SOURCE_FOLDER "/service/store"}) {
    if (file.path().extension() != ".cpp" && file.path().extension() != ".lua") continue;
    const auto text = content_of(file.path());
    for (std::sregex_iterator found{text.begin(), text.end(), call}; found != std::sregex_iterator{}; ++found) {
      auto name = (*found)[1].str();
      for (auto& c : name) c = static_cast<char>(c - 'A' + 'a');
      all.insert(name);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("The documented user may use exactly the commands that are used") {
  CHECK(allowed_commands() == used_commands());
}

TEST_CASE("With the documented user limits, keys, reuse, the token and waiting work, and nothing is refused") {
  const redis_server redis;
  auto command = documented();
  for (auto& word : command)
    if (word == ">PASSWORD") word = std::string{">"} + password;
  REQUIRE(redis.ask(command) == "OK");
  const gateway::support::scratch_folder folder;
  const running_simulator podero;
  auto how = configuration::of(podero, folder);
  // A Redis that began empty counts slots as held for as long as one lasts.
  how.timeouts = "{ total: 40s, connect: 5s, exchange: 10s }";
  how.account_more = "    test_account: demo\n    session_reuse: 10s\n    limits: { queue: { max_wait: 30s } }\n";
  how.more =
      "test_accounts:\n  demo: { open_sessions: 2, slot_ttl: 10s, limits: { sessions: [ { rate: 2, per: 1s } ] } }\n"
      "shared_state: { store: redis, max_replicas: 2, redis: { url: \"redis://localhost/0\", unix_socket: " +
      redis.unix_path() + ", username: " + command[2] + ", password_file: " + folder.write("password", password) +
      ", timeout: 2s } }\n";
  running_gateway first{how};
  running_gateway second{how};
  auto here = first.caller();
  auto there = second.caller();
  const auto keyed = std::string{json_body} + "Prefer: reuse=no\r\nIdempotency-Key: \"order-1\"\r\n";

  const auto first_one = create(here, "Prefer: reuse=no\r\n");
  CHECK(here.call("DELETE", first_one.header("Location") + "/slot").status == 204);
  const auto made = create(here);
  // A replica offers no session whose slot it does not know of yet.
  REQUIRE(eventually([&] { return get(second.admin(), "/status").body.contains(text_in(made.json(), "id")); }));
  CHECK(there.call("POST", sessions_path, example_request, json_body).json().at("gateway").at("reused").as_bool());
  const auto second_one = here.call("POST", sessions_path, example_request, keyed);
  CHECK(second_one.status == 201);
  const auto again = there.call("POST", sessions_path, example_request, keyed);
  CHECK(again.header("Idempotent-Replayed") == "true");
  CHECK(again.body == second_one.body);
  CHECK(podero.counter("creations") == 3);
  CHECK(podero.counter("token_requests") == 1);

  const auto session = made.header("Location");
  for (auto* const one : {&here, &there}) one->send(connection::request("GET", session, "", "Prefer: wait=20\r\n"));
  podero.order("POST", "/sessions/" + text_in(made.json(), "id") + "/complete");
  for (auto* const one : {&here, &there}) CHECK(text_in(one->receive().json().at("gateway"), "state") == "completed");

  CHECK(redis.ask({"ACL", "LOG"}) == "");
  for (auto* const one : {&first, &second}) {
    CHECK_FALSE(one->process().output().contains("the shared store answers with an error"));
    CHECK_FALSE(one->process().output().contains("the shared store refuses hints"));
  }
}
