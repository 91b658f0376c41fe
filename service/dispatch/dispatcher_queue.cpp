#include <algorithm>

#include "dispatch/dispatcher.hpp"
#include "dispatch/failures.hpp"

// The dispatcher's way through the queue: from the door to the permit, with a token and a connection in hand shortly
// before the turn comes.
namespace gateway::dispatch {

using errors::failure;
using errors::problem;
using transport::made;
using transport::task;
using transport::unless_gone;
using upstream::exchange_end;

namespace {

// For spans, from a fixed set.
std::string_view error_type_of(const token::trouble& why, bool time_over) noexcept {
  if (why.refused) return "refused";
  return time_over ? "timed_out" : "unreachable";
}
std::string_view error_type_of(upstream::pool::failure why) noexcept {
  return why == upstream::pool::failure::timed_out ? "timed_out" : "unreachable";
}

}  // namespace

// Lets the call's control reach its place in the queue, and the place's refusal whatever the call waits for.
class dispatcher::queued {
 public:
  queued(const call& what, limiter::turn& place) noexcept : control_{what.control}, place_{place} {
    if (control_ != nullptr) control_->turn_ = &place;
    place_.on_refusal(&refused);
  }
  ~queued() {
    if (control_ != nullptr) control_->turn_ = nullptr;
    place_.on_refusal(nullptr);
  }
  queued(const queued&) = delete;
  queued& operator=(const queued&) = delete;

  transport::departure refused;

 private:
  call_control* control_;
  limiter::turn& place_;
};

// From the door to the permit. A failure: it is refused, or there is no token, or the caller has left. Without one and
// without a connection: there is none, and `into` says why.
task<std::optional<failure>> dispatcher::queue(const call& what, workspace& space, progress& so_far,
                                               limiter::turn& place, hand& held, ended& into, limiter::stage at) {
  using limiter::stage;
  queued reachable{what, place};
  bool waited = false;
  while (at != stage::granted) {
    switch (at) {
      case stage::preparing: {
        auto filling = fill(what, space, so_far, held, reachable.refused, into);
        auto& why = co_await filling;
        if (why) co_return std::move(why);
        if (!held.connection && !reachable.refused.happened()) co_return std::nullopt;
        at = place.ready();
        break;
      }
      case stage::ready:
        waited = true;
        at = co_await stand(what, place, at, ready_until(what, place), space);
        if (at == stage::ready && place.latest() > parts_.loop.now()) {
          put_down(held);
          at = place.unready();
        } else if (at == stage::ready) {
          at = place.overdue();
        }
        break;
      case stage::waiting:
        waited = true;
        put_down(held);
        at = co_await stand(what, place, at, place.latest(), space);
        if (at == stage::waiting) at = place.overdue();
        break;
      default:
        parts_.observer.permitted(what.what, "refused");
        space.admitted_at = place.refused().admitted_at;
        co_return made{[&] { return refusal_of(place.refused(), so_far.status); }};
    }
    if (gone(what)) co_return made{[&] { return caller_gone(); }};
  }
  parts_.observer.permitted(what.what, waited ? "queued" : "admitted");
  co_return std::nullopt;
}

// A permit may only have to be fetched from the shared store: for that there is time even where the queue's is over.
time::instant dispatcher::ready_until(const call& what, const limiter::turn& place) const {
  const auto now = parts_.loop.now();
  return std::min({now + options_.longest_hold, deadline_of(what), std::max(place.latest(), now + options_.fetching)});
}

// Ends early where the caller leaves.
task<limiter::stage> dispatcher::stand(const call& what, limiter::turn& place, limiter::stage at, time::instant until,
                                       workspace& space) {
  const auto began = parts_.loop.now();
  const auto changed = co_await unless_gone(place.change(at, until), what.caller);
  note_stage(space, &stage_times::queue, "queue", began);
  co_return changed.value_or(at);
}

// Ends early, and with less in hand, where the request is refused meanwhile.
task<std::optional<failure>> dispatcher::fill(const call& what, workspace& space, progress& so_far, hand& held,
                                              transport::departure& refused, ended& into) {
  if (held.token_generation == 0) {
    auto getting = get_token(what, space, held, refused);
    auto& none = co_await getting;
    if (none) co_return std::move(none);
  }
  if (refused.happened()) co_return std::nullopt;
  if (!held.circuit) {
    if (const auto open = ask_circuit(held, so_far)) co_return made{[&] { return circuit_open(*open); }};
  }
  if (!held.connection) co_await get_connection(what, space, held, refused, into);
  if (gone(what)) co_return made{[&] { return caller_gone(); }};
  co_return std::nullopt;
}

task<std::optional<failure>> dispatcher::get_token(const call& what, workspace& space, hand& held,
                                                   transport::departure& refused) {
  if (const auto* usable = parts_.tokens.usable()) {
    compose(what, *usable, space, held);
    co_return std::nullopt;
  }
  for (;;) {
    const auto began = parts_.loop.now();
    const auto until = deadline_of(what);
    auto got = co_await unless_gone(parts_.tokens.get(until), what.caller, &refused);
    const bool none = got && !*got;
    note_stage(space, &stage_times::token, "token", began,
               none ? error_type_of(got->error(), parts_.loop.now() >= until) : "");
    if (!got && refused.happened()) co_return std::nullopt;
    if (!got) co_return made{[&] { return caller_gone(); }};
    if (*got) {
      compose(what, **got, space, held);
      co_return std::nullopt;
    }
    const bool more_time = parts_.loop.now() >= until && deadline_of(what) > until;
    if (!more_time) co_return made{[&] { return no_token(got->error(), what); }};
  }
}

failure dispatcher::no_token(const token::trouble& why, const call& what) const {
  const auto& account = options_.account;
  if (why.refused)
    return failure_of(problem::upstream_unauthorized, "Podero refuses the credentials of account " + account + ": " +
                                                          why.reason + ". Look at accounts." + account +
                                                          ".token in the gateway's configuration.");
  if (parts_.loop.now() >= deadline_of(what))
    return failure_of(problem::upstream_timeout, "No token for account " + account + " was to be had in time.");
  auto f =
      failure_of(problem::upstream_unavailable, "There is no token for account " + account + ": " + why.reason + ".");
  f.retry_after = whole_seconds(why.retry_at - parts_.loop.now());
  f.decision = errors::decision{errors::guard::circuit, "token", "the token endpoint gives none", {}};
  return f;
}

task<> dispatcher::get_connection(const call& what, workspace& space, hand& held, transport::departure& refused,
                                  ended& into) {
  held.connection = parts_.pool.take_idle();
  if (held.connection) co_return;
  const auto began = parts_.loop.now();
  auto until = deadline_of(what);
  std::optional<std::expected<upstream::pool::lease, upstream::pool::error>> got;
  for (;;) {
    got = co_await unless_gone(parts_.pool.acquire(until, options_.connect_timeout), what.caller, &refused);
    // Others may have come to wait for it, and have more time.
    const bool its_time_over =
        got && !*got && got->error().what == upstream::pool::failure::timed_out && parts_.loop.now() >= until;
    if (!its_time_over || deadline_of(what) <= until) break;
    until = deadline_of(what);
  }
  const bool none = got && !*got;
  note_stage(space, &stage_times::connect, "connect", began, none ? error_type_of(got->error().what) : "");
  if (got && *got) {
    held.connection = std::move(**got);
    co_return;
  }
  into.facts.connected = false;
  if (!got) co_return;
  into.reason = std::move(got->error().reason);
  if (got->error().what == upstream::pool::failure::timed_out) {
    into.facts.end = exchange_end::timed_out;
    // With the caller's time over it may have stood in line for one of ours all along.
    into.facts.waited_long = parts_.loop.now() < until;
  }
  parts_.observer.connect_failed({what.what, space.trace, space.origin}, into.reason);
}

}  // namespace gateway::dispatch
