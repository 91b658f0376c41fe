#include "app/severity.hpp"

#include <doctest/doctest.h>

using gateway::app::severity_of;
using gateway::app::severity_of_lines;
using gateway::errors::problem;
using gateway::journal::level;

TEST_CASE("an error is where somebody has to act") {
  CHECK(severity_of(problem::internal_error) == level::error);
  CHECK(severity_of(problem::upstream_unauthorized) == level::error);
  CHECK(severity_of(problem::upstream_forbidden) == level::error);
  CHECK(severity_of(problem::not_configured) == level::error);
}

TEST_CASE("a warning is what may pass by itself and should not be") {
  CHECK(severity_of(problem::upstream_error) == level::warning);
  CHECK(severity_of(problem::upstream_unavailable) == level::warning);
  CHECK(severity_of(problem::store_unavailable) == level::warning);
  CHECK(severity_of(problem::overloaded) == level::warning);
}

TEST_CASE("an expired deadline, a refusal and the gateway's own end are none of the two") {
  CHECK(severity_of(std::nullopt) == level::info);
  CHECK(severity_of(problem::upstream_timeout) == level::info);
  CHECK(severity_of(problem::request_timeout) == level::info);
  CHECK(severity_of(problem::draining) == level::info);
  CHECK(severity_of(problem::rate_limited) == level::info);
  CHECK(severity_of(problem::validation_failed) == level::info);
  CHECK(severity_of(problem::unauthenticated) == level::info);
}

TEST_CASE("a batch is as serious as its worst line, and a warning where a line was answered with a 5xx") {
  const auto bit = [](problem p) { return std::uint64_t{1} << std::to_underlying(p); };
  CHECK(severity_of_lines(0) == level::info);
  CHECK(severity_of_lines(bit(problem::validation_failed) | bit(problem::rate_limited)) == level::info);
  CHECK(severity_of_lines(bit(problem::validation_failed) | bit(problem::store_unavailable)) == level::warning);
  CHECK(severity_of_lines(bit(problem::upstream_timeout)) == level::warning);
  CHECK(severity_of_lines(bit(problem::upstream_unauthorized) | bit(problem::overloaded)) == level::error);
}
