// What of a changed configuration a running process can take over.
#include "settings/changes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "fake_environment.hpp"
#include "settings/recorded_environment.hpp"
#include "texts.hpp"

using namespace gateway::settings;

namespace {

configuration with_one_account() {
  configuration c;
  auto& one = c.accounts["sandbox"];
  one.token.client_id.content = gateway::secrets::secret{"id"};
  one.token.client_secret.content = gateway::secrets::secret{"example-not-real"};
  return c;
}

// "key" for what is in force at once, "key!" for what needs a restart.
std::string changed(const configuration& before, const configuration& after) {
  std::string text;
  for (const auto& one : differences(before, after))
    text += (text.empty() ? "" : " ") + one.key + (one.needs_restart ? "!" : "");
  return text;
}

template <class Change>
std::string changed_by(const Change& change, configuration before = with_one_account()) {
  auto after = before;
  change(after);
  return changed(before, after);
}

}  // namespace

TEST_CASE("Equal configurations do not differ") {
  CHECK(changed_by([](auto&) {}).empty());
}

TEST_CASE("Every key has a row, and every row has keys") {
  const auto keys = known_keys();
  for (const auto& row : change_table()) {
    CAPTURE(row.keys);
    const auto below = [&](const std::string& key) {
      return key == row.keys || key.starts_with(std::string{row.keys} + ".") ||
             key.starts_with(std::string{row.keys} + "[");
    };
    CHECK(std::ranges::any_of(keys, below));
  }
  for (const auto& key : keys) {
    CAPTURE(key);
    const auto has_row = std::ranges::any_of(change_table(), [&](const auto& row) {
      return key == row.keys || key.starts_with(std::string{row.keys} + ".") ||
             key.starts_with(std::string{row.keys} + "[");
    });
    CHECK(has_row);
  }
}

TEST_CASE("What belongs to callers, times, limits and secrets is in force at once") {
  CHECK(changed_by([](auto& c) { c.drain.delay = std::chrono::seconds{1}; }) == "drain.delay");
  CHECK(changed_by([](auto& c) { c.log.level = log_level::debug; }) == "log.level");
  CHECK(changed_by([](auto& c) { c.accounts["sandbox"].timeouts.total = std::chrono::seconds{1}; }) ==
        "accounts.sandbox.timeouts.total");
  CHECK(changed_by([](auto& c) { c.accounts["sandbox"].limits.requests.push_back({1, std::chrono::seconds{1}}); }) ==
        "accounts.sandbox.limits.requests");
  CHECK(changed_by([](auto& c) {
          c.accounts["sandbox"].token.client_secret.content = gateway::secrets::secret{"another"};
        }) == "accounts.sandbox.token.client_secret");
}

TEST_CASE("Sockets, threads, accounts and where they lead need a restart, and are named") {
  CHECK(changed_by([](auto& c) { c.threads.count = 3; }) == "threads!");
  CHECK(changed_by([](auto& c) { c.listeners.api.port = 1; }) == "listeners.api.port!");
  CHECK(changed_by([](auto& c) { c.log.format = log_format::text; }) == "log.format!");
  CHECK(changed_by([](auto& c) { c.accounts["sandbox"].pool.max_connections = 1; }) ==
        "accounts.sandbox.pool.max_connections!");
  CHECK(changed_by([](auto& c) { c.accounts["other"]; }).contains("accounts.other!"));
  CHECK(changed_by([](auto& c) { c.accounts["sandbox"].limits.degraded_share = 0.5; }) ==
        "accounts.sandbox.limits.degraded_share!");
}

TEST_CASE("A new caller is in force at once, unless replicas share state") {
  const auto add = [](auto& c) { c.callers["portal"].accounts = {"sandbox"}; };
  CHECK_FALSE(changed_by(add).contains('!'));
  auto shared = with_one_account();
  shared.shared_state.store = store_kind::redis;
  shared.shared_state.redis.emplace();
  CHECK(changed_by(add, shared).contains("callers.portal!"));
  shared.callers["portal"].accounts = {"sandbox"};
  CHECK(changed_by([](auto& c) { c.callers["portal"].weight = 3; }, shared) == "callers.portal.weight");
}

TEST_CASE(
    "What a file says of Redis' password is read again with each connection: it stands in no other change's way") {
  auto before = with_one_account();
  before.shared_state.store = store_kind::redis;
  auto& redis = before.shared_state.redis.emplace();
  const auto another_password = [](auto& c) {
    c.shared_state.redis->password.content = gateway::secrets::secret{"another"};
  };
  CHECK(changed_by(another_password, before) == "shared_state.redis.password!");
  redis.password.file = "/run/secrets/redis";
  CHECK(changed_by(another_password, before).empty());
  CHECK(changed_by([](auto& c) { c.shared_state.redis->password.file = "/run/secrets/other"; }, before) ==
        "shared_state.redis.password_file!");
}

TEST_CASE("Which files were read is remembered, also those that are not there") {
  fake_environment env;
  env.files["/there"] = "text";
  const recorded_environment recorded{env};
  CHECK(recorded.read_file("/there"));
  CHECK_FALSE(recorded.read_file("/missing"));
  CHECK(recorded.files() == std::set<std::filesystem::path>{"/missing", "/there"});
}
