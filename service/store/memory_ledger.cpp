#include "store/memory_ledger.hpp"

#include <algorithm>

namespace gateway::store {

time::duration stretch_of(const window& of, const resource& in) noexcept {
  return std::min(in.stretch, of.per / 20);
}

memory_ledger::memory_ledger(ledger_rules rules)
    : rules_{std::move(rules)},
      paces_(rules_.longest_pause.begin(), rules_.longest_pause.end()),
      slots_{rules_.slots, rules_.slot_ttl} {
  histories_.reserve(rules_.resources.size());
  for (const auto& one : rules_.resources) {
    std::size_t largest = 0;
    for (const auto& window : one.windows) largest = std::max<std::size_t>(largest, window.rate);
    histories_.emplace_back(largest);
  }
}

template <typename What>
void memory_ledger::each(const use& of, const What& what) {
  for (const auto resource : of.requests) what(histories_[resource]);
  for (const auto resource : of.creations) what(histories_[resource]);
}

opening memory_ledger::drawable(const use& of, time::instant now) {
  opening latest;
  const auto ask = [&](std::uint32_t number) {
    const auto& rules = rules_.resources[number];
    const auto& past = histories_[number];
    const auto out = past.outstanding();
    // An outstanding permit counts as if it were sent now.
    const auto newest = [&](std::size_t n) -> std::optional<time::instant> {
      if (n <= out) return now;
      return n - out > past.remembered() ? std::nullopt : std::optional{past.newest(n - out)};
    };
    open_windows(rules, number, rules.paced ? &paces_[*rules.paced] : nullptr, now, newest, latest);
  };
  for (const auto resource : of.requests) ask(resource);
  for (const auto resource : of.creations) ask(resource);
  if (const auto until = paces_[of.account].paused_until(); until > now && until > latest.at)
    latest = {until, {binding::by::pause, 0, 0}};
  if (of.slot) {
    if (const auto free = slots(now).next_free(now); free > now && free > latest.at)
      latest = {free, {binding::by::slots, 0, 0}};
  }
  if (of.most_slots) {
    const auto& book = slots(now);
    const auto at = book.next_below(*of.most_slots, of.caller, of.account, now);
    if (at > now && at > latest.at) latest = {at, {binding::by::own_slots, 0, 0}};
  }
  return latest;
}

drawing memory_ledger::draw(const use& of, time::instant now) {
  each(of, [](history& one) { one.draw(); });
  drawing made;
  if (of.slot) made.slot = slots_.take(of.caller, of.account, now);
  return made;
}

void memory_ledger::sent(const use& of, const drawing&, time::instant at) {
  each(of, [at](history& one) { one.sent(at); });
}

void memory_ledger::sent_again(const use& of, const drawing&, time::instant at) {
  each(of, [at](history& one) {
    one.draw();
    one.sent(at);
  });
}

void memory_ledger::give_back(const use& of, const drawing& what, time::instant) {
  each(of, [](history& one) { one.give_back(); });
  if (what.slot != 0) slots_.free(what.slot);
}

void memory_ledger::forget(const use& of, const drawing& what, time::instant at) {
  for (const auto resource : of.creations) histories_[resource].forget(at);
  if (what.slot != 0) slots_.free(what.slot);
}

void memory_ledger::pause(std::size_t account, time::instant until, time::instant now) {
  paces_[account].pause(until, now);
}

void memory_ledger::resume(std::size_t account, time::instant now) {
  paces_[account].resume(now);
}

const slot_book& memory_ledger::slots(time::instant now) {
  slots_.expire(now);
  return slots_;
}

bool memory_ledger::share(std::string_view session, std::size_t caller, time::instant now) {
  slots_.expire(now);
  return slots_.share(session, caller);
}

bool memory_ledger::give_back_slot(std::string_view session, std::size_t caller, time::instant now) {
  slots_.expire(now);
  return slots_.give_back(session, caller);
}

bool memory_ledger::free_slot(std::string_view session, time::instant now) {
  slots_.expire(now);
  return slots_.free(session);
}

bool memory_ledger::free_slot(std::uint64_t slot, time::instant now) {
  slots_.expire(now);
  return slots_.free(slot);
}

}  // namespace gateway::store
