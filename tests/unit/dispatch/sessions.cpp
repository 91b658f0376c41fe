#include "onboarding/sessions.hpp"

#include "store/memory_records.hpp"
#include "way_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using errors::effect;
using errors::problem;
using support::scripted_server;

constexpr std::string_view documented = R"({"language":"de","price_zone_default":"AT",)"
                                        R"("success_url":"https://my-customerportal.com/success",)"
                                        R"("cancel_url":"https://my-customerportal.com/error",)"
                                        R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";

struct deaf_sessions_observer final : onboarding::observer {
  void created(const onboarding::made_session&) override {}
  void unaccounted(const onboarding::made_session&, errors::effect) override {}
  void unusable(operation, std::string_view) override {}
  void reused() override {}
  void replayed() override {}
  void completed() override {}
  void foreign_member_dropped() override {}
  void waited_for_store(time::duration /*total*/) override {}
};

// The use case on its way, down to the bytes.
struct sessions_fixture : way_fixture {
  onboarding::answer_policy answers;
  store::memory_records records{clock};
  onboarding::shared_sessions shared{.limits = domain};
  deaf_sessions_observer deaf;
  onboarding::sessions subject{{.loop = loop,
                                .way = way,
                                .answers = answers,
                                .shared = shared,
                                .records = records,
                                .clock = clock,
                                .observer = deaf,
                                .account = "sandbox",
                                .health = [] { return onboarding::upstream_view{}; }}};
  onboarding::creation_policy policy{onboarding::creation_rules{}};
  onboarding::workspace space;
  std::string out;
  std::optional<std::expected<onboarding::creation_answer, errors::failure>> got;

  static transport::task<> run(sessions_fixture& self) {
    onboarding::creation_request what{
        .policy = self.policy, .body = documented, .deadline = self.loop.now() + std::chrono::seconds{15}};
    auto creating = self.subject.create(what, self.space, self.out);
    self.got = co_await std::move(creating);
  }
  const errors::failure& failure() const {
    REQUIRE(got.has_value());
    REQUIRE_FALSE(got->has_value());
    return got->error();
  }
};

TEST_CASE_FIXTURE(sessions_fixture, "two 401s to one creation are upstream-unauthorized for its caller") {
  token_works();
  server.otherwise([](const auto&) { return scripted_server::answer(401, R"({"detail":"Unauthorized"})"); });
  start(run(*this));
  advance(std::chrono::milliseconds{500});
  CHECK(failure().id == problem::upstream_unauthorized);
  CHECK(failure().effect == effect::none);
  CHECK(failure().upstream_status == 401U);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(sessions_fixture, "a 503 to a creation is unknown for its caller, whatever a proxy meant") {
  server.then(scripted_server::answer(503, "<html>", "Retry-After: 7\r\n"));
  start(run(*this));
  CHECK(failure().id == problem::upstream_error);
  CHECK(failure().effect == effect::unknown);
  CHECK(failure().retry_after == std::chrono::seconds{7});
  CHECK(server.requests.size() == 1);
}

}  // namespace
