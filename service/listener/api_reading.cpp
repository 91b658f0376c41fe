#include <algorithm>

#include "listener/directives.hpp"
#include "listener/entity_tag.hpp"
#include "listener/postponed.hpp"
#include "listener/request_scratch.hpp"
#include "listener/server_timing.hpp"

// Reading a session, and waiting for its end.
namespace gateway::listener {

using errors::problem;
using transport::task;

// A caller that waits for a session to end.
class api::session_wait final : public postponed {
 public:
  session_wait(const request_scratch& of, std::unique_ptr<onboarding::watch::place> place, std::string none_match)
      : rules{of.rules},
        caller{of.caller},
        account{of.account},
        route{of.where.route},
        waited_for{of.wait},
        place_{std::move(place)},
        none_match_{std::move(none_match)} {}

  task<bool> wait() override { return place_->wait(); }
  onboarding::seen answer() const { return place_->answer(); }
  time::duration interval() const { return place_->interval(); }
  std::string_view none_match() const noexcept { return none_match_; }

  const std::shared_ptr<const rulebook> rules;
  const admission::caller* const caller;
  const admission::account_policy* const account;
  const listener::route* const route;
  const std::optional<std::chrono::seconds> waited_for;

 private:
  std::unique_ptr<onboarding::watch::place> place_;
  std::string none_match_;
};

std::chrono::seconds api::longest_wait(const request_scratch& mine, std::chrono::seconds wanted) {
  const auto most = mine.rules->longest_waits[mine.account->account_index];
  return std::min(wanted, std::chrono::floor<std::chrono::seconds>(most));
}

task<> api::read_session(exchange& x, request_scratch& mine) {
  const auto id = onboarding::session_id::parse(mine.where.item);
  if (!id) {
    answer_with(x, failure_of(problem::not_found, "There is no such onboarding session."));
    co_return;
  }
  x.session = trace::short_text<36>{id->view()};
  const bool waits = mine.wait && mine.wait->count() > 0;
  if (!waits) mine.wait.reset();  // nothing is applied then
  if (!waits || asks_again(x.head.fields)) {
    auto looking = first_look(x, mine, *id, waits ? std::min(mine.deadline, x.began + *mine.wait) : mine.deadline);
    const auto got = co_await std::move(looking);
    if (!waits || got->failure || got->facts.state != onboarding::session_state::pending) {
      answer_with_seen(x, *got, none_match_of(x.head.fields));
      add_preferences(x, mine);
      add_server_timing(x.reply.lines, mine.space.way.stages);
      co_return;
    }
  }
  const auto& account = parts_.accounts[mine.account->account_index];
  auto place = account.waiting->enter(mine.caller->index, *id, x.began + *mine.wait);
  if (!place) {
    answer_with(x, place.error());
    co_return;
  }
  x.later = std::make_unique<session_wait>(mine, std::move(*place), none_match_of(x.head.fields));
  mine.space.way.stages = {};
  mine.rules.reset();
}

// Podero is asked: in the caller's own name, or once for all who ask for that now.
task<onboarding::seen> api::first_look(exchange& x, request_scratch& mine, onboarding::session_id id,
                                       time::instant until) {
  const auto& account = parts_.accounts[mine.account->account_index];
  if (asks_again(x.head.fields)) {
    auto looking = account.waiting->look(mine.caller->index, id, until, mine.space.caller);
    const auto got = co_await std::move(looking);
    if (got) {
      mine.space.way.stages = got->stages;
      mine.space.way.answer.head.status = got->upstream_status;
      co_return got;
    }
    co_return std::make_shared<const onboarding::sighting>(onboarding::sighting{.failure = caller_left()});
  }
  onboarding::sighting one;
  auto reading = account.sessions->read(mine.caller->index, id, until, mine.space, one.body);
  auto done = co_await std::move(reading);
  if (done)
    one.facts = *done;
  else
    one.failure = std::move(done.error());
  co_return std::make_shared<const onboarding::sighting>(std::move(one));
}

void api::answer_with_seen(exchange& x, const onboarding::sighting& what, std::string_view none_match) {
  if (what.failure) return answer_with(x, *what.failure);
  const auto tag = entity_tag_of(what.body);
  const bool unchanged = names(none_match, tag);
  x.reply.status = unchanged ? 304 : 200;
  if (!unchanged) x.reply.body = what.body;
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "no-store");
  x.reply.add_line("ETag", tag);
}

void api::on_later(exchange& x, postponed& what) {
  const auto& wait = dynamic_cast<const session_wait&>(what);
  auto& mine = of(x);
  mine.rules = wait.rules;
  mine.caller = wait.caller;
  mine.account = wait.account;
  mine.where = {};
  mine.where.route = wait.route;
  mine.wait = wait.waited_for;
  mine.may_reuse = true;
  answer_with_seen(x, *wait.answer(), wait.none_match());
  add_preferences(x, mine);
  add_poll_interval(x.reply.lines, wait.interval());
  add_rate_limits(x, mine);
}

}  // namespace gateway::listener
