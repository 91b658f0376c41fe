#include "token/keeper.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "support/loop_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::token;
using namespace std::chrono_literals;
using transport::task;

// An endpoint whose answers stay outstanding until the test gives them.
class stepping_endpoint final : public endpoint {
 public:
  explicit stepping_endpoint(transport::loop& on) : loop_{on} {}

  task<std::expected<reply, std::string>> ask(secrets::secret authorization, std::string_view,
                                              std::string_view) override {
    ++asked;
    last_authorization = authorization.reveal();
    transport::parking place{loop_.ready()};
    waiting_ = &place;
    const auto sent_at = loop_.now();
    co_await place.wait(loop_.deadlines(), time::instant::max());
    waiting_ = nullptr;
    if (!next_) co_return std::unexpected{std::string{"connection refused"}};
    co_return reply{next_->first, next_->second, sent_at};
  }
  void answer(unsigned status, std::string body) {
    next_.emplace(status, std::move(body));
    waiting_->wake_up();
  }
  void fail() {
    next_.reset();
    waiting_->wake_up();
  }
  bool outstanding() const { return waiting_ != nullptr; }

  int asked = 0;
  std::string last_authorization;

 private:
  transport::loop& loop_;
  transport::parking* waiting_ = nullptr;
  std::optional<std::pair<unsigned, std::string>> next_;
};

struct noting_observer final : observer {
  int renewals = 0;
  std::vector<std::string> failures;
  void renewed(time::duration) override { ++renewals; }
  void failed(const trouble& why) override { failures.push_back(why.reason); }
};

struct keeper_fixture : support::loop_fixture {
  stepping_endpoint endpoint{loop};
  noting_observer observer;
  std::string secret_on_disk = "example-secret-not-real";
  keeper subject{{.home = loop,
                  .endpoint = endpoint,
                  .credentials = [this]() -> std::expected<credentials, std::string> {
                    if (secret_on_disk.empty()) return std::unexpected{std::string{"client_secret_file: gone"}};
                    return credentials{"id", secrets::secret{secret_on_disk}};
                  },
                  .options = {},
                  .uniform = [] { return 0.0; },
                  .observer = observer}};
  view tokens{loop, subject};

  ~keeper_fixture() {
    if (endpoint.outstanding()) endpoint.fail();
    settle();
  }

  struct result {
    std::optional<std::expected<grant, trouble>> got;
  };
  static task<> fetch(view& from, time::instant deadline, result& into) { into.got = co_await from.get(deadline); }
  void ask(result& into, time::duration within = 10s) { start(fetch(tokens, loop.now() + within, into)); }
  void grant(std::string_view token, int seconds = 1000) {
    endpoint.answer(200,
                    R"({"access_token":")" + std::string{token} + R"(","expires_in":)" + std::to_string(seconds) + "}");
    settle();
  }
};

TEST_CASE_FIXTURE(keeper_fixture, "two hundred requests at the start share one token request") {
  subject.start();
  std::deque<result> results(200);
  for (auto& r : results) ask(r);
  CHECK(endpoint.asked == 1);
  grant("t1");
  for (auto& r : results) {
    REQUIRE(r.got.has_value());
    CHECK(r.got->value().token.reveal() == "t1");
  }
  CHECK(endpoint.asked == 1);
  CHECK(observer.renewals == 1);
  REQUIRE(tokens.usable() != nullptr);
}

TEST_CASE_FIXTURE(keeper_fixture, "the failure is shared too, and remembered for the back-off") {
  subject.start();
  std::deque<result> results(10);
  for (auto& r : results) ask(r);
  endpoint.fail();
  settle();
  for (auto& r : results) {
    REQUIRE(r.got.has_value());
    CHECK(r.got->error().reason == "connection refused");
    CHECK_FALSE(r.got->error().refused);
  }
  result later;
  ask(later);
  REQUIRE(later.got.has_value());
  CHECK_FALSE(later.got->has_value());
  CHECK(endpoint.asked == 1);
  advance(250ms);
  CHECK(endpoint.asked == 2);  // by itself
}

TEST_CASE_FIXTURE(keeper_fixture, "the token is renewed in the background while the old one serves") {
  subject.start();
  grant("t1", 1000);
  advance(800s);
  CHECK(endpoint.asked == 2);
  REQUIRE(tokens.usable() != nullptr);
  CHECK(tokens.usable()->token.reveal() == "t1");
  grant("t2", 1000);
  CHECK(tokens.usable()->token.reveal() == "t2");
}

TEST_CASE_FIXTURE(keeper_fixture, "with the endpoint down for a minute nobody fails while the old token lives") {
  subject.start();
  grant("t1", 1000);
  advance(800s);
  for (int second = 0; second < 60; ++second) {
    if (endpoint.outstanding()) endpoint.fail();
    settle();
    result r;
    ask(r);
    REQUIRE(r.got.has_value());
    CHECK(r.got->has_value());
    advance(1s);
  }
  CHECK(observer.failures.size() > 3);
  CHECK(observer.failures.size() < 20);
  for (int second = 0; second < 200; ++second) {
    if (endpoint.outstanding()) endpoint.fail();
    advance(1s);
  }
  result expired;
  ask(expired, 1ms);
  if (!expired.got) advance(1ms);
  REQUIRE(expired.got.has_value());
  CHECK_FALSE(expired.got->has_value());
}

TEST_CASE_FIXTURE(keeper_fixture, "a rejected token costs one renewal, whoever reports it") {
  subject.start();
  grant("t1");
  tokens.accepted(1);
  tokens.reject(1);
  tokens.reject(1);
  settle();
  CHECK(endpoint.asked == 2);
  result r;
  ask(r);
  CHECK_FALSE(r.got.has_value());
  grant("t2");
  REQUIRE(r.got.has_value());
  CHECK(r.got->value().token.reveal() == "t2");
  CHECK(endpoint.asked == 2);
}

TEST_CASE_FIXTURE(keeper_fixture, "a token that is refused is given to nobody before it is known what becomes of it") {
  subject.start();
  grant("t1");
  tokens.reject(1);
  CHECK(tokens.usable() == nullptr);
  settle();
  CHECK(tokens.usable() != nullptr);  // it is new
  CHECK(endpoint.asked == 1);
  tokens.accepted(1);
  settle();
  advance(4s);
  CHECK(endpoint.asked == 1);
  tokens.reject(1);
  settle();
  CHECK(tokens.usable() == nullptr);
  CHECK(endpoint.asked == 2);
}

TEST_CASE_FIXTURE(keeper_fixture, "a token that was refused and then works is not renewed") {
  subject.start();
  grant("t1");
  tokens.accepted(1);
  tokens.reject(1);
  settle();
  grant("t2");
  tokens.accepted(2);
  tokens.reject(2);
  settle();
  CHECK(tokens.usable() != nullptr);
  tokens.accepted(2);
  settle();
  advance(10s);
  CHECK(endpoint.asked == 2);
}

struct refused_fixture : keeper_fixture {
  static task<> await(view& from, time::instant deadline, std::optional<bool>& into) {
    into = co_await from.replaced(1, 500ms, deadline);
  }
  void refuse(time::duration time_left = 1h) {
    tokens.reject(1);
    start(await(tokens, loop.now() + time_left, worked));
    CHECK_FALSE(worked.has_value());
  }
  std::optional<bool> worked;
};

TEST_CASE_FIXTURE(refused_fixture, "who was refused with a new token waits until the API may know it") {
  subject.start();
  grant("t1");
  time::duration waits{};
  SUBCASE("half a second") {
    refuse();
    waits = 500ms;
  }
  SUBCASE("or half of what is left") {
    refuse(100ms);
    waits = 50ms;
  }
  advance(waits - 1ms);
  CHECK_FALSE(worked.has_value());
  advance(1ms);
  CHECK(worked == false);
}

TEST_CASE_FIXTURE(refused_fixture,
                  "who was refused with an old token waits for another one, and until that may be known") {
  subject.start();
  grant("t1");
  tokens.accepted(1);
  refuse();
  advance(1s);
  grant("t2");
  CHECK_FALSE(worked.has_value());
  SUBCASE("it works before") {
    advance(100ms);
    tokens.accepted(2);
    settle();
    CHECK(worked == true);
  }
  SUBCASE("it is not heard of before") {
    advance(499ms);
    CHECK_FALSE(worked.has_value());
    advance(1ms);
    CHECK(worked == false);
  }
}

TEST_CASE_FIXTURE(refused_fixture, "who was refused does not wait where there is no other token, nor for long") {
  subject.start();
  grant("t1");
  advance(10s);
  refuse();
  SUBCASE("the endpoint gives none") {
    endpoint.fail();
    settle();
  }
  SUBCASE("it takes long") {
    advance(2s);
  }
  CHECK(worked == false);
}

TEST_CASE_FIXTURE(keeper_fixture,
                  "credentials whose tokens the API refuses are told of once, and hopeless until one works") {
  subject.start();
  grant("t1");
  tokens.reject(1);
  settle();
  advance(4s);
  grant("t2");
  CHECK_FALSE(tokens.hopeless());
  tokens.reject(2);
  settle();
  tokens.reject(2);
  settle();
  CHECK(tokens.hopeless());
  CHECK(subject.latest() == keeper::standing::refused);
  CHECK(observer.failures ==
        std::vector<std::string>{"the API refuses a token that the token endpoint has just given"});
  CHECK(tokens.usable() != nullptr);
  CHECK_FALSE(subject.has_token());
  tokens.accepted(2);
  settle();
  CHECK(subject.has_token());
  CHECK_FALSE(tokens.hopeless());
  CHECK(subject.latest() == keeper::standing::well);
}

TEST_CASE_FIXTURE(keeper_fixture, "as long as none works each token that the API refuses is told of") {
  subject.start();
  for (std::uint64_t generation = 1; generation <= 4; ++generation) {
    grant("t" + std::to_string(generation));
    tokens.reject(generation);
    settle();
    tokens.reject(generation);
    advance(2min);
  }
  CHECK(observer.failures.size() == 3);  // the first one may only have been too new
  CHECK(subject.latest() == keeper::standing::refused);
}

TEST_CASE_FIXTURE(keeper_fixture,
                  "tokens that have expired when they come are failures, and asked for ever less often") {
  subject.start();
  for (int second = 0; second < 60; ++second) {
    const bool asked = endpoint.outstanding();
    advance(1s);
    if (asked) grant("t", 1);
  }
  CHECK(endpoint.asked < 12);
  CHECK(observer.renewals == 0);
  CHECK(observer.failures.front() == "the token had expired when it came");
}

TEST_CASE_FIXTURE(keeper_fixture, "a secret that changes on disk is used by the next attempt") {
  subject.start();
  endpoint.answer(401, R"({"error":"invalid_client"})");
  settle();
  REQUIRE(observer.failures.size() == 1);
  const auto before = endpoint.last_authorization;
  secret_on_disk = "example-rotated-not-real";
  advance(5s);
  CHECK(endpoint.asked == 2);
  CHECK(endpoint.last_authorization != before);
  grant("t1");
  CHECK(tokens.usable() != nullptr);
}

TEST_CASE_FIXTURE(keeper_fixture, "a secret file that cannot be read is a refusal that names it, and is tried again") {
  secret_on_disk.clear();
  subject.start();
  settle();
  REQUIRE(observer.failures.size() == 1);
  CHECK(observer.failures[0] == "client_secret_file: gone");
  CHECK(subject.tried());
  secret_on_disk = "example-secret-not-real";
  advance(5s);
  CHECK(endpoint.asked == 1);
}

TEST_CASE_FIXTURE(keeper_fixture, "who waits longer than its deadline is told so and leaves no trace") {
  subject.start();
  result r;
  ask(r, 2s);
  advance(2s);
  REQUIRE(r.got.has_value());
  CHECK(r.got->error().reason == "the token endpoint has not answered in time");
  grant("t1");
  CHECK(tokens.usable() != nullptr);
}

}  // namespace
