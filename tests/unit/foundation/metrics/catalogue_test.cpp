#include "foundation/metrics/catalogue.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

using namespace gateway;
using namespace std::chrono_literals;
using metrics::catalogue;

TEST_CASE("a family is declared with the prefix, its help, its labels and its kind") {
  catalogue families;
  const auto answered = families.add_counter("answers_total", "Answers.", {"route", "code"});
  const auto lag = families.add_gauge("lag_seconds", "Lag.", metrics::fold::max);

  REQUIRE(families.rows().size() == 2);
  const auto& row = families.rows()[answered.index];
  CHECK(row.name == "onboarding_gateway_answers_total");
  CHECK(row.help == "Answers.");
  CHECK(row.kind == metrics::kind::counter);
  CHECK(row.labels == std::vector<std::string>{"route", "code"});
  CHECK(families.rows()[lag.index].fold == metrics::fold::max);
}

TEST_CASE("a histogram has the latency bounds unless told otherwise, from 100 microseconds to three minutes") {
  catalogue families;
  const auto usual = families.add_histogram("usual_seconds", "Usual.");
  const std::vector<std::chrono::nanoseconds> two{1ms, 1s};
  const auto own = families.add_histogram("own_seconds", "Own.", {"stage"}, two);

  CHECK(families.rows()[usual.index].bounds.size() == 22);
  CHECK(families.rows()[usual.index].bounds.front() == 100'000);
  CHECK(families.rows()[usual.index].bounds.back() == 180'000'000'000);
  CHECK(families.rows()[own.index].bounds == std::vector<std::int64_t>{1'000'000, 1'000'000'000});
}

TEST_CASE("a declaration that promtool would complain about is refused, and the error names the family") {
  catalogue families;
  families.add_counter("known_total", "Known.");
  const std::vector<std::chrono::nanoseconds> falling{2ms, 1ms};
  const std::vector<std::chrono::nanoseconds> equal{1ms, 1ms};
  const std::vector<std::chrono::nanoseconds> none;
  const std::vector<std::chrono::nanoseconds> many(25, 1ms);

  CHECK_THROWS_WITH_AS(families.add_counter("known_total", "Again."),
                       "metric onboarding_gateway_known_total: declared twice", std::logic_error);
  CHECK_THROWS_WITH_AS(families.add_counter("answers", "Answers."),
                       "metric onboarding_gateway_answers: counters, and only they, end in _total", std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("answers_total", "Answers."), std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("Answers", "Answers."), std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("answers", ""), std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("answers", "Two\nlines."), std::logic_error);
  CHECK_THROWS_WITH_AS(families.add_gauge("answers", "Answers.", {"co-de"}),
                       "metric onboarding_gateway_answers: label 'co-de' is not of [a-z][a-z0-9_]*", std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("answers", "Answers.", {"code", "code"}), std::logic_error);
  CHECK_THROWS_AS(families.add_gauge("answers", "Answers.", {"le"}), std::logic_error);
  CHECK_THROWS_AS(families.add_histogram("times_seconds", "Times.", falling), std::logic_error);
  CHECK_THROWS_AS(families.add_histogram("times_seconds", "Times.", equal), std::logic_error);
  CHECK_THROWS_AS(families.add_histogram("times_seconds", "Times.", none), std::logic_error);
  CHECK_THROWS_AS(families.add_histogram("times_seconds", "Times.", many), std::logic_error);
  CHECK(families.rows().size() == 1);
}
