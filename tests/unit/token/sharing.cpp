#include "token/sharing.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>

#include "support/loop_fixture.hpp"
#include "token/keeper.hpp"

namespace {

using namespace gateway;
using namespace gateway::token;
using namespace std::chrono_literals;
using outcome = store::token_search::outcome;
using step = sharing::step;
using transport::task;

constexpr time::instant start{1h};
constexpr auto none = time::instant::min();

TEST_CASE("what the store says is what is done") {
  sharing subject{start};
  store::token_search said;
  CHECK(subject.after(said, none, start).next == step::ask);
  said.is = outcome::yours;
  CHECK(subject.after(said, none, start).next == step::ask);
  said.is = outcome::failed;
  CHECK(subject.after(said, none, start).next == step::fail);
  said.is = outcome::found;
  said.grant.expiry = start + 1s;
  CHECK(subject.after(said, none, start).next == step::adopt);
  CHECK(subject.after(said, start + 999ms, start).next == step::adopt);
}

TEST_CASE("a token that ends before one's own, or has ended, is passed by") {
  sharing subject{start};
  store::token_search said{.is = outcome::found};
  said.grant.expiry = start + 1s;
  CHECK(subject.after(said, start + 1s, start).next == step::pass);
  CHECK(subject.after(said, none, start + 1s).next == step::pass);
}

TEST_CASE("who is busy is looked at ever less often, when its lease ends, and not for ever") {
  sharing subject{start, 5s};
  store::token_search said{.is = outcome::busy, .until = start + 1h};
  const auto until = [&](time::instant now) {
    const auto plan = subject.after(said, none, now);
    CHECK(plan.next == step::wait);
    return plan.until - now;
  };
  CHECK(until(start) == 250ms);
  CHECK(until(start) == 500ms);
  CHECK(until(start) == 1s);
  CHECK(until(start) == 1s);
  said.until = start + 300ms;
  CHECK(until(start) == 300ms);
  CHECK(until(start + 300ms) == 10ms);
  CHECK(subject.after(said, none, start + 5s).next == step::ask);
}

// The store's behaviour, in memory: one token, one lease.
class scripted_token final : public store::shared_token {
 public:
  explicit scripted_token(transport::loop& on) : loop_{on} {}

  std::string id_of(const store::token_owner&, const secrets::secret& token) override {
    return "id of " + std::string{token.reveal()};
  }
  task<store::token_search> search(store::token_owner who, std::string known, bool refused) override {
    if (broken) throw std::runtime_error{"no secret"};
    owner = who.client_id;
    if (away) co_return store::token_search{};
    if (refused && kept && kept->id == known) kept.reset();
    if (kept && kept->id != known) co_return store::token_search{.is = outcome::found, .grant = *kept};
    if (failure && loop_.now() >= failure->until + 1s) failure.reset();
    if (failure) co_return *failure;
    if (leased) co_return store::token_search{.is = outcome::busy, .until = loop_.now() + 15s};
    leased = true;
    co_return store::token_search{.is = outcome::yours, .lease = {.fence = 7}};
  }
  task<> keep(store::token_owner who, store::token_lease lease, secrets::secret token, time::duration life) override {
    leased = false;
    CHECK(lease.fence == 7);
    kept = {.token = token, .id = id_of(who, token), .lifetime = life, .expiry = loop_.now() + life};
    co_return;
  }
  task<> failed(store::token_owner, store::token_lease, bool refused, std::string reason,
                time::duration asked_for) override {
    leased = false;
    failure = {
        .is = outcome::failed, .until = loop_.now() + asked_for, .refused = refused, .reason = std::move(reason)};
    co_return;
  }
  task<> changed(store::token_owner, time::instant until) override {
    transport::parking place{loop_.ready()};
    co_await place.wait(loop_.deadlines(), until);
  }

  bool away = false;
  bool broken = false;
  bool leased = false;
  std::optional<store::shared_grant> kept;
  std::optional<store::token_search> failure;
  std::string owner;

 private:
  transport::loop& loop_;
};

struct counting_endpoint final : endpoint {
  explicit counting_endpoint(transport::loop& on) : loop{on} {}
  task<std::expected<reply, std::string>> ask(secrets::secret, std::string_view, std::string_view) override {
    ++asked;
    const auto sent_at = loop.now();
    transport::parking place{loop.ready()};
    co_await place.wait(loop.deadlines(), loop.now() + takes);
    if (status != 200) co_return reply{status, R"({"error":"invalid_client"})", sent_at, retry_after};
    co_return reply{200, R"({"access_token":"t)" + std::to_string(asked) + R"(","expires_in":1000})", sent_at};
  }
  transport::loop& loop;
  time::duration takes = 1s;
  unsigned status = 200;
  std::optional<time::duration> retry_after;
  int asked = 0;
};

struct noting final : observer {
  void renewed(time::duration) override { ++own; }
  void failed(const trouble& why) override { failures.push_back(why); }
  void adopted(time::duration left) override { lefts.push_back(left); }
  int own = 0;
  std::vector<time::duration> lefts;
  std::vector<trouble> failures;
};

struct three_keepers : support::loop_fixture {
  struct one {
    explicit one(three_keepers& in)
        : subject{{.home = in.loop,
                   .endpoint = in.endpoint,
                   .credentials = [] { return credentials{"id", secrets::secret{"example-secret-not-real"}}; },
                   .options = {},
                   .uniform = [] { return 0.0; },
                   .observer = seen,
                   .shared = &in.store}},
          tokens{in.loop, subject} {}
    std::string token() const { return tokens.usable() != nullptr ? std::string{tokens.usable()->token.reveal()} : ""; }
    noting seen;
    keeper subject;
    view tokens;
  };
  three_keepers() {
    for (int i = 0; i < 3; ++i) keepers.push_back(std::make_unique<one>(*this));
  }
  ~three_keepers() { loop.abandon(); }
  void start_all() {
    for (auto& each : keepers) each->subject.start();
    settle();
  }
  void pass(time::duration how_long) {
    for (; how_long > 0s; how_long -= 250ms) advance(250ms);
  }
  void check_all_have(std::string_view token) {
    for (const auto& each : keepers) CHECK(each->token() == token);
  }

  counting_endpoint endpoint{loop};
  scripted_token store{loop};
  std::vector<std::unique_ptr<one>> keepers;
};

TEST_CASE_FIXTURE(three_keepers, "three that start at once make one token request, and then one for each renewal") {
  start_all();
  CHECK(endpoint.asked == 1);
  check_all_have("");
  pass(3s);
  CHECK(endpoint.asked == 1);
  check_all_have("t1");
  CHECK(store.owner == "id");
  CHECK(keepers[0]->seen.own == 1);
  CHECK(keepers[1]->seen.lefts.size() == 1);
  // All of them reckon from when it was asked for.
  pass(797s);
  CHECK(endpoint.asked == 2);
  check_all_have("t1");
  pass(5s);
  CHECK(endpoint.asked == 2);
  check_all_have("t2");
}

TEST_CASE_FIXTURE(three_keepers, "a token that the API refuses is renewed once for all") {
  start_all();
  pass(3s);
  for (auto& each : keepers) {
    each->tokens.accepted(each->tokens.usable()->generation);
    each->tokens.reject(each->tokens.usable()->generation);
  }
  settle();
  CHECK(endpoint.asked == 2);
  pass(3s);
  CHECK(endpoint.asked == 2);
  check_all_have("t2");
  // Late news of the first does not take away the second.
  keepers[0]->tokens.reject(1);
  pass(2s);
  CHECK(endpoint.asked == 2);
  check_all_have("t2");
}

TEST_CASE_FIXTURE(three_keepers, "who waits shares the failure") {
  endpoint.status = 401;
  start_all();
  pass(1250ms);
  CHECK(endpoint.asked == 1);
  for (auto& each : keepers) {
    pass(250ms);
    REQUIRE(each->seen.failures.size() == 1);
    CHECK(each->seen.failures[0].refused);
    CHECK(each->seen.failures[0].reason == keepers[0]->seen.failures[0].reason);
    CHECK(each->subject.tried());
  }
}

TEST_CASE_FIXTURE(three_keepers, "an endpoint that asks to be left alone is, by all of them") {
  endpoint.status = 429;
  endpoint.retry_after = 30s;
  start_all();
  pass(30s);
  CHECK(endpoint.asked == 1);
  for (const auto& each : keepers) CHECK(each->seen.failures.size() == 1);
  pass(3s);
  CHECK(endpoint.asked == 2);
}

TEST_CASE_FIXTURE(three_keepers, "while the store is away, or does not work at all, each renews for itself") {
  store.away = true;
  SUBCASE("away") {}
  SUBCASE("broken") {
    store.broken = true;
  }
  start_all();
  CHECK(endpoint.asked == 3);
  pass(2s);
  for (const auto& each : keepers) CHECK(each->seen.own == 1);
}

TEST_CASE_FIXTURE(three_keepers, "who has a better token does not take a worse one") {
  store.away = true;
  keepers[0]->subject.start();
  settle();
  pass(2s);
  store.away = false;
  store.kept = {.token = secrets::secret{"old"}, .id = "id of old", .lifetime = 900s, .expiry = loop.now() + 850s};
  pass(805s);
  CHECK(endpoint.asked == 2);
  CHECK(keepers[0]->token() == "t2");
  CHECK(store.kept->id == "id of t2");
}

TEST_CASE_FIXTURE(three_keepers, "a holder that never comes back is not waited for for ever") {
  store.leased = true;
  keepers[0]->subject.start();
  pass(62s);
  CHECK(endpoint.asked == 1);
  CHECK(keepers[0]->token() == "t1");
}

}  // namespace
