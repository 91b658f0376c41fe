#include "listener/account_document.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

constexpr time::wall_instant noon = std::chrono::sys_days{std::chrono::year{2024} / 8 / 23} + 12h;

TEST_CASE("an account without anything is all there, with null where there is nothing") {
  const auto got =
      boost::json::parse(listener::render_account("sandbox", {.upstream = {.token = false, .circuit = "open"}}, 15s));
  CHECK(boost::json::serialize(got) ==
        R"({"name":"sandbox","limits":[],"queue":{"length":0,"oldest_seconds":null},"paused_until":null,)"
        R"("slow_down":1,"total_timeout_seconds":15,"slots":null,"open_sessions":[],)"
        R"("upstream":{"token":false,"circuit":"open"}})");
}

TEST_CASE("instants are rounded up to seconds, and other callers' sessions have no id") {
  onboarding::account_view seen;
  seen.windows.push_back({"sessions-10s", false, 1, 10s, 0, noon + 1500ms});
  seen.paused_until = noon + 1ms;
  seen.test_account = onboarding::test_account_view{
      .name = "demo",
      .open_sessions = 2,
      .own_open_sessions = 1,
      .held = {{.holders = {"ci"}, .since = noon, .until = noon + 15min, .session = {}},
               {.holders = {"ops", "ci"}, .since = noon, .until = noon + 15min, .session = "mine"}}};
  const auto got = boost::json::parse(listener::render_account("sandbox", seen, 15s)).as_object();
  CHECK(got.at("limits").at(0).at("next_at") == "2024-08-23T12:00:02Z");
  CHECK(got.at("paused_until") == "2024-08-23T12:00:01Z");
  CHECK(got.at("slots").at("free") == 0);
  CHECK_FALSE(got.at("slots").at("held").at(0).as_object().contains("session"));
  CHECK(got.at("slots").at("held").at(1).at("session") == "mine");
}

}  // namespace
