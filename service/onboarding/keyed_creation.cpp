#include "onboarding/keyed_creation.hpp"

#include "onboarding/claim_lease.hpp"
#include "onboarding/creation_failures.hpp"
#include "onboarding/key_failures.hpp"
#include "onboarding/key_lookup.hpp"
#include "onboarding/sessions.hpp"

namespace gateway::onboarding {

using transport::made;
using transport::task;

task<> keyed_creation::run(std::shared_ptr<keyed_creation> self) {
  struct ending {
    explicit ending(keyed_creation& which) : of{which} { ++of.by_.parts_.shared.under_way; }
    ending(const ending&) = delete;
    ending& operator=(const ending&) = delete;
    keyed_creation& of;
    ~ending() {
      of.conclude({.failure = stopped(of.sent())});
      of.by_.parts_.shared.board.done(of.name(), &of);
      --of.by_.parts_.shared.under_way;
    }
  } const whatever_happens{*self};
  auto working = self->work();
  auto& end = co_await working;
  self->by_.parts_.observer.waited_for_store(self->asking_->spent());
  self->conclude(std::move(end));
}

// Another replica may be at it; those who come later may have more time.
task<keyed_end> keyed_creation::work() {
  auto& loop = by_.parts_.loop;
  auto claiming = claim_when_free(
      loop, by_.parts_.records, name(), digest_, [this] { return latest(); }, everybody_left_, sent_elsewhere_);
  auto& got = co_await claiming;
  asking_ = std::move(got.by);
  if (got.key.is == store::claim::outcome::busy)
    co_return made{[&] { return keyed_end{.failure = in_progress(got.key.sent), .given_up = true}; }};
  if (got.key.is != store::claim::outcome::yours) co_return made{[&] { return told(std::move(got.key), loop.now()); }};
  ours_ = true;
  auto creating = create(got.key.token);
  auto& end = co_await creating;
  co_return std::move(end);
}

// What there is to say without creating anything.
keyed_end keyed_creation::told(store::claim what, time::instant now) {
  if (what.is != store::claim::outcome::done) return {.failure = refusal_of(what, now)};
  return {.status = what.answer.status,
          .session = std::move(what.answer.session),
          .body = std::move(what.answer.body),
          .replayed = true};
}

task<keyed_end> keyed_creation::create(std::uint64_t token) {
  const store::hold mine{.name = name(), .of = digest_, .token = token, .by = asking_};
  order_.asking = asking_;
  // Whoever came first may have waited for another replica until its time was over.
  order_.deadline = latest();
  keyed_end end;
  sessions::obtained got;
  {
    const claim_lease kept{by_.parts_.loop, by_.parts_.records, mine};
    sessions::way_taken way{.key = mine, .takes = [this](const auto& one) { takes(one); }, .who = &everybody_left_};
    auto obtaining = by_.obtain(order_, way, by_.parts_.loop.now() + std::chrono::hours{24}, end.body);
    got = co_await std::move(obtaining);
  }
  end.stages = got.stages;
  end.upstream_status = got.upstream_status;
  end.failure = std::move(got.failure);
  end.status = got.status;
  if (!end.failure) end.session = got.id.view();
  co_await record(mine, end);
  co_return std::move(end);
}

// After the fact: where the store is away it goes on trying by itself, and the answer is given all the same.
task<> keyed_creation::record(store::hold mine, keyed_end& end) {
  auto& records = by_.parts_.records;
  if (!end.failure) {
    store::kept_answer kept{end.status, end.session, end.body};
    auto finishing = records.finished(std::move(mine), std::move(kept));
    co_await std::move(finishing);
  } else if (end.failure->effect == errors::effect::none) {
    end.given_up = everybody_left_.happened();
    auto releasing = records.released(std::move(mine));
    co_await std::move(releasing);
  } else {
    auto losing = records.lost(std::move(mine));
    co_await std::move(losing);
  }
}

time::instant keyed_creation::latest() const {
  const std::lock_guard lock{way_mutex_};
  return deadline_;
}

void keyed_creation::takes(const std::shared_ptr<flight>& what) {
  const std::lock_guard lock{way_mutex_};
  flight_ = what;
  if (deadline_ > order_.deadline) what->join(deadline_, order_.caller);
}

void keyed_creation::join(time::instant deadline, std::size_t caller) {
  const std::lock_guard lock{way_mutex_};
  deadline_ = std::max(deadline_, deadline);
  if (flight_) flight_->join(deadline, caller);
}

bool keyed_creation::sent() const {
  const std::lock_guard lock{way_mutex_};
  return flight_ && flight_->sent();
}

void keyed_creation::deserted() {
  by_.parts_.loop.post([weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<keyed_creation>(weak.lock());
    if (!self || self->look() || self->sent() || !self->empty()) return;
    self->everybody_left_.happen(self->by_.parts_.loop.ready());
  });
}

}  // namespace gateway::onboarding
