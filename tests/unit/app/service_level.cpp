#include "app/service_level.hpp"

#include <doctest/doctest.h>

#include "foundation/metrics/registry.hpp"

namespace gateway::app {

using errors::problem;

TEST_CASE("A 5xx is bad, but one that says that this instance ends or that Podero does not serve; a refusal is good") {
  CHECK(verdict_of(201, std::nullopt) == verdict::good);
  CHECK(verdict_of(304, std::nullopt) == verdict::good);
  CHECK(verdict_of(429, problem::rate_limited) == verdict::good);
  CHECK(verdict_of(403, problem::upstream_forbidden) == verdict::good);
  CHECK(verdict_of(500, problem::internal_error) == verdict::bad);
  CHECK(verdict_of(501, problem::not_configured) == verdict::bad);
  CHECK(verdict_of(503, problem::overloaded) == verdict::bad);
  CHECK(verdict_of(503, problem::store_unavailable) == verdict::bad);
  CHECK(verdict_of(503, std::nullopt) == verdict::bad);
  CHECK(verdict_of(503, problem::draining) == verdict::excluded);
  CHECK(verdict_of(503, problem::upstream_unavailable) == verdict::excluded);
  CHECK(verdict_of(502, problem::upstream_error) == verdict::excluded);
  CHECK(verdict_of(502, problem::upstream_unauthorized) == verdict::excluded);
  CHECK(verdict_of(504, problem::upstream_timeout) == verdict::excluded);
}

TEST_CASE("Every account has all its verdicts from the start, and so have requests about none") {
  metrics::catalogue catalogue;
  const metrics::gateway_metrics families{catalogue};
  metrics::registry registry{std::move(catalogue)};
  const std::vector<std::string> accounts{"production", "sandbox"};
  service_level subject{families, registry.add_shard(), accounts};
  const auto page = [&] { return metrics::render(registry); };
  const auto says = [&](std::string_view account, std::string_view verdict, int value) {
    return page().contains("\nonboarding_gateway_service_level_requests_total{account=\"" + std::string{account} +
                           "\",verdict=\"" + std::string{verdict} + "\"} " + std::to_string(value) + "\n");
  };
  for (const auto* account : {"", "production", "sandbox"})
    for (const auto* verdict : {"good", "bad", "excluded"}) CHECK(says(account, verdict, 0));
  subject.count(0, 404, problem::not_found);
  subject.count(2, 501, problem::not_configured);
  subject.count(2, 501, problem::not_configured);
  subject.count(1, 503, problem::draining);
  CHECK(says("", "good", 1));
  CHECK(says("sandbox", "bad", 2));
  CHECK(says("production", "excluded", 1));
  CHECK(says("production", "bad", 0));
}

}  // namespace gateway::app
