#include "onboarding/flight.hpp"

#include <algorithm>

#include "onboarding/creation_failures.hpp"
#include "onboarding/key_failures.hpp"

namespace gateway::onboarding {

using errors::failure;
using transport::task;

task<> flight::run(std::shared_ptr<flight> self) {
  // Wherever it ends, also where its loop is abandoned, everybody hears of it.
  struct ending {
    explicit ending(flight& which) : of{which} { ++of.parts_.under_way; }
    ending(const ending&) = delete;
    ending& operator=(const ending&) = delete;
    flight& of;
    ~ending() {
      of.conclude({.failure = stopped(of.sent())});
      of.parts_.ended(&of);
      --of.parts_.under_way;
    }
  } const whatever_happens{*self};
  auto flying = self->fly();
  co_await std::move(flying);
}

task<> flight::fly() {
  dispatch::call call;
  call.what = dispatch::operation::create_session;
  call.body = body_;
  call.control = &control_;
  call.watch = this;
  call.caller = &everybody_left_;
  auto sending = parts_.way.send(call, space_);
  auto& done = co_await sending;
  landing end;
  if (done) {
    end = parts_.arrive(space_);
  } else {
    end.failure = std::move(done.error());
  }
  end.stages = space_.stages;
  end.upstream_status = space_.answer.head.status;
  if (!end.failure || end.failure->effect != errors::effect::none) {
    auto keeping = parts_.keep(end, space_.slot);
    co_await std::move(keeping);
  }
  conclude(std::move(end));
}

void flight::join(time::instant deadline, std::size_t caller) {
  parts_.home.post([weak = weak_from_this(), deadline, caller] {
    const auto self = std::static_pointer_cast<flight>(weak.lock());
    if (self && !self->look()) self->control_.extend(deadline, caller);
  });
}

bool flight::mark_when_sent(const store::hold& key) {
  const std::lock_guard lock{marks_mutex_};
  if (marking_over_) return false;
  marks_.push_back(key);
  return true;
}

void flight::marked(const store::hold& key) {
  const std::lock_guard lock{marks_mutex_};
  marks_.insert(marks_.begin() + static_cast<std::ptrdiff_t>(marked_), key);
  ++marked_;
}

bool flight::forget_mark(const store::key_name& name) {
  const std::lock_guard lock{marks_mutex_};
  const auto found = std::ranges::find(marks_, name, &store::hold::name);
  if (found == marks_.end() || static_cast<std::size_t>(found - marks_.begin()) < marked_) return false;
  marks_.erase(found);
  return true;
}

std::optional<store::said> flight::unmarked(const store::key_name& name) const {
  const std::lock_guard lock{marks_mutex_};
  const auto found = std::ranges::find(unmarked_, name, &std::pair<store::key_name, store::said>::first);
  return found == unmarked_.end() ? std::nullopt : std::optional{found->second};
}

// The records to be told now; none: all have been.
std::vector<store::hold> flight::next_marks() {
  const std::lock_guard lock{marks_mutex_};
  std::vector<store::hold> next{marks_.begin() + static_cast<std::ptrdiff_t>(marked_), marks_.end()};
  marked_ = marks_.size();
  marking_over_ = next.empty();
  return next;
}

// Whoever holds that key releases it, also where it is not known whether it says `sent`. False: nobody else wants it.
bool flight::goes_on_without(const store::hold& key, store::said why) {
  const std::lock_guard lock{marks_mutex_};
  std::erase_if(marks_, [&](const store::hold& one) { return one.name == key.name; });
  --marked_;
  unmarked_.emplace_back(key.name, why);
  return waiting() > unmarked_.size();
}

task<std::optional<failure>> flight::about_to_send() {
  for (;;) {
    auto next = next_marks();
    if (next.empty()) break;
    auto saying = say_sent(std::move(next));
    const auto why_not = co_await std::move(saying);
    if (why_not) co_return not_recorded(*why_not);
  }
  sent_.store(true, std::memory_order_release);
  // From here on it ends by itself, whoever waits.
  control_.extend(parts_.home.now() + parts_.background, control_.caller());
  co_return std::nullopt;
}

namespace {

// Records that are being told at the same time, so that a thousand cost no more time than one.
struct marking {
  std::vector<store::said> answers;
  std::size_t outstanding = 0;
  transport::parking* waiter = nullptr;
};

task<> mark(store::records& records, store::hold key, time::instant lease_until, std::shared_ptr<marking> of,
            std::size_t which) {
  auto saying = records.sending(std::move(key), lease_until);
  of->answers[which] = co_await std::move(saying);
  if (--of->outstanding == 0 && of->waiter != nullptr) of->waiter->wake_up();
}

}  // namespace

// Why nothing may be sent; nothing: somebody's key says `sent`, or somebody waits who has none.
task<std::optional<store::said>> flight::say_sent(std::vector<store::hold> keys) {
  // They wait for each other, and nobody longer than its patience.
  for (const auto& key : keys) asked_->at_least(key.by->spent());
  for (const auto& key : keys) key.by->at_least(asked_->spent());
  const auto all = std::make_shared<marking>();
  all->answers.assign(keys.size(), store::said::away);
  all->outstanding = keys.size();
  const auto lease = sent_lease(parts_.home.now());
  for (std::size_t i = 0; i < keys.size(); ++i) parts_.home.spawn(mark(parts_.records, keys[i], lease, all, i));
  if (all->outstanding > 0) {
    transport::parking place{parts_.home.ready()};
    struct departure {
      marking& of;
      ~departure() { of.waiter = nullptr; }
    } const on_leaving{*all};
    all->waiter = &place;
    co_await place.wait(parts_.home.deadlines(), time::instant::max());
  }
  std::optional<store::said> why_not;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    asked_->at_least(keys[i].by->spent());
    const auto answer = all->answers[i];
    if (answer != store::said::yes && !goes_on_without(keys[i], answer)) why_not = answer;
  }
  co_return why_not;
}

void flight::had_no_effect() {
  sent_.store(false, std::memory_order_release);
  std::vector<store::hold> back;
  {
    const std::lock_guard lock{marks_mutex_};
    marking_over_ = false;
    back.assign(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(marked_));
    marked_ = 0;
  }
  for (const auto& one : back) {
    parts_.home.spawn([](store::records& records, store::hold what) -> task<> {
      auto taking = records.taken_back(std::move(what));
      co_await std::move(taking);
    }(parts_.records, one));
  }
}

void flight::deserted() {
  if (sent()) return;
  parts_.home.post([weak = weak_from_this()] {
    const auto self = std::static_pointer_cast<flight>(weak.lock());
    // Somebody may have come since.
    if (!self || self->look() || self->sent() || !self->empty()) return;
    self->given_up_.store(true, std::memory_order_release);
    self->everybody_left_.happen(self->parts_.home.ready());
  });
}

}  // namespace gateway::onboarding
