#include "dispatch/attempt.hpp"

#include <doctest/doctest.h>

#include <array>

namespace {

using namespace gateway::dispatch;
using namespace std::chrono_literals;
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
  verdict health;
};

constexpr attempt_facts answer_to(bool creates, unsigned status) {
  return {.creating = creates, .end = answered, .sent = true, .status = status};
}
constexpr attempt_facts broken(bool creates, gateway::upstream::exchange_end end, bool was_sent) {
  return {.creating = creates, .end = end, .sent = was_sent};
}
constexpr attempt_facts last(attempt_facts of) {
  of.attempts = 3;
  return of;
}
constexpr attempt_facts out_of_time(attempt_facts of) {
  of.time_left = 0s;
  return of;
}
constexpr attempt_facts renewed(attempt_facts of) {
  of.renewed = true;
  return of;
}
constexpr attempt_facts reused(attempt_facts of) {
  of.reused = true;
  return of;
}
constexpr attempt_facts gone(attempt_facts of) {
  of.caller_gone = true;
  return of;
}
constexpr attempt_facts hurried(attempt_facts of) {
  of.waited_long = false;
  return of;
}
constexpr attempt_facts unprocessed(attempt_facts of) {
  of.unprocessed = true;
  return of;
}
constexpr attempt_facts permit_over(attempt_facts of) {
  of.permit_over = true;
  return of;
}
constexpr attempt_facts asking(attempt_facts of, gateway::time::duration wait) {
  of.retry_after = wait;
  return of;
}

constexpr auto good = verdict::success;
constexpr auto bad = verdict::failure;
constexpr auto nothing = verdict::neutral;

constexpr std::array table{
    row{"a creation that worked", answer_to(creating, 201), deliver, good},
    row{"a read that worked", answer_to(reading, 200), deliver, good},
    row{"a refusal of a creation", answer_to(creating, 422), deliver, good},
    row{"a refusal of a read", answer_to(reading, 404), deliver, good},

    row{"401 to a creation", answer_to(creating, 401), renew_token, good},
    row{"401 to a read", answer_to(reading, 401), renew_token, good},
    row{"401 to the last attempt", last(answer_to(creating, 401)), renew_token, good},
    row{"401 to a creation after a renewal", renewed(answer_to(creating, 401)), deliver, good},
    row{"401 to a read after a renewal", renewed(answer_to(reading, 401)), deliver, good},
    row{"401 when time is up", out_of_time(answer_to(reading, 401)), deliver, good},
    row{"401 when the caller left", gone(answer_to(creating, 401)), deliver, good},

    row{"429 to a creation, which was not done", answer_to(creating, 429), try_again, good},
    row{"429 to a read", answer_to(reading, 429), try_again, good},
    row{"429 with a wait that fits", asking(answer_to(creating, 429), 9s), try_again, good},
    row{"429 with a wait that outlives the request", asking(answer_to(creating, 429), 10s), deliver, good},
    row{"429 to the last attempt", last(answer_to(creating, 429)), deliver, good},
    row{"429 when the caller left", gone(answer_to(creating, 429)), deliver, good},

    row{"500 to a creation", answer_to(creating, 500), deliver, bad},
    row{"502 to a creation", answer_to(creating, 502), deliver, bad},
    row{"503 to a creation: a proxy may say so after the work was done", answer_to(creating, 503), deliver, bad},
    row{"503 to a creation that asks to come again", asking(answer_to(creating, 503), 1s), deliver, bad},
    row{"504 to a creation", answer_to(creating, 504), deliver, bad},
    row{"500 to a read", answer_to(reading, 500), deliver, bad},
    row{"501 to a read", answer_to(reading, 501), deliver, bad},
    row{"502 to a read", answer_to(reading, 502), try_again, bad},
    row{"503 to a read", answer_to(reading, 503), try_again, bad},
    row{"504 to a read", answer_to(reading, 504), try_again, bad},
    row{"503 to a read with a wait that outlives the request", asking(answer_to(reading, 503), 1min), deliver, bad},
    row{"503 to the last attempt of a read", last(answer_to(reading, 503)), deliver, bad},
    row{"503 to a read when time is up", out_of_time(answer_to(reading, 503)), deliver, bad},

    row{"a creation lost before its last byte", broken(creating, lost, unsent), try_again, bad},
    row{"a read lost before its last byte", broken(reading, lost, unsent), try_again, bad},
    row{"a creation lost after its last byte", broken(creating, lost, sent), give_up, bad},
    row{"a read lost after its last byte", broken(reading, lost, sent), try_again, bad},
    row{"the last attempt of a creation, not sent", last(broken(creating, lost, unsent)), give_up, bad},
    row{"the last attempt of a read", last(broken(reading, lost, sent)), give_up, bad},
    row{"a loss when time is up", out_of_time(broken(reading, lost, unsent)), give_up, bad},
    row{"a loss when the caller left", gone(broken(reading, lost, unsent)), give_up, bad},

    row{"a stale connection under a creation", reused(broken(creating, lost, unsent)), try_at_once, nothing},
    row{"a stale connection under the last attempt", last(reused(broken(creating, lost, unsent))), try_at_once,
        nothing},
    row{"a used connection lost after a creation", reused(broken(creating, lost, sent)), give_up, bad},
    row{"a used connection lost after a read", reused(broken(reading, lost, sent)), try_again, bad},

    row{"a creation of which the server says that it did nothing with it", unprocessed(broken(creating, lost, sent)),
        try_again, bad},
    row{"the same on a used connection: the server was going", reused(unprocessed(broken(creating, lost, sent))),
        try_again, nothing},
    row{"the same of the last attempt", last(unprocessed(broken(creating, lost, sent))), give_up, bad},

    row{"silence after a creation", broken(creating, timed_out, sent), give_up, bad},
    row{"a creation that could not be sent in time", broken(creating, timed_out, unsent), try_again, bad},
    row{"silence after a read", broken(reading, timed_out, sent), try_again, bad},
    row{"silence after the last attempt of a read", last(broken(reading, timed_out, sent)), give_up, bad},
    row{"silence until time is up", out_of_time(broken(reading, timed_out, sent)), give_up, bad},
    row{"a caller in a hurry", hurried(out_of_time(broken(creating, timed_out, sent))), give_up, nothing},

    row{"a permit that was of no use any more", permit_over(broken(creating, timed_out, unsent)), try_at_once, nothing},
    row{"the same when time is up", permit_over(out_of_time(broken(creating, timed_out, unsent))), give_up, nothing},

    row{"garbage after a creation", broken(creating, unusable, sent), give_up, bad},
    row{"garbage after a read", broken(reading, unusable, sent), give_up, bad},
};

TEST_CASE("what follows an attempt, and what it says about the upstream") {
  for (const auto& each : table) {
    CAPTURE(each.when);
    CHECK(after(each.facts, {}).step == each.then);
    CHECK(verdict_on(each.facts) == each.health);
  }
}

TEST_CASE("the wait doubles with every attempt, at least half of the step and at most the limit") {
  const retry_rules rules;  // 100 ms, at most 2 s
  CHECK(back_off(1, 0.0, rules) == 50ms);
  CHECK(back_off(1, 0.5, rules) == 75ms);
  CHECK(back_off(2, 0.0, rules) == 100ms);
  CHECK(back_off(3, 0.0, rules) == 200ms);
  CHECK(back_off(9, 0.0, rules) == 1s);
  CHECK(back_off(4000000000U, 0.5, rules) == 1500ms);
  for (unsigned attempts = 1; attempts < 20; ++attempts) CHECK(back_off(attempts, 0.999999, rules) < 2s);
}

TEST_CASE("where the server asks for a pause the repetition goes into the queue at once: the account pauses") {
  CHECK(after(answer_to(reading, 503), {}).wait == 50ms);
  CHECK(after(asking(answer_to(reading, 503), 3s), {}).wait == 0s);
  CHECK(after(asking(answer_to(creating, 429), 3s), {}).wait == 0s);
  CHECK(after(answer_to(creating, 429), {}).wait == 0s);
  CHECK(after(answer_to(creating, 401), {}).wait == 0s);
  CHECK(after(reused(broken(creating, lost, unsent)), {}).wait == 0s);
}

TEST_CASE("a pause that is shorter than the back-off does not make repetitions faster") {
  CHECK(after(asking(answer_to(creating, 429), 0s), {}).wait == 50ms);
  CHECK(after(asking(answer_to(reading, 503), 49ms), {}).wait == 50ms);
}

TEST_CASE("a wait that would last to the deadline is not begun") {
  auto facts = broken(reading, lost, sent);
  facts.time_left = 50ms;
  CHECK(after(facts, {}).step == give_up);
  facts.time_left = 51ms;
  CHECK(after(facts, {}).step == try_again);
}

TEST_CASE("repetitions have reasons from a fixed set") {
  CHECK(reason_of(answer_to(creating, 401)) == "unauthorized");
  CHECK(reason_of(answer_to(creating, 429)) == "rate-limited");
  CHECK(reason_of(answer_to(reading, 503)) == "server-error");
  CHECK(reason_of(broken(reading, lost, unsent)) == "not-sent");
  CHECK(reason_of(reused(broken(reading, lost, unsent))) == "stale");
  CHECK(reason_of(permit_over(broken(reading, timed_out, unsent))) == "permit-over");
  CHECK(reason_of(broken(reading, lost, sent)) == "lost");
  CHECK(reason_of(unprocessed(broken(creating, lost, sent))) == "unprocessed");
  CHECK(reason_of(reused(unprocessed(broken(creating, lost, sent)))) == "unprocessed");
  CHECK(reason_of(broken(reading, timed_out, sent)) == "timed-out");
  auto unconnected = broken(reading, timed_out, unsent);
  unconnected.connected = false;
  CHECK(reason_of(unconnected) == "connect");
}

}  // namespace
