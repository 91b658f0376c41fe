#include "app/store_refusals.hpp"

#include <doctest/doctest.h>

using namespace gateway;
using namespace std::chrono_literals;

namespace {

struct refused_store {
  journal::memory_sink kept;
  time::manual_clock clock;
  journal::log log{kept, clock, {.threshold = journal::level::info, .style = journal::format::json}};
  metrics::counter summarised;
  app::store_refusals subject{log, summarised};

  void refused(std::string_view command, std::string_view reason) { subject.refused(command, reason, clock.now()); }
};

}  // namespace

TEST_CASE_FIXTURE(refused_store,
                  "the first refusal of each command is a line with the server's words, the rest a number") {
  for (int i = 0; i < 5; ++i) refused("key_claim", "NOPERM this user has no permissions to run the 'zadd' command");
  refused("ledger_reserve", "OOM command not allowed when used memory > 'maxmemory'.");
  REQUIRE(kept.lines().size() == 2);
  CHECK(kept.lines()[0].contains(R"("level":"warn")"));
  CHECK(kept.lines()[0].contains("the shared store answers with an error"));
  CHECK(kept.lines()[0].contains(R"("command":"key_claim","reason":"NOPERM this user has no permissions)"));
  CHECK(kept.lines()[1].contains(R"("command":"ledger_reserve","reason":"OOM command not allowed)"));
  CHECK(summarised.value() == 4);
  clock.advance(5s);
  subject.tell(clock.now());
  CHECK(kept.lines().size() == 2);
  clock.advance(5s);
  subject.tell(clock.now());
  REQUIRE(kept.lines().size() == 3);
  CHECK(kept.lines()[2].contains(R"("times":4,"within_s":10)"));
}

TEST_CASE_FIXTURE(refused_store, "of what the server says there is one line, and no more of it than people read") {
  refused("key_tell", "ERR one\r\ntwo");
  CHECK(kept.lines().back().contains(R"("reason":"ERR one"})"));
  refused("key_claim", "ERR " + std::string(5000, 'x'));
  CHECK(kept.lines().back().size() < 400);
}

TEST_CASE_FIXTURE(refused_store,
                  "what is refused is known until it is answered again, or for minutes where nobody asks") {
  CHECK(subject.present(clock.now()).empty());
  refused("key_claim", "OOM no");
  refused("live_keep", "OOM no");
  REQUIRE(subject.present(clock.now()).size() == 2);
  CHECK(subject.present(clock.now()).front().command == "key_claim");
  CHECK(subject.present(clock.now()).front().reason == "OOM no");
  subject.answered("key_claim");
  subject.answered("ledger_reserve");
  REQUIRE(subject.present(clock.now()).size() == 1);
  CHECK(subject.present(clock.now()).front().command == "live_keep");
  clock.advance(4min);
  CHECK(subject.present(clock.now()).size() == 1);
  clock.advance(1min);
  CHECK(subject.present(clock.now()).empty());
}
