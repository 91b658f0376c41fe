// What is asked of Redis, and when.
#include <algorithm>
#include <utility>

#include "store/shared_ledger_parts.hpp"

namespace gateway::store {

namespace {

// Reserved by one call, at most: the script's time is everybody's.
constexpr std::size_t most_at_once = 16;
// And uploaded by one.
constexpr std::size_t most_in_a_piece = 500;
constexpr int patience_with_uploads = 10;

}  // namespace

void shared_ledger::connected(std::string run_id, time::instant now) {
  run_id_ = std::move(run_id);
  look_at_ = now;
}

std::vector<order> shared_ledger::take_orders(time::instant now) {
  std::vector<order> all;
  if (begun_ == time::instant{}) begun_ = now;
  clear_out(now);
  if (run_id_.empty()) {
    // It has never been there.
    if (now >= begun_ + options_.timeout) away_ = true;
    return all;
  }
  if (!away_) {
    if (now >= degraded_.lease_due() && !errands_.holds(errand::kind::lease)) {
      degraded_.lease_asked(now);
      errands_.add({.what = errand::kind::lease});
    }
    while (const auto number = errands_.next(now)) all.push_back(run(number, now));
  }
  if (!looking_ && now >= look_at_) all.push_back(look(now));
  if (away_) return all;
  for (auto& [which, stock] : stocks_) {
    const auto missing = stock.missing(now);
    if (missing != 0 && !stock.asking() && ask_at(stock, now) <= now)
      all.push_back(reserve(stock, std::min(missing, most_at_once), now));
  }
  return all;
}

time::instant shared_ledger::next_order(time::instant now) {
  auto next = time::instant::max();
  for (auto& [which, stock] : stocks_) next = std::min(next, stock.stale_at());
  if (run_id_.empty()) {
    if (!away_) next = std::min(next, std::max(begun_, time::instant{}) + options_.timeout);
    return std::max(next, now);
  }
  if (!looking_) next = std::min(next, look_at_);
  if (away_) return std::max(next, now);
  next = std::min({next, errands_.due(), degraded_.lease_due()});
  for (auto& [which, stock] : stocks_) {
    if (stock.missing(now) != 0 && !stock.asking()) next = std::min(next, ask_at(stock, now));
  }
  return std::max(next, now);
}

// When to ask for more of it: as soon as Redis may reserve some, which it does as far ahead as it reaches. Not while it
// is still to hear what was sent before, however long that takes: what it does not know is full for some time only.
time::instant shared_ledger::ask_at(permit_stock& one, time::instant now) {
  const auto untold = std::ranges::any_of(untold_, [&](const piece& p) { return draws_from(one.of(), p.ring); });
  if (untold || (one.of().slot && !lost_slots_.empty())) return time::instant::max();
  const auto opens = mirror_.books().opens(one.of(), now).at;
  if (opens <= now) return one.not_before();
  return std::max(one.not_before(), opens - (one.of().slot ? time::duration{0} : options_.reach));
}

// What will not be used goes back: certainly nothing was sent with it.
void shared_ledger::clear_out(time::instant now) {
  for (auto& [which, stock] : stocks_) {
    if (const auto stale = stock.take_stale(now); !stale.empty())
      take_back(counted(stock.of()), stale, stock.of().slot, now);
  }
}

order shared_ledger::made(const redis::script& of, const rings& over, asked_for what, std::vector<std::string> own,
                          time::instant now) {
  order made{.tag = ++last_tag_, .what = &of, .deadline = now + options_.timeout};
  const auto base = options_.prefix + "{" + options_.domain + "}:";
  made.keys = {base + "meta", base + "slots"};
  for (const auto resource : over) made.keys.push_back(base + "w:" + options_.resources[resource].name);
  made.arguments = {std::to_string(random_()), run_id_, micros(options_.recovery_cap), micros(options_.reach)};
  made.arguments.insert(made.arguments.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  under_way_.emplace(made.tag, std::move(what));
  return made;
}

// The arguments of `reserve` up to the rings'.
std::vector<std::string> shared_ledger::permits_wanted(const use* of) const {
  const auto slot = of != nullptr && of->slot;
  std::vector<std::string> all{mirror_.epoch(),
                               mirror_.changes(),
                               options_.accounts[of != nullptr ? of->account : 0],
                               of != nullptr && slot ? options_.callers[of->caller] : "",
                               slot ? std::to_string(rules().slots) : "0",
                               micros(rules().slot_ttl),
                               slot && of->most_slots ? std::to_string(*of->most_slots) : "-1",
                               std::to_string(options_.accounts.size())};
  all.insert(all.end(), options_.accounts.begin(), options_.accounts.end());
  return all;
}

order shared_ledger::look(time::instant now) {
  looking_ = true;
  asked_for what{.of = all_rings_};
  auto own = permits_wanted(nullptr);
  for (const auto resource : all_rings_) {
    const auto& at = what.at.emplace_back(mirror_.of_ring(resource));
    const auto& paced = rules().resources[resource].paced;
    for (auto word :
         {versions_[resource], paced ? options_.accounts[*paced] : "", at.generation, std::to_string(at.appended)})
      own.push_back(std::move(word));
  }
  return made(scripts_.reserve, all_rings_, std::move(what), std::move(own), now);
}

order shared_ledger::reserve(permit_stock& for_one, std::size_t how_many, time::instant now) {
  for_one.asked();
  const auto over = counted(for_one.of());
  asked_for what{.stock = &for_one, .of = over};
  auto own = permits_wanted(&for_one.of());
  for (const auto resource : over) {
    const auto& at = what.at.emplace_back(mirror_.of_ring(resource));
    const auto& paced = rules().resources[resource].paced;
    for (auto word :
         {versions_[resource], paced ? options_.accounts[*paced] : "", at.generation, std::to_string(at.appended)})
      own.push_back(std::move(word));
  }
  for (std::size_t i = 0; i < how_many; ++i) own.push_back(std::to_string(what.ids.emplace_back(fresh())));
  return made(scripts_.reserve, over, std::move(what), std::move(own), now);
}

order shared_ledger::run(std::uint64_t number, time::instant now) {
  const auto& one = *errands_.find(number);
  asked_for what{.errand = number};
  switch (one.what) {
    case errand::kind::take_back:
      return made(scripts_.take_back, one.rings, std::move(what), one.arguments, now);
    case errand::kind::slot:
      return made(scripts_.slot, {}, std::move(what), one.arguments, now);
    case errand::kind::pause:
    case errand::kind::hold:
      return made(scripts_.pause, {}, std::move(what),
                  {one.what == errand::kind::hold ? "hold" : "pause", options_.accounts[one.account],
                   micros(one.until - now), micros(rules().longest_pause[one.account])},
                  now);
    case errand::kind::resume:
      return made(scripts_.pause, {}, std::move(what), {"resume", options_.accounts[one.account]}, now);
    case errand::kind::upload:
      return run_upload(number, now);
    case errand::kind::lose:
      return made(scripts_.lose, all_rings_, std::move(what), one.arguments, now);
    case errand::kind::release:
      return made(scripts_.lease, {}, std::move(what), {"release", options_.replica}, now);
    case errand::kind::lease:
      break;
  }
  return made(scripts_.lease, {}, std::move(what),
              {"take", options_.replica, degraded_.fingerprint(), std::to_string(options_.max_replicas),
               micros(degraded_.lease_length())},
              now);
}

void shared_ledger::upload(std::uint32_t ring, std::span<const own_sends::one> sends) {
  while (!sends.empty()) {
    const auto some = sends.first(std::min(sends.size(), most_in_a_piece));
    untold_.push_back({ring, {some.begin(), some.end()}});
    sends = sends.subspan(some.size());
  }
  upload_more();
}

// One order at a time.
void shared_ledger::upload_more() {
  if ((!lost_slots_.empty() || !untold_.empty()) && !errands_.holds(errand::kind::upload))
    errands_.add({.what = errand::kind::upload});
}

// What is freed from now on is not to be told again.
void shared_ledger::uploaded() {
  if (!lost_slots_.empty())
    lost_slots_.clear();
  else
    untold_.pop_front();
}

order shared_ledger::run_upload(std::uint64_t number, time::instant now) {
  std::vector<std::string> own;
  own.push_back(std::to_string(lost_slots_.size()));
  for (const auto& one : lost_slots_) {
    for (auto word :
         {std::to_string(one.id), one.account < options_.accounts.size() ? options_.accounts[one.account] : "",
          one.session, std::to_string(clock_.latest(one.since)), std::to_string(clock_.latest(one.until)),
          std::to_string(one.holders.size())})
      own.push_back(std::move(word));
    for (const auto holder : one.holders) own.push_back(options_.callers[holder]);
  }
  rings over;
  if (lost_slots_.empty()) {
    const auto& [ring, sends] = untold_.front();
    over = {ring};
    own.push_back(versions_[ring]);
    own.push_back(std::to_string(sends.size()));
    for (const auto& one : sends) own.push_back(entry_of(clock_.latest(one.at), one.id));
  }
  auto telling = made(scripts_.upload, over, {.errand = number, .upload = true}, std::move(own), now);
  // Nobody waits for it.
  telling.deadline = now + patience_with_uploads * options_.timeout;
  return telling;
}

}  // namespace gateway::store
