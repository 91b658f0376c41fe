#include "store/errands.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store {

void errands::add(errand one) {
  if (all_.size() >= most) all_.pop_front();
  all_.push_back({++last_, std::move(one), false, {}});
}

bool errands::holds(errand::kind what) const noexcept {
  return std::ranges::any_of(all_, [what](const entry& e) { return e.what.what == what; });
}

void errands::drop(errand::kind what) {
  std::erase_if(all_, [what](const entry& e) { return e.what.what == what; });
}

bool errands::holds_pace(std::size_t account) const noexcept {
  return std::ranges::any_of(all_, [account](const entry& e) {
    return (e.what.what == errand::kind::pause || e.what.what == errand::kind::resume) && e.what.account == account;
  });
}

void errands::drop_pauses(std::size_t account) {
  std::erase_if(all_,
                [account](const entry& e) { return e.what.what == errand::kind::pause && e.what.account == account; });
}

std::deque<errands::entry>::iterator errands::place(std::uint64_t number) noexcept {
  return std::ranges::find(all_, number, &entry::number);
}

std::uint64_t errands::next(time::instant now) {
  std::erase_if(all_, [now](const entry& e) { return e.what.useless_at <= now; });
  const auto found = std::ranges::find_if(all_, [now](const entry& e) { return !e.under_way && e.not_before <= now; });
  if (found == all_.end()) return 0;
  found->under_way = true;
  return found->number;
}

const errand* errands::find(std::uint64_t number) const noexcept {
  const auto found = std::ranges::find(all_, number, &entry::number);
  return found == all_.end() ? nullptr : &found->what;
}

void errands::confirmed(std::uint64_t number) noexcept {
  if (const auto found = place(number); found != all_.end()) all_.erase(found);
}

void errands::failed(std::uint64_t number, time::instant again) noexcept {
  const auto found = place(number);
  if (found == all_.end()) return;
  found->under_way = false;
  found->not_before = again;
}

time::instant errands::due() const noexcept {
  auto first = time::instant::max();
  for (const auto& one : all_) {
    if (!one.under_way) first = std::min({first, one.not_before, one.what.useless_at});
  }
  return first;
}

}  // namespace gateway::store
