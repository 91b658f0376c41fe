#include "onboarding/keyed_creation.hpp"

#include "onboarding/sessions.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

// Longer than any request may take: whoever holds the key and does not come back has lost it.
constexpr auto lease = std::chrono::minutes{2};

failure outcome_unknown() {
  failure f;
  f.id = problem::upstream_error;
  f.effect = errors::effect::unknown;
  f.advice = errors::retry::operator_action;
  f.detail =
      "An earlier request with this key was sent to Podero, and what became of it is not known. A session may have "
      "been "
      "created; this key never creates another one. Look for it before you ask with a new key.";
  return f;
}

failure no_room(time::duration until_room) {
  failure f;
  f.id = problem::store_unavailable;
  f.detail = "There is no room for further idempotency keys, so nothing was sent.";
  f.decision = errors::decision{errors::guard::store, {}, "full", {}};
  f.retry_after = std::clamp(std::chrono::ceil<std::chrono::seconds>(until_room), std::chrono::seconds{1},
                             std::chrono::seconds{3600});
  return f;
}

}  // namespace

failure keyed_creation::other_body() {
  failure f;
  f.id = problem::idempotency_key_reused;
  f.detail = "This key was used before with another body.";
  f.faults.push_back({errors::fault::place::header, "Idempotency-Key", "reused", f.detail});
  return f;
}

task<> keyed_creation::run(std::shared_ptr<keyed_creation> self) {
  struct ending {
    keyed_creation& of;
    ~ending() {
      of.conclude({.failure = sessions::stopped(of.sent())});
      of.by_.parts_.shared.board.done(of.name(), &of);
    }
  } const whatever_happens{*self};
  auto working = self->work();
  auto end = co_await std::move(working);
  self->conclude(std::move(end));
}

task<keyed_end> keyed_creation::work() {
  auto& records = by_.parts_.shared.records;
  const auto now = by_.parts_.loop.now();
  auto claiming = records.claim_key(name(), digest_, now + lease);
  auto claimed = co_await std::move(claiming);
  keyed_end end;
  switch (claimed.is) {
    case store::claim::outcome::yours: {
      auto creating = create(claimed.token);
      end = co_await std::move(creating);
      break;
    }
    case store::claim::outcome::busy:
      end.failure = sessions::in_progress();
      break;
    case store::claim::outcome::done:
      end.status = claimed.answer.status;
      end.session = std::move(claimed.answer.session);
      end.body = std::move(claimed.answer.body);
      end.replayed = true;
      break;
    case store::claim::outcome::unknown:
      end.failure = outcome_unknown();
      break;
    case store::claim::outcome::other_body:
      end.failure = other_body();
      break;
    case store::claim::outcome::full:
      end.failure = no_room(claimed.room_at - now);
      break;
  }
  co_return end;
}

task<keyed_end> keyed_creation::create(std::uint64_t token) {
  auto& records = by_.parts_.shared.records;
  keyed_end end;
  sessions::way_taken way{.token = token, .takes = [this](const auto& one) { takes(one); }, .who = &everybody_left_};
  auto obtaining = by_.obtain(order_, way, by_.parts_.loop.now() + std::chrono::hours{24}, end.body);
  auto got = co_await std::move(obtaining);
  end.stages = got.stages;
  end.upstream_status = got.upstream_status;
  if (!got.failure) {
    end.status = got.status;
    end.session = got.id.view();
    store::kept_answer kept{end.status, end.session, end.body};
    auto finishing = records.finished(name(), token, std::move(kept));
    co_await std::move(finishing);
  } else if (got.failure->effect == errors::effect::none) {
    end.given_up = everybody_left_.happened();
    end.failure = std::move(got.failure);
    auto releasing = records.released(name(), token);
    co_await std::move(releasing);
  } else {
    end.failure = std::move(got.failure);
    auto losing = records.lost(name(), token);
    co_await std::move(losing);
  }
  co_return end;
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
