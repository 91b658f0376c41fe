#include "limiter/refusals.hpp"

#include <algorithm>

namespace gateway::limiter {

namespace {

using by = store::binding::by;

std::string age(time::duration of) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(of).count();
  return seconds < 120 ? std::to_string(seconds) + " s" : std::to_string(seconds / 60) + " min";
}

std::string wait(std::size_t waiting) {
  return waiting == 0 ? "" : ", " + std::to_string(waiting) + (waiting == 1 ? " waits" : " wait");
}

// "1 of 1 used", in one piece of memory.
std::string part_of(std::size_t some, std::size_t all, std::string_view how) {
  std::string text;
  text.reserve(64);
  text += std::to_string(some);
  text += " of ";
  text += std::to_string(all);
  text += how;
  return text;
}

}  // namespace

refusals::refusals(const domain_rules& rules, store::ledger& of)
    : rules_{rules}, ledger_{of}, numbers_{rules.accounts.size(), rules.callers.size()} {
  rename();
}

void refusals::rename() {
  shown_.clear();
  const auto& all = ledger_.rules().resources;
  for (std::uint32_t r = 0; r < all.size(); ++r) {
    auto& of = shown_.emplace_back();
    const bool own = numbers_.owner_of(r) == resources::owner::caller;
    for (const auto& one : all[r].windows)
      of.push_back({*known_names_.insert(name_of(one, resources::what_of(r), own)).first});
  }
}

refusals::source refusals::source_of(std::uint32_t resource) const {
  const auto& rules = ledger_.rules().resources[resource];
  return {rules, ledger_.known(resource), rules.paced ? &ledger_.pace_of(*rules.paced) : nullptr};
}

refusals::fill refusals::fill_of(const source& from, const window& one, const shown& as, time::instant now) {
  const auto& past = from.past;
  const auto* const pace = from.pace;
  const auto stretch = stretch_of(one, from.rules);
  const auto left = [&](time::instant stamp) {
    return pace != nullptr ? pace->left(stamp, one.per, stretch, now) : std::max(now, stamp + one.per + stretch);
  };
  const auto factor = pace != nullptr ? pace->slow_down(now) : 1.0;
  const auto length = time::duration{static_cast<time::duration::rep>(static_cast<double>(one.per.count()) * factor)};
  const auto out = past.outstanding();
  const auto sent = std::min<std::size_t>(past.since(now - length - stretch, as.lately), one.rate);
  fill full{.used = std::min<std::size_t>(sent + out, one.rate), .next = now, .restored = now};
  if (full.used != 0) full.restored = left(sent == 0 ? now : past.newest(sent));
  if (full.used == one.rate) full.next = left(one.rate <= out ? now : past.newest(one.rate - out));
  return full;
}

void refusals::resource(std::uint32_t number, const lanes& active, time::instant now,
                        std::vector<window_state>& into) const {
  const auto from = source_of(number);
  if (from.rules.windows.empty()) return;
  std::size_t waiting = 0;
  for (const auto& of : active) {
    const auto& draws = of.draws;
    if (std::ranges::count(draws.requests, number) + std::ranges::count(draws.creations, number) != 0)
      waiting += of.waiters.size();
  }
  const auto own = numbers_.owner_of(number) == resources::owner::caller;
  for (std::size_t i = 0; i < from.rules.windows.size(); ++i) {
    const auto& one = from.rules.windows[i];
    const auto& as = shown_[number][i];
    const auto full = fill_of(from, one, as, now);
    into.push_back(
        {.name = as.name,
         .guard = own ? errors::guard::caller : errors::guard::window,
         .rate = one.rate,
         .per = one.per,
         .remaining = static_cast<std::uint32_t>(one.rate - std::min<std::size_t>(one.rate, full.used + waiting)),
         .next = full.next,
         .restored = full.restored});
  }
}

void refusals::windows(const store::use& of, const lanes& active, time::instant now,
                       std::vector<window_state>& into) const {
  for (const auto number : of.requests) resource(number, active, now, into);
  for (const auto number : of.creations) resource(number, active, now, into);
}

refusal refusals::of_turn(const lane& of, const store::binding& why, std::size_t waiting, time::instant now) const {
  refusal made;
  switch (why.what) {
    case by::pause:
      made.guard = errors::guard::pause;
      made.state = "paused" + wait(waiting);
      return made;
    case by::slots:
      made.guard = errors::guard::slot;
      made.limit = "open-sessions";
      made.state = slots_state(now);
      return made;
    case by::own_slots: {
      const auto held = ledger_.slots(now).held_by(of.caller, of.account);
      made.guard = errors::guard::slot;
      made.limit = "caller-open-sessions";
      made.own = true;
      made.state = part_of(held, of.own.most_slots.value_or(0), " held");
      return made;
    }
    case by::window: {
      const auto own = numbers_.owner_of(why.resource) == resources::owner::caller;
      const auto& one = ledger_.rules().resources[why.resource].windows[why.window];
      made.guard = own ? errors::guard::caller : errors::guard::window;
      made.own = own;
      const auto& as = shown_[why.resource][why.window];
      made.limit = as.name;
      made.state = part_of(fill_of(source_of(why.resource), one, as, now).used, one.rate, " used") + wait(waiting);
      return made;
    }
    case by::store:
      made.guard = errors::guard::store;
      made.state = "the shared store does not answer in time" + wait(waiting);
      return made;
    case by::nothing:
      break;
  }
  // Nothing keeps it back but those before it.
  made.guard = errors::guard::queue;
  made.state = queue_state(of.account, waiting);
  return made;
}

std::string refusals::queue_state(std::size_t account, std::size_t waiting) const {
  return part_of(waiting, rules_.accounts[account].queue_length, " wait");
}

std::string refusals::slots_state(time::instant now) const {
  const auto& book = ledger_.slots(now);
  auto text = part_of(book.held().size(), book.total(), " held");
  auto separator = ": ";
  for (const auto& one : book.held()) {
    text += separator;
    separator = "; ";
    auto between = "";
    for (const auto holder : one.holders) {
      text += between + rules_.callers[holder].name;
      between = ", ";
    }
    text += " for " + age(now - one.since);
  }
  return text;
}

}  // namespace gateway::limiter
