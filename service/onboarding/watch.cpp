#include "onboarding/watch.hpp"

namespace gateway::onboarding {

using transport::task;

// ---------------------------------------------------------------- a place

watch::place::place(watch_book& book, std::shared_ptr<watch> of, transport::loop& here, time::instant until)
    : book_{book}, of_{std::move(of)}, loop_{here}, until_{until} {
  const std::lock_guard lock{book_.mutex_};
  of_->places_.push_back(*this);
  ++book_.waiting_;
}

watch::place::~place() {
  const std::lock_guard lock{book_.mutex_};
  of_->places_.erase(of_->places_.iterator_to(*this));
  --book_.waiting_;
  if (of_->places_.empty() && of_->poke_) of_->poke_();
}

task<bool> watch::place::wait() {
  {
    const std::lock_guard lock{book_.mutex_};
    if (called_ || book_.draining_ || (of_->known_ && of_->known_->ended())) co_return true;
  }
  struct spot {
    spot(place& whose, transport::ready_list& list) noexcept : of{whose}, here{list} { of.parked_ = &here; }
    ~spot() { of.parked_ = nullptr; }
    spot(const spot&) = delete;
    spot& operator=(const spot&) = delete;
    place& of;
    transport::parking here;
  } parked{*this, loop_.ready()};
  co_await parked.here.wait(loop_.deadlines(), until_);
  co_return true;
}

// Under the lock.
void watch::place::call() {
  if (std::exchange(called_, true)) return;
  loop_.post([this, alive = std::weak_ptr{alive_}] {
    if (alive.lock() && parked_ != nullptr) parked_->wake_up();
  });
}

seen watch::place::answer() const {
  const std::lock_guard lock{book_.mutex_};
  if (told_) return told_;
  if (of_->known_) return of_->known_;
  if (of_->trouble_) return of_->trouble_;
  errors::failure f;
  f.id = book_.draining_ ? errors::problem::draining : errors::problem::upstream_timeout;
  f.detail = book_.draining_ ? "The gateway stops, and nothing is known of the session yet."
                             : "The time ended before the session could be read.";
  if (book_.draining_) f.retry_after = std::chrono::seconds{1};
  return std::make_shared<const sighting>(sighting{.failure = std::move(f)});
}

time::duration watch::place::interval() const {
  return book_.interval(*of_);
}

// ---------------------------------------------------------------- the book

void watch_book::adopt(poll_pace pace) {
  const std::lock_guard lock{mutex_};
  pace_ = pace;
}

std::shared_ptr<watch> watch_book::of(const session_id& id, time::instant now) {
  const std::lock_guard lock{mutex_};
  auto& found = watches_[id];
  if (!found) {
    found = std::make_shared<watch>(id, pace_, now);
    found->order_ = order_.insert(order_.end(), found);
    forget_some();
  } else {
    order_.splice(order_.end(), order_, found->order_);
  }
  return order_.back();
}

// The ones that were asked for last are kept, and those that somebody waits for.
void watch_book::forget_some() {
  for (auto at = order_.begin(); order_.size() > most_ && *at != order_.back();) {
    auto& one = **at;
    if (!one.places_.empty() || one.poke_) {
      ++at;
      continue;
    }
    watches_.erase(one.id);
    at = order_.erase(at);
  }
}

std::optional<time::duration> watch_book::interval(const session_id& id) const {
  const std::lock_guard lock{mutex_};
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second->places_.empty()) return std::nullopt;
  return found->second->plan.interval();
}

time::duration watch_book::interval(const watch& of) const {
  const std::lock_guard lock{mutex_};
  return of.plan.interval();
}

time::duration watch_book::spacing(const watch& of) const {
  const std::lock_guard lock{mutex_};
  return of.plan.spacing();
}

std::uint64_t watch_book::number(const watch& of) const {
  const std::lock_guard lock{mutex_};
  return of.number_;
}

bool watch_book::begin_polling(watch& of, std::function<void()> poke) {
  const std::lock_guard lock{mutex_};
  if (of.poke_ || draining_) return false;
  of.poke_ = std::move(poke);
  return true;
}

std::optional<time::instant> watch_book::next_poll(watch& of) {
  const std::lock_guard lock{mutex_};
  if (!draining_ && !of.places_.empty() && !(of.known_ && of.known_->ended())) return of.plan.due();
  of.poke_ = {};
  return std::nullopt;
}

void watch_book::stop_polling(watch& of) {
  const std::lock_guard lock{mutex_};
  of.poke_ = {};
}

void watch_book::tell_all(watch& of, const seen& what) {
  for (auto& one : of.places_) {
    if (!one.called_) one.told_ = what;
    one.call();
  }
}

void watch_book::saw(watch& of, seen what, time::instant now, time::duration age, std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  if (of.known_ && of.known_->ended()) return;  // that does not change any more
  of.known_ = std::move(what);
  of.trouble_ = nullptr;
  of.plan.seen(now, age);
  if (number != 0) of.number_ = number;
  if (of.known_->ended()) tell_all(of, of.known_);
  if (of.poke_) of.poke_();
}

bool watch_book::knows(const session_id& id) const {
  const std::lock_guard lock{mutex_};
  return watches_.contains(id);
}

void watch_book::saw(const session_id& id, const seen& what, time::instant now) {
  std::shared_ptr<watch> found;
  {
    const std::lock_guard lock{mutex_};
    if (const auto at = watches_.find(id); at != watches_.end()) found = at->second;
  }
  if (found) saw(*found, what, now);
}

void watch_book::failed(watch& of, seen why, time::instant now) {
  const std::lock_guard lock{mutex_};
  of.plan.failed(now);
  const bool gone = why->failure->id == errors::problem::not_found;
  if (gone) of.known_ = nullptr;
  // Who has something to be answered with goes on waiting.
  if (!of.known_) tell_all(of, why);
  if (of.poke_) of.poke_();
}

void watch_book::postponed(watch& of, seen why, time::instant again) {
  const std::lock_guard lock{mutex_};
  of.plan.postponed(again);
  if (why) of.trouble_ = std::move(why);
}

void watch_book::stirred(const session_id& id, time::instant now) {
  const std::lock_guard lock{mutex_};
  const auto found = watches_.find(id);
  if (found == watches_.end()) return;
  found->second->plan.stirred(now);
  if (found->second->poke_) found->second->poke_();
}

void watch_book::drain() {
  const std::lock_guard lock{mutex_};
  draining_ = true;
  for (const auto& one : order_)
    for (auto& place : one->places_) place.call();
}

std::size_t watch_book::waiting() const {
  const std::lock_guard lock{mutex_};
  return waiting_;
}

std::size_t watch_book::size() const {
  const std::lock_guard lock{mutex_};
  return watches_.size();
}

}  // namespace gateway::onboarding
