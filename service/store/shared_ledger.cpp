#include "store/shared_ledger.hpp"

#include <algorithm>
#include <array>

#include "store/shared_ledger_parts.hpp"

namespace gateway::store {

namespace {

// How soon somebody who waits for an answer looks again, should nobody tell him that it came.
constexpr time::duration look_again = std::chrono::milliseconds{10};

ledger_rules stretched(ledger_rules rules, const shared_options& options) {
  for (auto& one : rules.resources) one.stretch = std::max(one.stretch, options.least_stretch);
  return rules;
}

ledger_rules healthy(ledger_rules rules, const shared_options& options) {
  for (auto& one : rules.resources) {
    // For long windows a thousandth is more than the stretch.
    one.slewed = true;
    for (auto& window : one.windows) window.rate -= degraded_share::set_aside(window.rate, options);
  }
  return rules;
}

std::string version_of(const resource& of) {
  std::string text;
  for (const auto& one : of.windows) {
    if (!text.empty()) text += ',';
    text += std::to_string(one.rate) + '/' + micros(one.per) + '/' + micros(stretch_of(one, of));
  }
  return text;
}

}  // namespace

redis::script_call order::call() const {
  const std::vector<std::string_view> names{keys.begin(), keys.end()};
  const std::vector<std::string_view> words{arguments.begin(), arguments.end()};
  return {*what, names, words};
}

shared_ledger::shared_ledger(ledger_rules rules, shared_options options, const ledger_scripts& scripts,
                             std::function<std::uint64_t()> random)
    : options_{std::move(options)},
      scripts_{scripts},
      random_{std::move(random)},
      degraded_{stretched(rules, options_), options_},
      mirror_{healthy(stretched(rules, options_), options_), options_},
      own_{mirror_.books().rules} {
  const auto& all = mirror_.books().rules.resources;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    versions_.push_back(version_of(all[i]));
    if (!all[i].windows.empty()) all_rings_.push_back(i);
  }
}

// ---------------------------------------------------------------- permits

permit_stock* shared_ledger::find(const use& of) {
  const auto found = stocks_.find(permit_sort{of, options_});
  return found == stocks_.end() ? nullptr : &found->second;
}

permit_stock& shared_ledger::stock_of(const use& of) {
  return stocks_.try_emplace(permit_sort{of, options_}, of).first->second;
}

// The resources with windows.
shared_ledger::rings shared_ledger::counted(const use& of) const {
  rings all;
  const auto add = [&](std::uint32_t resource) {
    if (!versions_[resource].empty()) all.push_back(resource);
  };
  std::ranges::for_each(of.requests, add);
  std::ranges::for_each(of.creations, add);
  return all;
}

// How long after its instant a permit may be used: half of the smallest stretch. The other half is for the way to the
// server, which takes longer for some requests than for others.
time::duration shared_ledger::lateness(const use& of) const noexcept {
  time::duration least = std::chrono::seconds{1};
  const auto look = [&](std::uint32_t resource) {
    const auto& one = mirror_.books().rules.resources[resource];
    for (const auto& window : one.windows) least = std::min({least, one.stretch, window.per / 20});
  };
  std::ranges::for_each(of.requests, look);
  std::ranges::for_each(of.creations, look);
  return least / 2;
}

// A pause holds back what is in reserve as well.
std::optional<opening> shared_ledger::paused(const use& of, time::instant now) const {
  const auto until = mirror_.books().paces[of.account].paused_until();
  if (until <= now) return std::nullopt;
  return opening{until, {binding::by::pause, 0, 0}};
}

opening shared_ledger::drawable(const use& of, time::instant now) {
  if (const auto pause = paused(of, now)) return *pause;
  if (const auto* const stock = find(of)) {
    if (const auto* const one = stock->usable(now)) return {one->from, {}};
  }
  if (away_) return degraded_.drawable(of, now);
  auto opens = expected(of, now);
  opens.at = std::max(opens.at, now + look_again);
  return opens;
}

opening shared_ledger::expected(const use& of, time::instant now) {
  if (const auto pause = paused(of, now); pause && !away_) {
    auto opens = mirror_.books().opens(of, now);
    return opens.at > pause->at ? opens : *pause;
  }
  const auto* const stock = find(of);
  if (stock != nullptr) {
    if (const auto* const one = stock->usable(now)) return {one->from, {}};
  }
  if (away_) return degraded_.drawable(of, now);
  if (stock != nullptr && stock->in_vain(now)) return {time::instant::max(), {binding::by::store, 0, 0}};
  const auto opens = mirror_.books().opens(of, now);
  // Redis knows of more than the mirror: other versions' windows, and what it has forgotten.
  const auto* const told = stock == nullptr ? nullptr : stock->next(now);
  return told != nullptr && told->at > std::max(opens.at, now) ? *told : opens;
}

void shared_ledger::want(const use& of, std::size_t how_many, time::instant) {
  if (auto* const stock = how_many == 0 ? find(of) : &stock_of(of)) stock->want(of.caller, how_many);
}

drawing shared_ledger::draw(const use& of, time::instant now) {
  auto* const stock = find(of);
  const auto* const first = stock == nullptr ? nullptr : stock->usable(now);
  if (first == nullptr || first->from > now) return degraded_.draw(of, now);
  const auto one = stock->take(now);
  const drawing made{one.id, one.stamp, of.slot ? one.id : 0, one.by};
  for (const auto resource : counted(of)) own_.add(resource, {now, one.id});
  mirror_.drawn(of, one.stamp, made.slot, clock_);
  return made;
}

void shared_ledger::sent(const use& of, const drawing& what, time::instant at) {
  if (what.id == 0) return degraded_.books().sent(of, what, at);
  if (at > what.send_by) sent_again(of, what, at);
}

// Later than the instant that was reserved allows for: it counts once more, from now on.
void shared_ledger::sent_again(const use& of, const drawing& what, time::instant at) {
  if (what.id == 0) return degraded_.books().sent_again(of, what, at);
  const own_sends::one again{at, fresh()};
  for (const auto resource : counted(of)) {
    own_.add(resource, again);
    upload(resource, {&again, 1});
  }
}

void shared_ledger::take_back(rings from, std::span<const reservation> all, bool slot, time::instant now) {
  if (from.empty() && !slot) return;
  std::vector<std::string> words;
  for (const auto& one : all) {
    words.push_back(entry_of(one.stamp, one.id));
    words.push_back(slot ? std::to_string(one.id) : "");
  }
  errands_.add({.what = errand::kind::take_back,
                .rings = std::move(from),
                .arguments = std::move(words),
                .useless_at = now + std::max<time::duration>(rules().slot_ttl, std::chrono::hours{1})});
}

void shared_ledger::give_back(const use& of, const drawing& what, time::instant now) {
  if (what.id == 0) return degraded_.books().give_back(of, what, now);
  const auto counts = counted(of);
  for (const auto resource : counts) own_.forget(resource, what.id);
  mirror_.taken_back(counts, what.stamp, clock_);
  if (what.slot != 0) mirror_.books().slots.free(what.slot);
  const reservation one{what.id, what.stamp, now, what.send_by};
  // Somebody else may use it in time; `take_orders` sees to it otherwise.
  stock_of(of).put(one);
}

void shared_ledger::forget(const use& of, const drawing& what, time::instant at) {
  if (what.id == 0) return degraded_.books().forget(of, what, at);
  rings counts;
  for (const auto resource : of.creations) {
    if (versions_[resource].empty()) continue;
    counts.push_back(resource);
    own_.forget(resource, what.id);
  }
  mirror_.taken_back(counts, what.stamp, clock_);
  if (what.slot != 0) mirror_.books().slots.free(what.slot);
  take_back(std::move(counts), std::array{reservation{what.id, what.stamp, {}, {}}}, what.slot != 0, at);
}

void shared_ledger::leave(time::instant now) {
  for (auto& [which, stock] : stocks_) {
    stock.want_nothing();
    if (const auto all = stock.take_all(); !all.empty()) take_back(counted(stock.of()), all, stock.of().slot, now);
  }
  if (degraded_.leave(now)) errands_.add({.what = errand::kind::release});
}

// ---------------------------------------------------------------- pauses and slots

void shared_ledger::pause(std::size_t account, time::instant until, time::instant now) {
  mirror_.books().paces[account].pause(until, now);
  degraded_.books().pause(account, until, now);
  errands_.add({.what = errand::kind::pause, .account = account, .until = until, .useless_at = until});
}

void shared_ledger::hold(std::size_t account, time::instant until, time::instant now) {
  mirror_.books().paces[account].hold(until, now);
  degraded_.books().hold(account, until, now);
  errands_.add({.what = errand::kind::hold, .account = account, .until = until, .useless_at = until});
}

void shared_ledger::resume(std::size_t account, time::instant now) {
  mirror_.books().paces[account].resume(now);
  degraded_.books().resume(account, now);
  errands_.drop_pauses(account);
  errands_.add({.what = errand::kind::resume, .account = account, .useless_at = now + std::chrono::minutes{15}});
}

const slot_book& shared_ledger::slots(time::instant now) {
  mirror_.books().slots.expire(now);
  return mirror_.books().slots;
}

// Sessions have none where no test account has any, whatever a caller gives back.
void shared_ledger::say(std::vector<std::string> about_slot, time::instant useless_at) {
  if (mirror_.books().rules.slots == 0) return;
  errands_.add({.what = errand::kind::slot, .arguments = std::move(about_slot), .useless_at = useless_at});
}

void shared_ledger::bind(std::uint64_t slot, std::string_view session) {
  mirror_.books().slots.bind(slot, session);
  say({"bind", std::to_string(slot), std::string{session}}, time::instant::max());
}

bool shared_ledger::share(std::string_view session, std::size_t caller, time::instant now) {
  slots(now);
  if (!mirror_.books().slots.share(session, caller)) return false;
  say({"share", std::string{session}, options_.callers[caller]}, now + rules().slot_ttl);
  return true;
}

bool shared_ledger::give_back_slot(std::string_view session, std::size_t caller, time::instant now) {
  slots(now);
  // Also what the mirror does not know yet: the session may be another replica's, and young.
  const bool had = mirror_.books().slots.give_back(session, caller);
  say({"give_back", std::string{session}, options_.callers[caller]}, now + rules().slot_ttl);
  return had;
}

bool shared_ledger::free_slot(std::string_view session, time::instant now) {
  slots(now);
  const bool had = mirror_.books().slots.free(session);
  say({"free_session", std::string{session}}, now + rules().slot_ttl);
  return had;
}

bool shared_ledger::free_slot(std::uint64_t slot, time::instant now) {
  slots(now);
  if (!mirror_.books().slots.free(slot)) return false;
  say({"free", std::to_string(slot)}, now + rules().slot_ttl);
  return true;
}

}  // namespace gateway::store
