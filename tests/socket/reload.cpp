// The configuration is read again while callers are served.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using namespace std::chrono_literals;

namespace {

const std::string success = "onboarding_gateway_config_reload_success";

// What the test may change, and the programs.
struct reloadable {
  explicit reloadable(const std::function<void(configuration&)>& adapt = {})
      : how{adapted(configuration::of(podero, folder), adapt)}, gateway{how} {}

  void reload(std::string_view heard) {
    gateway.rewrite(how);
    gateway.process().signal(SIGHUP);
    gateway.process().line_with(heard);
  }

  gateway::support::scratch_folder folder;
  running_simulator podero;
  configuration how;
  running_gateway gateway;

 private:
  static configuration adapted(configuration made, const std::function<void(configuration&)>& adapt) {
    if (adapt) adapt(made);
    return made;
  }
};

std::string hash_in(const running_gateway& gateway) {
  const auto page = get(gateway.admin(), "/metrics").body;
  const auto at = page.find("onboarding_gateway_config_hash_info{hash=\"");
  return at == std::string::npos ? "" : page.substr(at, page.find('\n', at) - at);
}

int reloads_wanted() {
  const auto* wanted = std::getenv("GATEWAY_RELOADS");
  return wanted == nullptr ? 100 : std::atoi(wanted);
}

std::string accounts_line(const caller_key& key) {
  return key.yaml + "    accounts: [ sandbox ]\n";
}

// Asks all the time over connections that stay, and counts what is not as it should be.
class steady_callers {
 public:
  steady_callers(const running_gateway& gateway, int callers, std::string headers) : headers_{std::move(headers)} {
    for (int i = 0; i < callers; ++i) threads_.emplace_back([this, &gateway, i] { ask(gateway, i); });
  }
  void stop() {
    stop_ = true;
    threads_.clear();
  }
  int answered() const noexcept { return answered_; }
  int failed() const noexcept { return failed_; }

 private:
  void ask(const running_gateway& gateway, int number) {
    auto over = gateway.caller();
    for (int round = 0; !stop_; ++round) {
      try {
        const bool creates = round % 4 == 0;
        const auto got = creates ? over.call("POST", sessions_path, body_for(number * 100'000 + round),
                                             std::string{json_body} + headers_)
                                 : over.call("GET", "/v1/accounts", {}, headers_);
        ++(got.status == (creates ? 201U : 200U) && got.keep_alive ? answered_ : failed_);
      } catch (const std::exception&) {
        ++failed_;
        return;
      }
    }
  }
  std::string headers_;
  std::atomic<bool> stop_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> failed_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE("A broken configuration is refused with every fault, and everything stays; the next good one is taken") {
  reloadable running;
  auto caller = running.gateway.caller();
  const auto before = hash_in(running.gateway);
  CHECK(running.gateway.metric(success) == 1);
  const auto good = running.how;
  running.how.more = "threats: 3\nlogs: 5\n";
  running.reload("threats");
  running.gateway.process().line_with("logs");
  CHECK(running.gateway.process().line_with("the one before stays in force").contains("2 faults, the first: "));
  CHECK(running.gateway.metric(success) == 0);
  CHECK(hash_in(running.gateway) == before);
  create(caller);
  running.how.more = "threats: 3\n";
  running.reload("1 fault: ");
  running.how = good;
  running.how.drain = "{ delay: 0ms, timeout: 11s }";
  running.reload("configuration reloaded");
  CHECK(running.gateway.metric(success) == 1);
  CHECK(hash_in(running.gateway) != before);
  CHECK(get(running.gateway.admin(), "/config").body.contains("timeout: 11s"));
  create(caller);
}

TEST_CASE("What needs a restart is refused whole, by name") {
  reloadable running;
  const auto before = hash_in(running.gateway);
  running.how.more = "threads: 3\n";
  running.how.log = "{ level: debug, format: json }";
  running.reload("needs a restart: threads");
  CHECK(running.gateway.metric(success) == 0);
  CHECK(hash_in(running.gateway) == before);
  const auto status = get(running.gateway.admin(), "/status").json();
  CHECK(text_in(status.at("process").as_object(), "config_refused").contains("needs a restart: threads"));
  const auto& concern = status.at("concerns").as_array().at(0).as_object();
  CHECK(text_in(concern, "alert") == "OnboardingGatewayReloadFailed");
  CHECK(text_in(concern, "text").contains("needs a restart: threads"));
}

TEST_CASE("What was refused for a certificate's sake is taken once that is mended, and said once") {
  const gateway::support::scratch_folder trusted;
  const auto file = trusted.path("ca.pem");
  std::string good;
  reloadable running{[&](auto& c) {
    std::ifstream from{c.ca_file};
    good.assign(std::istreambuf_iterator<char>{from}, {});
    trusted.write("ca.pem", good);
    c.ca_file = file;
  }};
  trusted.write("ca.pem", "");
  running.how.drain = "{ delay: 0ms, timeout: 13s }";
  running.reload("the one before stays in force");
  std::this_thread::sleep_for(std::chrono::seconds{3});  // it is looked at again meanwhile
  trusted.write("ca.pem", good);
  CHECK(running.gateway.process().line_with("configuration reloaded").contains("drain.timeout"));
  CHECK(running.gateway.metric(success) == 1);
  const auto said = running.gateway.process().output();
  const auto first = said.find("the one before stays in force");
  CHECK(said.find("the one before stays in force", first + 1) == std::string::npos);
}

TEST_CASE("A changed file is noticed without a signal") {
  reloadable running;
  running.how.drain = "{ delay: 0ms, timeout: 12s }";
  running.gateway.rewrite(running.how);
  const auto line = running.gateway.process().line_with("configuration reloaded");
  CHECK(line.contains(R"("changed":"drain.timeout")"));
}

TEST_CASE(
    "A secret that is swapped by a symlink is noticed, and a token asked for with it; the present one serves on") {
  const gateway::support::scratch_folder secrets;
  const auto link = secrets.path("mounted");
  std::filesystem::create_symlink(secrets.write("first", client_secret), link);
  reloadable running{[&](auto& c) { c.secret_file = link; }};
  const auto asked = running.podero.counter("token_requests");
  std::filesystem::create_symlink(secrets.write("second", "another-example-not-real"), secrets.path("next"));
  std::filesystem::rename(secrets.path("next"), link);
  const auto line = running.gateway.process().line_with("configuration reloaded");
  CHECK(line.contains(R"("changed":"accounts.sandbox.token.client_secret")"));
  CHECK(eventually([&] { return running.podero.counter("token_requests") > asked; }));
  auto caller = running.gateway.caller();
  create(caller);
}

TEST_CASE("A new key is let in and an old one is not, and no good request is refused on the way") {
  const auto old_key = make_caller_key("portal");
  const auto new_key = make_caller_key("portal");
  reloadable running{[&](auto& c) { c.more = accounts_line(old_key); }};
  steady_callers with_old{running.gateway, 2, old_key.header()};
  // Both, then the new one alone, as a rotation goes.
  const auto digest = [](const caller_key& key) {
    const auto at = key.yaml.find("key_sha256");
    const auto begin = key.yaml.find_first_of("0123456789abcdef", key.yaml.find('[', at));
    return key.yaml.substr(begin, 64);
  };
  running.how.more = "callers:\n  portal:\n    key_sha256: [ \"" + digest(old_key) + "\", \"" + digest(new_key) +
                     "\" ]\n    accounts: [ sandbox ]\n";
  running.reload("configuration reloaded");
  steady_callers with_new{running.gateway, 2, new_key.header()};
  REQUIRE(eventually([&] { return with_new.answered() > 20 && with_old.answered() > 20; }));
  with_old.stop();
  CHECK(with_old.failed() == 0);
  running.how.more = accounts_line(new_key);
  running.reload("configuration reloaded");
  auto late = running.gateway.caller();
  CHECK(eventually([&] { return late.call("GET", "/v1/accounts", {}, old_key.header()).status == 401; }));
  const auto so_far = with_new.answered();
  REQUIRE(eventually([&] { return with_new.answered() > so_far + 20; }));
  with_new.stop();
  CHECK(with_new.failed() == 0);
}

TEST_CASE(
    "A caller that is new gets in with its own limits, one that is gone does not, and numbers are never mixed up") {
  const auto zoe = make_caller_key("zoe");
  const auto ann = make_caller_key("ann");
  reloadable running{[&](auto& c) { c.more = accounts_line(zoe); }};
  auto caller = running.gateway.caller();
  create(caller, zoe.header());
  CHECK(running.gateway.process().line_with("session created").contains(R"("caller":"zoe")"));
  running.how.more = accounts_line(zoe) + accounts_line(ann).substr(std::string_view{"callers:\n"}.size()) +
                     "    limits: { sandbox: { sessions: [ { rate: 1, per: 1h } ] } }\n";
  running.reload("configuration reloaded");
  CHECK(eventually([&] { return caller.call("GET", "/v1/accounts", {}, ann.header()).status == 200; }));
  create(caller, ann.header());
  CHECK(running.gateway.process().line_with("session created").contains(R"("caller":"ann")"));
  const auto second = caller.call("POST", sessions_path, body_for(7), std::string{json_body} + ann.header());
  CHECK(second.status == 429);
  create(caller, zoe.header());
  running.how.more = accounts_line(zoe);
  running.reload("configuration reloaded");
  CHECK(eventually([&] { return caller.call("GET", "/v1/accounts", {}, ann.header()).status == 401; }));
  create(caller, zoe.header());
}

TEST_CASE("A stricter window applies at once and counts what went before; a wider one lets through what waits") {
  reloadable running{[](auto& c) {
    c.account_more = "    limits: { sessions: [ { rate: 10, per: 1h } ], jitter: 0ms, queue: { max_wait: 10s } }\n";
  }};
  auto caller = running.gateway.caller();
  for (int i = 0; i < 3; ++i) create(caller);
  running.how.account_more =
      "    limits: { sessions: [ { rate: 3, per: 1h } ], jitter: 0ms, queue: { max_wait: 10s } }\n";
  running.reload("configuration reloaded");
  const auto refused = caller.call("POST", sessions_path, body_for(9), json_body);
  CHECK(refused.status == 429);
  CHECK(refused.body.contains("3 of 3 used"));
  running.how.account_more =
      "    limits: { sessions: [ { rate: 4, per: 1h } ], jitter: 0ms, queue: { max_wait: 10s } }\n";
  running.reload("configuration reloaded");
  // The three are known as they were: the fourth is let through, and no fifth.
  CHECK(caller.call("POST", sessions_path, body_for(10), json_body).status == 201);
  CHECK(caller.call("POST", sessions_path, body_for(11), json_body).status == 429);
}

TEST_CASE("The level of the log changes by reload") {
  reloadable running;
  running.how.log = "{ level: error, format: json }";
  running.gateway.rewrite(running.how);
  running.gateway.process().signal(SIGHUP);
  REQUIRE(eventually([&] { return get(running.gateway.admin(), "/config").body.contains("level: error"); }));
  auto caller = running.gateway.caller();
  caller.call("GET", "/v1/accounts/sandbox", {}, "X-Request-Id: said-by-nobody\r\n");
  running.how.log = "{ level: debug, format: json }";
  running.gateway.rewrite(running.how);
  running.gateway.process().signal(SIGHUP);
  REQUIRE(eventually([&] { return get(running.gateway.admin(), "/config").body.contains("level: debug"); }));
  caller.call("GET", "/v1/accounts/sandbox", {}, "X-Request-Id: said\r\n");
  running.gateway.process().line_with(R"("request_id":"said")");
  CHECK_FALSE(running.gateway.process().output().contains("said-by-nobody"));
}

// What it does to memory is for the release programs to show: tests/release.
TEST_CASE("Reload upon reload under load, half of them broken: no failed request, right metrics") {
  const auto key = make_caller_key("portal");
  reloadable running{[&](auto& c) { c.more = accounts_line(key); }};
  auto& gateway = running.gateway;
  steady_callers callers{gateway, 4, key.header()};
  const int wanted = reloads_wanted();
  const auto good = running.how;
  for (int i = 1; i <= wanted; ++i) {
    const bool broken = i % 2 == 0;
    running.how = good;
    running.how.drain = "{ delay: 0ms, timeout: " + std::to_string(10'000 + i) + "ms }";
    running.how.timeouts = "{ total: " + std::to_string(11'000 + i) + "ms, connect: 3s, exchange: 8s }";
    running.how.account_more = "    limits: { sessions: [ { rate: " + std::to_string(5'000 + i) + ", per: 1s } ] }\n";
    if (broken) running.how.more += i % 4 == 0 ? "threads: 5\n" : "nonsense: " + std::to_string(i) + "\n";
    gateway.rewrite(running.how);
    gateway.process().signal(SIGHUP);
    REQUIRE(eventually([&] {
      if (broken) return gateway.metric(success) == 0;
      return gateway.metric(success) == 1 &&
             get(gateway.admin(), "/config").body.contains(std::to_string(10'000 + i) + "ms");
    }));
  }
  callers.stop();
  CHECK(callers.answered() > wanted);
  CHECK(callers.failed() == 0);
  MESSAGE(wanted << " reloads, " << callers.answered() << " requests");
}
