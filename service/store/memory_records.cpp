#include "store/memory_records.hpp"

#include <algorithm>

#include "foundation/transport/parking.hpp"

namespace gateway::store {

using transport::task;

namespace {

// What a key that is under way may come to need for its answer.
constexpr std::size_t room_for_an_answer = 4096;

}  // namespace

std::size_t memory_records::size_of(const key_name& name, const record& of) noexcept {
  const auto answer = of.answer.body.size() + of.answer.session.size();
  return sizeof(record) + 2 * name.key.size() +
         (of.state == key_state::done ? answer : std::max(answer, room_for_an_answer));
}

void memory_records::forget(by_key::iterator which) {
  bytes_ -= size_of(which->first, which->second);
  ages_.erase(which->second.age);
  keys_.erase(which);
}

void memory_records::forget_old(time::instant now) {
  while (!ages_.empty()) {
    const auto oldest = keys_.find(ages_.front());
    if (oldest->second.expires > now) return;
    forget(oldest);
  }
}

claim memory_records::made(const key_name& name, const digest& of, time::instant lease_until, time::instant now) {
  record fresh;
  if (keys_.size() >= bounds_.keys || bytes_ + size_of(name, fresh) > bounds_.bytes) {
    const auto oldest = ages_.empty() ? now : keys_.find(ages_.front())->second.expires;
    return {.is = claim::outcome::full, .room_at = oldest};
  }
  fresh.state = next(key_state::none, key_event::claim).to;
  fresh.of = of;
  fresh.token = ++last_token_;
  fresh.lease_until = lease_until;
  fresh.expires = now + bounds_.retention;
  fresh.age = ages_.insert(ages_.end(), name);
  bytes_ += size_of(name, fresh);
  const auto token = fresh.token;
  keys_.emplace(name, std::move(fresh));
  return {.is = claim::outcome::yours, .token = token};
}

claim memory_records::claim_now(const key_name& name, const digest& of, time::instant lease_until) {
  const auto now = clock_.now();
  forget_old(now);
  const auto found = keys_.find(name);
  if (found == keys_.end()) return made(name, of, lease_until, now);
  auto& known = found->second;
  const auto step = next(known.state, now < known.lease_until ? key_event::claim : key_event::overdue);
  // A claim that nobody followed up had no effect: as if it had not been.
  if (step.allowed) {
    forget(found);
    return made(name, of, lease_until, now);
  }
  if (known.of != of) return {.is = claim::outcome::other_body};
  known.state = step.to;
  if (known.state == key_state::done) return {.is = claim::outcome::done, .answer = known.answer};
  if (known.state == key_state::unknown) return {.is = claim::outcome::unknown};
  return {.is = claim::outcome::busy, .sent = known.state == key_state::sent};
}

std::optional<kept_answer> memory_records::kept_here(const key_name& name, const digest& of) {
  const std::lock_guard lock{mutex_};
  forget_old(clock_.now());
  const auto found = keys_.find(name);
  if (found == keys_.end() || found->second.state != key_state::done || found->second.of != of) return std::nullopt;
  return found->second.answer;
}

said memory_records::apply(const hold& by, key_event what, time::instant lease_until, kept_answer* answer) {
  const std::lock_guard lock{mutex_};
  const auto found = keys_.find(by.name);
  // Nothing is lost here but by its age.
  if (found == keys_.end() || found->second.token != by.token) return said::no;
  auto& known = found->second;
  const auto step = next(known.state, what);
  if (!step.allowed) return said::no;
  if (step.to == key_state::none) {
    forget(found);
    return said::yes;
  }
  bytes_ -= size_of(by.name, known);
  known.state = step.to;
  if (lease_until != time::instant{}) known.lease_until = lease_until;
  if (answer != nullptr) known.answer = std::move(*answer);
  bytes_ += size_of(by.name, known);
  return said::yes;
}

task<claim> memory_records::claim_key(key_name name, digest of, time::instant lease_until,
                                      std::shared_ptr<asking> /*by*/) {
  const std::lock_guard lock{mutex_};
  co_return claim_now(name, of, lease_until);
}

task<said> memory_records::renewed(hold what, time::instant lease_until) {
  co_return apply(what, key_event::renew, lease_until, nullptr);
}

task<said> memory_records::sending(hold what, time::instant lease_until) {
  co_return apply(what, key_event::send, lease_until, nullptr);
}

task<said> memory_records::taken_back(hold what) {
  co_return apply(what, key_event::take_back, {}, nullptr);
}

task<said> memory_records::finished(hold what, kept_answer answer) {
  co_return apply(what, key_event::finish, {}, &answer);
}

task<said> memory_records::lost(hold what) {
  co_return apply(what, key_event::lose, {}, nullptr);
}

task<said> memory_records::released(hold what) {
  co_return apply(what, key_event::release, {}, nullptr);
}

// Who creates with a key here is found on the board; only one whose loop is gone leaves a key busy.
task<> memory_records::changed(transport::loop& here, key_name /*name*/, time::instant until) {
  transport::parking place{here.ready()};
  co_await place.wait(here.deadlines(), until);
}

task<std::optional<live_session>> memory_records::live(live_name name, std::shared_ptr<asking> /*by*/) {
  const std::lock_guard lock{mutex_};
  const auto found = live_.find(name);
  if (found == live_.end()) co_return std::nullopt;
  if (found->second.until <= clock_.now()) {
    live_.erase(found);
    co_return std::nullopt;
  }
  co_return found->second.what;
}

task<> memory_records::keep_live(live_name name, live_session what, time::instant until,
                                 std::shared_ptr<asking> /*by*/) {
  const std::lock_guard lock{mutex_};
  if (live_.size() >= bounds_.live_sessions) {
    const auto now = clock_.now();
    std::erase_if(live_, [now](const auto& one) { return one.second.until <= now; });
  }
  // Without room the next equal request makes a session of its own.
  if (live_.size() < bounds_.live_sessions) live_.insert_or_assign(name, kept_live{std::move(what), until});
  co_return;
}

task<> memory_records::end_live(std::string session) {
  const std::lock_guard lock{mutex_};
  std::erase_if(live_, [&](const auto& one) { return one.second.what.session == session; });
  co_return;
}

std::size_t memory_records::keys() const {
  const std::lock_guard lock{mutex_};
  return keys_.size();
}

}  // namespace gateway::store
