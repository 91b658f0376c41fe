#include "store/slots.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store {

bool slot::held_by(std::size_t caller) const noexcept {
  return std::ranges::find(holders, caller) != holders.end();
}

slot_book::slot_book(std::uint32_t total, time::duration time_to_live) : total_{total}, time_to_live_{time_to_live} {
  held_.reserve(total);
}

void slot_book::expire(time::instant now) {
  const auto alive = std::ranges::find_if(held_, [now](const slot& s) { return s.until > now; });
  held_.erase(held_.begin(), alive);
}

time::instant slot_book::next_free(time::instant now) const noexcept {
  return held_.size() < total_ ? now : std::max(now, held_[held_.size() - total_].until);
}

std::uint32_t slot_book::held_by(std::size_t caller, std::size_t account) const noexcept {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(held_, [&](const slot& s) { return s.account == account && s.held_by(caller); }));
}

time::instant slot_book::next_below(std::uint32_t most, std::size_t caller, std::size_t account,
                                    time::instant now) const noexcept {
  const auto held = held_by(caller, account);
  if (held < most) return now;
  auto ends = held - most + 1;
  for (const auto& one : held_) {
    if (one.account == account && one.held_by(caller) && --ends == 0) return std::max(now, one.until);
  }
  return time::instant::max();
}

std::uint64_t slot_book::take(std::size_t caller, std::size_t account, time::instant now) {
  // Not always the last to end: the time to live may have become shorter.
  put({++last_id_, account, {caller}, {}, now, now + time_to_live_});
  return last_id_;
}

void slot_book::put(slot one) {
  const auto place = std::ranges::upper_bound(held_, one.until, {}, &slot::until);
  held_.insert(place, std::move(one));
}

void slot_book::replace(std::vector<slot> all) {
  held_ = std::move(all);
  std::ranges::sort(held_, {}, [](const slot& one) { return std::pair{one.until, one.id}; });
}

void slot_book::bind(std::uint64_t id, std::string_view session) {
  if (const auto found = std::ranges::find(held_, id, &slot::id); found != held_.end()) found->session = session;
}

slot* slot_book::find(std::string_view session) noexcept {
  if (session.empty()) return nullptr;
  const auto found = std::ranges::find(held_, session, &slot::session);
  return found == held_.end() ? nullptr : &*found;
}

const slot* slot_book::of_session(std::string_view session) const noexcept {
  return const_cast<slot_book*>(this)->find(session);
}

bool slot_book::share(std::string_view session, std::size_t caller) {
  auto* const of = find(session);
  if (of == nullptr) return false;
  if (!of->held_by(caller)) of->holders.push_back(caller);
  return true;
}

bool slot_book::give_back(std::string_view session, std::size_t caller) {
  auto* const of = find(session);
  if (of == nullptr || std::erase(of->holders, caller) == 0) return false;
  if (of->holders.empty()) free(of->id);
  return true;
}

bool slot_book::free(std::uint64_t id) {
  return std::erase_if(held_, [id](const slot& s) { return s.id == id; }) != 0;
}

bool slot_book::free(std::string_view session) {
  const auto* const of = of_session(session);
  return of != nullptr && free(of->id);
}

}  // namespace gateway::store
