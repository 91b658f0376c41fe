#include "store/ledger_mirror.hpp"

#include <algorithm>

namespace gateway::store {

namespace {

std::vector<std::size_t> numbers_of(const std::vector<std::string>& names, std::span<const std::string> known) {
  std::vector<std::size_t> all;
  for (const auto& name : names) {
    // A caller that only other configurations know holds its slot all the same.
    if (const auto found = std::ranges::find(known, name); found != known.end())
      all.push_back(static_cast<std::size_t>(found - known.begin()));
  }
  return all;
}

}  // namespace

ledger_mirror::ledger_mirror(ledger_rules rules, const shared_options& options)
    : options_{options}, books_{std::move(rules)}, places_(books_.rules.resources.size()), told_anew_(places_.size()) {}

void ledger_mirror::learn(std::uint32_t resource, const place& asked_at, const ring_news& news,
                          std::span<const server_instant> reserved, const server_clock& clock, time::instant now) {
  auto& known = places_[resource];
  auto& anew = told_anew_[resource];
  auto stamps = std::span{news.stamps};
  if (news.all) {
    anew.emplace();
  } else {
    if (news.generation != known.generation || news.appended < known.appended) return;  // it knows better already
    // Another answer may have told some of them since this was asked.
    const auto told = static_cast<std::size_t>(std::max<std::int64_t>(0, known.appended - asked_at.appended));
    stamps = stamps.subspan(std::min(told, stamps.size()));
  }
  known = {news.generation, news.appended};
  if (!anew) {
    for (const auto stamp : stamps) add(resource, clock.local(stamp));
    return;
  }
  anew->insert(anew->end(), stamps.begin(), stamps.end());
  if (news.more) return;
  tell_all(resource, *anew, clock.local(news.unknown_before), reserved, clock, now);
  anew.reset();
}

void ledger_mirror::tell_all(std::uint32_t resource, std::span<const server_instant> stamps,
                             time::instant unknown_before, std::span<const server_instant> reserved,
                             const server_clock& clock, time::instant now) {
  const auto& rules = books_.rules.resources[resource];
  books_.histories[resource] = history{largest_rate(rules)};
  // What is unknown counts as full, for no longer than the cap: as if permits had been sent so that the window which is
  // full longest opens when it does. The others open before that.
  time::instant opens = now;
  const window* longest = nullptr;
  for (const auto& one : rules.windows) {
    const auto length = std::min(one.per, options_.recovery_cap);
    // The clock was slewed by a thousandth of that at most.
    const auto at = unknown_before + options_.reach + length + stretch_of(one, rules) - (one.per - length) / 1000;
    if (at <= opens) continue;
    opens = at;
    longest = &one;
  }
  for (std::uint32_t i = 0; longest != nullptr && i < longest->rate; ++i)
    add(resource, opens - longest->per - stretch_of(*longest, rules));
  std::vector<server_instant> in_reserve{reserved.begin(), reserved.end()};
  for (const auto stamp : stamps) {
    if (const auto own = std::ranges::find(in_reserve, stamp); own != in_reserve.end())
      in_reserve.erase(own);
    else
      add(resource, clock.local(stamp));
  }
}

void ledger_mirror::learn(std::size_t account, const pace_news& news, const server_clock& clock) {
  books_.paces[account].replace(news.until == 0 ? time::instant{} : clock.local(news.until), news.worst);
}

void ledger_mirror::learn(std::span<const slot_news> news, std::string changes, std::span<const std::uint64_t> reserved,
                          const server_clock& clock) {
  changes_ = std::move(changes);
  std::vector<slot> held;
  for (const auto& one : news) {
    if (std::ranges::find(reserved, one.id) != reserved.end()) continue;
    const auto account = std::ranges::find(options_.accounts, one.account);
    held.push_back({one.id, static_cast<std::size_t>(account - options_.accounts.begin()),
                    numbers_of(one.holders, options_.callers), one.session, clock.local(one.since),
                    clock.local(one.until)});
  }
  books_.slots.replace(std::move(held));
}

void ledger_mirror::begin(std::string epoch) {
  epoch_ = std::move(epoch);
  changes_ = "-";
  std::ranges::fill(places_, place{});
  std::ranges::fill(told_anew_, std::nullopt);
}

void ledger_mirror::drawn(const use& of, server_instant at, std::uint64_t slot, const server_clock& clock) {
  const auto stamp = clock.local(at);
  books_.each(of, [stamp](history& one) {
    one.draw();
    one.sent(stamp);
  });
  if (slot != 0) books_.slots.put({slot, of.account, {of.caller}, {}, stamp, stamp + books_.slots.time_to_live()});
}

void ledger_mirror::taken_back(std::span<const std::uint32_t> resources, server_instant at, const server_clock& clock) {
  for (const auto resource : resources) books_.histories[resource].forget(clock.local(at));
}

}  // namespace gateway::store
