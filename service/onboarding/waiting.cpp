#include "onboarding/waiting.hpp"

namespace gateway::onboarding {

using transport::task;

namespace {

// A poll that nobody waits for any longer than this is of no use; the limits have let it go by then, or never.
constexpr auto poll_patience = std::chrono::seconds{10};
// Where it is not the windows that leave no room but what waits before them.
constexpr auto shortest_rest = std::chrono::milliseconds{50};
constexpr std::size_t most_spare = 8;

seen seen_of(std::expected<session_facts, errors::failure>& what, std::string& body, const dispatch::workspace& way) {
  sighting made{.stages = way.stages, .upstream_status = way.answer.head.status};
  if (what) {
    made.body = std::move(body);
    made.facts = *what;
  } else {
    made.failure = std::move(what.error());
  }
  return std::make_shared<const sighting>(std::move(made));
}

seen stopped() {
  errors::failure f;
  f.id = errors::problem::draining;
  f.detail = "The gateway stops.";
  f.retry_after = std::chrono::seconds{1};
  return std::make_shared<const sighting>(sighting{.failure = std::move(f)});
}

}  // namespace

// ---------------------------------------------------------------- right now

task<seen> waiting::look_alone(session_id id, dispatch::call_control& control, transport::departure& everybody) {
  auto space = take_space();
  std::string body;
  auto looking = parts_.sessions.look(id, {.control = &control, .caller = &everybody, .yields = false}, *space, body);
  auto got = co_await std::move(looking);
  auto what = seen_of(got, body, space->way);
  give_back(std::move(space));
  if (!what->failure) {
    parts_.watches.saw(id, what, parts_.loop.now());
    parts_.watches.stirred(id, parts_.loop.now());
  }
  co_return what;
}

task<seen> waiting::look(std::size_t caller, session_id id, time::instant deadline, transport::departure* who) {
  if (auto mine = parts_.sessions.check_owner(caller, id); !mine)
    co_return std::make_shared<const sighting>(sighting{.failure = std::move(mine.error())});
  const auto of = parts_.watches.of(id, parts_.loop.now());
  for (;;) {
    auto [under_way, fresh] = parts_.watches.look(*of, [&] {
      return std::make_shared<joint_look>(
          parts_.loop, deadline, caller,
          [this, id](auto& control, auto& everybody) { return look_alone(id, control, everybody); }, stopped());
    });
    if (fresh)
      parts_.loop.spawn(joint_look::run(under_way));
    else
      under_way->join(deadline, caller);
    auto coming = under_way->outcome(parts_.loop, deadline, who);
    const auto got = co_await std::move(coming);
    if (who != nullptr && who->happened()) co_return nullptr;
    if (!got && under_way->given_up() && parts_.loop.now() < deadline) continue;
    if (got) co_return *got;
    errors::failure f;
    f.id = errors::problem::upstream_timeout;
    f.detail = "The request's time ended before there was an answer.";
    co_return std::make_shared<const sighting>(sighting{.failure = std::move(f)});
  }
}

// ---------------------------------------------------------------- for those who wait

std::expected<std::unique_ptr<watch::place>, errors::failure> waiting::enter(std::size_t caller, const session_id& id,
                                                                             time::instant until) {
  if (auto mine = parts_.sessions.check_owner(caller, id); !mine) return std::unexpected{std::move(mine.error())};
  auto of = parts_.watches.of(id, parts_.loop.now());
  auto place = std::make_unique<watch::place>(parts_.watches, of, parts_.loop, until);
  auto poked = std::make_shared<transport::departure>();
  const bool mine_to_do = parts_.watches.begin_polling(*of, [&loop = parts_.loop, weak = std::weak_ptr{poked}] {
    loop.post([&loop, weak] {
      if (const auto whom = weak.lock()) whom->happen(loop.ready());
    });
  });
  if (mine_to_do) parts_.loop.spawn(run(std::move(of), std::move(poked)));
  return place;
}

// Polls for one session as long as anybody waits for it, on the loop of whoever came first.
task<> waiting::run(std::shared_ptr<watch> of, std::shared_ptr<transport::departure> poked) {
  struct ending {
    watch_book& book;
    watch& of;
    bool over = false;
    ~ending() {
      if (!over) book.stop_polling(of);
    }
  } end{parts_.watches, *of};
  for (;;) {
    const auto due = parts_.watches.next_poll(*of);
    if (!due) {
      end.over = true;
      co_return;
    }
    poked->reset();
    if (const auto at = std::max(*due, not_before_); at > parts_.loop.now()) {
      auto resting = rest(*of, at, poked);
      const bool told = co_await std::move(resting);
      if (!told) continue;
    }
    auto polling = poll(of);
    co_await std::move(polling);
  }
}

// True: it is time, or another replica has something to say. False: things have changed here.
task<bool> waiting::rest(const watch& of, time::instant until, std::shared_ptr<transport::departure> poked) {
  struct nap {
    static task<bool> take(transport::loop& loop, time::instant until) {
      transport::parking place{loop.ready()};
      co_await place.wait(loop.deadlines(), until);
      co_return true;
    }
  };
  auto sleeping = parts_.shared != nullptr ? parts_.shared->changed(std::string{of.id.view()}, until)
                                           : nap::take(parts_.loop, until);
  const auto slept = co_await transport::unless_gone(std::move(sleeping), poked.get());
  co_return slept.has_value();
}

task<> waiting::poll(std::shared_ptr<watch> of) {
  auto entering = turnstile_.enter();
  const auto inside = co_await std::move(entering);
  // While it stood in line everybody may have gone, or somebody else may have found out.
  if (parts_.loop.now() < not_before_) co_return;
  if (parts_.shared == nullptr) {
    auto asking = ask_podero(*of, 0);
    co_await std::move(asking);
    co_return;
  }
  // A little less than the pace: no two clocks tell the same time.
  const auto apart = parts_.watches.spacing(*of) * 9 / 10;
  auto beginning = parts_.shared->begin(std::string{of->id.view()}, parts_.watches.number(*of), apart);
  const auto turn = co_await std::move(beginning);
  switch (turn.is) {
    case store::poll_turn::outcome::found:
      found(*of, turn);
      break;
    case store::poll_turn::outcome::later:
      parts_.watches.postponed(*of, nullptr, turn.again);
      break;
    case store::poll_turn::outcome::yours:
    case store::poll_turn::outcome::away: {
      auto asking = ask_podero(*of, turn.number);
      co_await std::move(asking);
      break;
    }
  }
}

void waiting::found(watch& of, const store::poll_turn& what) {
  auto space = take_space();
  std::string body;
  auto facts = parts_.sessions.learn(of.id, what.upstream_body, *space, body);
  give_back(std::move(space));
  const auto now = parts_.loop.now();
  if (facts)
    parts_.watches.saw(of, std::make_shared<const sighting>(sighting{.body = std::move(body), .facts = *facts}), now,
                       what.age, what.number);
  else
    parts_.watches.postponed(of, nullptr, now + parts_.watches.interval(of));
}

// `turn`: of this replica, to be ended; 0: it has none.
task<> waiting::ask_podero(watch& of, std::uint64_t turn) {
  auto space = take_space();
  dispatch::call_control patience{parts_.loop.now() + poll_patience, 0};
  std::string body;
  auto looking = parts_.sessions.look(of.id, {.control = &patience, .caller = nullptr, .yields = true}, *space, body);
  auto got = co_await std::move(looking);
  const auto now = parts_.loop.now();
  const auto refused_until = space->way.admitted_at;
  const bool usable = got.has_value();
  const auto what = seen_of(got, body, space->way);
  if (parts_.shared != nullptr && turn != 0) {
    std::optional<std::string> upstream_body;
    if (usable) upstream_body = space->way.answer.body;
    auto ending = parts_.shared->ended(std::string{of.id.view()}, turn, std::move(upstream_body));
    co_await std::move(ending);
  }
  give_back(std::move(space));
  if (usable)
    parts_.watches.saw(of, what, now, time::duration::zero(), turn);
  else if (refused_until)
    parts_.watches.postponed(of, what, not_before_ = std::max({not_before_, *refused_until, now + shortest_rest}));
  else
    parts_.watches.failed(of, what, now);
}

std::unique_ptr<workspace> waiting::take_space() {
  if (spare_.empty()) return std::make_unique<workspace>();
  auto one = std::move(spare_.back());
  spare_.pop_back();
  return one;
}

void waiting::give_back(std::unique_ptr<workspace> space) {
  space->way.stages = {};
  if (spare_.size() < most_spare) spare_.push_back(std::move(space));
}

}  // namespace gateway::onboarding
