#include "store/errands.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store {

namespace {

using kind = errand::kind;

bool pauses(const errand& e) noexcept {
  return e.what == kind::pause || e.what == kind::hold;
}

bool of_pace(const errand& e) noexcept {
  return pauses(e) || e.what == kind::resume;
}

// Losing one costs a slot until its time is over, no more.
bool of_slots(const errand& e) noexcept {
  return e.what == kind::slot || e.what == kind::take_back;
}

bool same_matter(const errand& a, const errand& b) noexcept {
  if (of_pace(a) && of_pace(b)) return a.account == b.account;
  return of_slots(a) && of_slots(b);
}

}  // namespace

void errands::add(errand one) {
  if (one.what == kind::slot && said_already(one)) return;
  if (all_.size() >= most && of_slots(one) && !make_room()) return;
  all_.push_back({++last_, std::move(one), false, {}});
}

// Waits to be told in the same words, with nothing but the same of other slots after it.
bool errands::said_already(const errand& what) noexcept {
  for (auto one = all_.rbegin(); one != all_.rend(); ++one) {
    if (!of_slots(one->what)) continue;
    if (one->what.what != what.what || one->what.arguments[0] != what.arguments[0]) return false;
    if (one->under_way || one->what.arguments != what.arguments) continue;
    one->what.useless_at = std::max(one->what.useless_at, what.useless_at);
    return true;
  }
  return false;
}

// False: all that there is matters more.
bool errands::make_room() {
  const auto oldest = std::ranges::find_if(all_, [](const entry& e) { return of_slots(e.what); });
  if (oldest == all_.end()) return false;
  all_.erase(oldest);
  return true;
}

bool errands::holds(errand::kind what) const noexcept {
  return std::ranges::any_of(all_, [what](const entry& e) { return e.what.what == what; });
}

void errands::drop(errand::kind what) {
  std::erase_if(all_, [what](const entry& e) { return e.what.what == what; });
}

bool errands::holds_pace(std::size_t account) const noexcept {
  return std::ranges::any_of(all_, [account](const entry& e) { return of_pace(e.what) && e.what.account == account; });
}

void errands::drop_pauses(std::size_t account) {
  std::erase_if(all_, [account](const entry& e) { return pauses(e.what) && e.what.account == account; });
}

std::deque<errands::entry>::iterator errands::place(std::uint64_t number) noexcept {
  return std::ranges::find(all_, number, &entry::number);
}

std::uint64_t errands::next(time::instant now) {
  std::erase_if(all_, [now](const entry& e) { return e.what.useless_at <= now; });
  // One that failed holds back those after it that say something about the same.
  const auto found = std::ranges::find_if(all_, [&](const entry& e) {
    if (e.under_way || e.not_before > now) return false;
    return std::none_of(all_.begin(), all_.end(), [&](const entry& before) {
      return before.number < e.number && !before.under_way && before.not_before > now &&
             same_matter(before.what, e.what);
    });
  });
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
  for (auto one = all_.begin(); one != all_.end(); ++one) {
    if (one->under_way) continue;
    auto at = one->not_before;
    for (auto before = all_.begin(); before != one; ++before) {
      if (!before->under_way && same_matter(before->what, one->what)) at = std::max(at, before->not_before);
    }
    first = std::min({first, at, one->what.useless_at});
  }
  return first;
}

}  // namespace gateway::store
