// What came of what was asked.
#include <algorithm>
#include <array>
#include <utility>

#include "store/shared_ledger_parts.hpp"

namespace gateway::store {

namespace {

constexpr time::duration first_retry = std::chrono::milliseconds{100};
constexpr time::duration longest_retry = std::chrono::seconds{2};

}  // namespace

void shared_ledger::answered(std::uint64_t tag, const redis::outcome& answer, time::instant asked,
                             time::instant received) {
  const auto found = under_way_.find(tag);
  if (found == under_way_.end()) return;
  const auto what = std::move(found->second);
  under_way_.erase(found);
  if (what.errand == 0 && what.stock == nullptr) looking_ = false;
  if (what.errand != 0) {
    if (answer && ran(what, *answer, asked, received)) return;
    return failed(what, received);
  }
  const auto news = answer ? read_reserve(*answer, what.of.size(), options_.accounts.size()) : std::nullopt;
  if (!news) return failed(what, received);
  const auto agrees = heard(news->head, asked, received);
  if (agrees) tell(what, *news, received);
  const auto more = std::ranges::any_of(news->rings, &ring_news::more);
  if (what.stock == nullptr) {
    look_at_ = received + (more ? options_.refresh / 20 : options_.refresh);
    return;
  }
  if (more) look_at_ = std::min(look_at_, received + options_.refresh / 20);
  if (agrees) return reserved(what, *news, asked, received);
  // By a clock that jumped: what it reserved means nothing.
  what.stock->answered(received, 1, 0, {}, options_.reach);
}

// Whatever it is that does not answer: from now on it is tried now and then, by looking.
void shared_ledger::failed(const asked_for& what, time::instant now) {
  if (what.errand != 0) errands_.failed(what.errand, now + first_retry);
  // An upload that takes long is no sign of that: whoever looks will see.
  if (what.upload) return;
  if (what.stock != nullptr) {
    what.stock->answered(now, 1, 0, {}, options_.reach);
    // It may have been done. Their instants are not known, so their permits are lost, but not the slots.
    for (const auto id : what.ids) {
      if (what.stock->of().slot) take_back({}, std::array{reservation{id, 0, {}, {}}}, true, now);
    }
  }
  const auto looked = what.errand == 0 && what.stock == nullptr;
  if (away_ && !looked) return;
  retry_ = away_ ? std::min(2 * retry_, longest_retry) : first_retry;
  away_ = true;
  look_at_ = now + retry_;
}

// Every answer tells the time and the epoch. False: the clock jumped.
bool shared_ledger::heard(const answer_head& head, time::instant asked, time::instant received) {
  away_ = false;
  if (!clock_.heard(head.now, asked, received)) {
    errands_.drop(errand::kind::lose);
    errands_.add({.what = errand::kind::lose, .arguments = {head.epoch}});
    return false;
  }
  if (head.epoch != mirror_.epoch()) begin(head.epoch, received);
  return true;
}

// Redis may have forgotten what it knew: it hears again what this replica knows.
void shared_ledger::begin(const std::string& epoch, time::instant now) {
  mirror_.begin(epoch);
  look_at_ = now;
  const auto& books = mirror_.books();
  // Their slots are forgotten, and nobody waits long for others.
  for (auto& [which, stock] : stocks_) {
    if (stock.of().slot) stock.take_all();
  }
  // What an earlier loss left untold is told as well.
  std::erase_if(lost_slots_, [now](const slot& one) { return one.until <= now; });
  for (const auto& one : slots(now).held()) {
    if (std::ranges::find(lost_slots_, one.id, &slot::id) == lost_slots_.end()) lost_slots_.push_back(one);
  }
  errands_.drop(errand::kind::upload);
  untold_.clear();
  own_.drop_old(now);
  for (const auto ring : all_rings_) {
    std::vector<own_sends::one> all{own_.of(ring).begin(), own_.of(ring).end()};
    for (const auto& [which, stock] : stocks_) {
      if (!draws_from(stock.of(), ring)) continue;
      for (const auto& one : stock.held()) all.push_back({one.from, one.id});
    }
    upload(ring, all);
  }
  upload_more();
  for (std::size_t i = 0; i < books.paces.size(); ++i) {
    if (const auto until = books.paces[i].paused_until(); until > now && !errands_.holds_pace(i))
      errands_.add({.what = errand::kind::pause, .account = i, .until = until, .useless_at = until});
  }
}

void shared_ledger::tell(const asked_for& what, const reserve_answer& news, time::instant now) {
  for (std::size_t i = 0; i < what.of.size(); ++i) {
    std::vector<server_instant> in_reserve;
    for (const auto& [which, stock] : stocks_) {
      if (stock.held().empty() || !draws_from(stock.of(), what.of[i])) continue;
      for (const auto& one : stock.held()) in_reserve.push_back(one.stamp);
    }
    const auto given_back = mirror_.of_ring(what.of[i]).generation != news.rings[i].generation;
    mirror_.learn(what.of[i], what.at[i], news.rings[i], in_reserve, clock_, now);
    for (auto& [which, stock] : stocks_) {
      if (given_back && draws_from(stock.of(), what.of[i])) stock.look_again();
    }
  }
  for (std::size_t i = 0; i < news.paces.size(); ++i) {
    // What was said here and not there yet is newer.
    if (!errands_.holds_pace(i)) mirror_.learn(i, news.paces[i], clock_);
  }
  if (!news.slots) return;
  std::vector<std::uint64_t> in_reserve;
  for (const auto& [which, stock] : stocks_) {
    for (const auto& one : stock.held()) in_reserve.push_back(one.id);
  }
  if (what.stock != nullptr) in_reserve.insert(in_reserve.end(), what.ids.begin(), what.ids.end());
  mirror_.learn(*news.slots, news.changes, in_reserve, clock_);
  redo_in_mirror();
  for (auto& [which, stock] : stocks_) {
    if (stock.of().slot) stock.look_again();
  }
}

// What was done with slots here and is not there yet.
void shared_ledger::redo_in_mirror() {
  auto& book = mirror_.books().slots;
  const auto number = [](const std::string& text) { return text.empty() ? 0 : std::stoull(text); };
  const auto caller = [&](const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(options_.callers, name) - options_.callers.begin());
  };
  errands_.each_of_slots([&](const errand& one) {
    const auto& words = one.arguments;
    if (one.what == errand::kind::take_back) {
      for (std::size_t i = 1; i < words.size(); i += 2) book.free(number(words[i]));
    } else if (words[0] == "bind") {
      book.bind(number(words[1]), words[2]);
    } else if (words[0] == "share") {
      book.share(words[1], caller(words[2]));
    } else if (words[0] == "give_back") {
      book.give_back(words[1], caller(words[2]));
    } else if (words[0] == "free_session") {
      book.free(words[1]);
    } else {
      book.free(number(words[1]));
    }
  });
}

void shared_ledger::reserved(const asked_for& what, const reserve_answer& news, time::instant asked,
                             time::instant received) {
  auto& stock = *what.stock;
  const auto late = lateness(stock.of());
  const auto before = stock.missing(received);
  for (std::size_t i = 0; i < std::min(news.granted.size(), what.ids.size()); ++i) {
    const time::duration ahead = std::chrono::microseconds{news.granted[i] - news.head.now};
    // Clocks drift apart by 500 ppm at most, and the server's shows whole microseconds.
    const auto from = received + ahead + ahead / 2000;
    const auto by = asked + ahead + late - (ahead + late) / 2000 - std::chrono::microseconds{1};
    stock.put({what.ids[i], news.granted[i], from, by});
  }
  const auto usable = before - std::min(before, stock.missing(received));
  std::optional<opening> next;
  if (news.next) {
    const auto ring = what.of.empty() ? 0 : what.of[news.next->ring];
    next = opening{clock_.local(news.next->at), {news.next->what, ring, news.next->window}};
  }
  const auto reach = news.next && (news.next->what == binding::by::slots || news.next->what == binding::by::own_slots)
                         ? time::duration{0}
                         : options_.reach;
  stock.answered(received, news.granted.size(), usable, next, reach);
}

// False: that was no answer.
bool shared_ledger::ran(const asked_for& what, const redis::reply& answer, time::instant asked,
                        time::instant received) {
  const auto head = read_head(answer);
  if (!head) return false;
  const auto* const one = errands_.find(what.errand);
  const auto kind = one == nullptr ? errand::kind::slot : one->what;
  if (one != nullptr && kind == errand::kind::lease) {
    if (answer[2].number().value_or(-1) >= 0)
      degraded_.leased(asked);
    else
      degraded_.refused();
  }
  errands_.confirmed(what.errand);
  // Given up, or of an epoch of before: a loss in the meantime is another upload.
  if (kind == errand::kind::upload && head->epoch == mirror_.epoch()) {
    uploaded();
    upload_more();
  }
  heard(*head, asked, received);
  // What was given back may be had by somebody who was told to wait.
  if (kind == errand::kind::take_back || kind == errand::kind::slot || kind == errand::kind::resume) {
    for (auto& [which, stock] : stocks_) stock.look_again();
  }
  const auto goes_on = kind == errand::kind::upload && errands_.holds(kind);
  if (kind != errand::kind::lease && !goes_on) look_at_ = std::min(look_at_, received);
  return true;
}

}  // namespace gateway::store
