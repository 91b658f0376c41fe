#include "dispatch/attempt.hpp"

#include <doctest/doctest.h>

#include <array>

namespace {

using namespace gateway::dispatch;
using enum gateway::upstream::exchange_end;
using enum next_step;

constexpr bool creating = true;
constexpr bool reading = false;
constexpr bool sent = true;
constexpr bool unsent = false;

struct row {
  const char* when;
  attempt_facts facts;
  next_step then;
};

constexpr attempt_facts answer_to(bool creates, unsigned status) {
  return {.creating = creates, .end = answered, .sent = true, .status = status};
}
constexpr attempt_facts broken(bool creates, gateway::upstream::exchange_end end, bool was_sent) {
  return {.creating = creates, .end = end, .sent = was_sent};
}
constexpr attempt_facts last(attempt_facts of) {
  of.attempts = of.most_attempts;
  return of;
}
constexpr attempt_facts out_of_time(attempt_facts of) {
  of.time_left = false;
  return of;
}
constexpr attempt_facts renewed(attempt_facts of) {
  of.renewed = true;
  return of;
}

constexpr std::array table{
    row{"a creation that worked", answer_to(creating, 201), deliver},
    row{"a read that worked", answer_to(reading, 200), deliver},
    row{"a refusal of a creation", answer_to(creating, 422), deliver},
    row{"a refusal of a read", answer_to(reading, 404), deliver},

    row{"401 to a creation", answer_to(creating, 401), renew_token},
    row{"401 to a read", answer_to(reading, 401), renew_token},
    row{"401 to the last attempt", last(answer_to(creating, 401)), renew_token},
    row{"401 to a creation after a renewal", renewed(answer_to(creating, 401)), deliver},
    row{"401 to a read after a renewal", renewed(answer_to(reading, 401)), deliver},
    row{"401 when time is up", out_of_time(answer_to(reading, 401)), deliver},

    row{"500 to a creation", answer_to(creating, 500), deliver},
    row{"502 to a creation", answer_to(creating, 502), deliver},
    row{"503 to a creation: a proxy may say so after the work was done", answer_to(creating, 503), deliver},
    row{"504 to a creation", answer_to(creating, 504), deliver},
    row{"500 to a read", answer_to(reading, 500), deliver},
    row{"501 to a read", answer_to(reading, 501), deliver},
    row{"502 to a read", answer_to(reading, 502), try_again},
    row{"503 to a read", answer_to(reading, 503), try_again},
    row{"504 to a read", answer_to(reading, 504), try_again},
    row{"503 to the last attempt of a read", last(answer_to(reading, 503)), deliver},
    row{"503 to a read when time is up", out_of_time(answer_to(reading, 503)), deliver},

    row{"a creation lost before its last byte", broken(creating, lost, unsent), try_again},
    row{"a read lost before its last byte", broken(reading, lost, unsent), try_again},
    row{"a creation lost after its last byte", broken(creating, lost, sent), give_up},
    row{"a read lost after its last byte", broken(reading, lost, sent), try_again},
    row{"the last attempt of a creation, not sent", last(broken(creating, lost, unsent)), give_up},
    row{"the last attempt of a read", last(broken(reading, lost, sent)), give_up},
    row{"a loss when time is up", out_of_time(broken(reading, lost, unsent)), give_up},

    row{"silence after a creation", broken(creating, timed_out, sent), give_up},
    row{"a creation that could not be sent in time", broken(creating, timed_out, unsent), try_again},
    row{"silence after a read", broken(reading, timed_out, sent), try_again},
    row{"silence after the last attempt of a read", last(broken(reading, timed_out, sent)), give_up},
    row{"silence until time is up", out_of_time(broken(reading, timed_out, sent)), give_up},

    row{"garbage after a creation", broken(creating, unusable, sent), give_up},
    row{"garbage after a read", broken(reading, unusable, sent), give_up},
};

TEST_CASE("what follows an attempt") {
  for (const auto& each : table) {
    CAPTURE(each.when);
    CHECK(after(each.facts) == each.then);
  }
}

}  // namespace
