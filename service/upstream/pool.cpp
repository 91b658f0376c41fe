#include "upstream/pool.hpp"

#include <algorithm>
#include <cassert>

namespace gateway::upstream {

using transport::task;

namespace {

// So many times as long as its opening took a connection stays where it is, if those who wait elsewhere have as many:
// at most a tenth of the time then goes into handshakes, however two loops' needs go up and down. Not longer than
// `longest_stay`, where opening was slow for once, nor shorter than `shortest_stay`: servers count handshakes, too.
constexpr int stay_for_openings = 10;
constexpr std::chrono::milliseconds shortest_stay{100};
constexpr std::chrono::milliseconds longest_stay{1000};

}  // namespace

// Somebody who waits for a connection. Whatever it was given and did not use goes on to the next one when it leaves.
struct pool::waiter {
  explicit waiter(pool& from)
      : owner{from}, place{from.net_.loop.ready()}, in_line{owner.waiters_.insert(owner.waiters_.end(), this)} {}
  ~waiter() {
    if (in_line != owner.waiters_.end()) owner.waiters_.erase(in_line);
    if (handed) owner.put_back(std::move(handed));
    owner.balance();
  }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  pool& owner;
  transport::parking place;
  std::list<waiter*>::iterator in_line;  // the end: it is called, and stands there no more
  connection_ptr handed;
  std::optional<error> failed;
};

// A connection on its way, with the right to it.
struct pool::opening {
  opening(pool& for_whom, connection_budget::right to_it, time::instant until)
      : right{std::move(to_it)},
        began{for_whom.net_.loop.now()},
        deadline{until},
        connecting{for_whom.net_.loop, for_whom.source_.open(until),
                   [this, &for_whom](attempt&) { for_whom.finished(*this); }} {}

  connection_budget::right right;
  time::instant began;
  time::instant deadline;
  attempt connecting;
};

pool::lease::lease(pool& owner, connection_ptr c) noexcept : owner_{&owner}, connection_{std::move(c)} {}
pool::lease::lease(lease&& other) noexcept
    : owner_{std::exchange(other.owner_, nullptr)}, connection_{std::move(other.connection_)}, keep_{other.keep_} {}
pool::lease& pool::lease::operator=(lease&& other) noexcept {
  if (this == &other) return *this;
  end();
  owner_ = std::exchange(other.owner_, nullptr);
  connection_ = std::move(other.connection_);
  keep_ = other.keep_;
  return *this;
}
pool::lease::~lease() {
  end();
}

void pool::lease::keep(std::optional<std::chrono::seconds> keeps_idle_for) noexcept {
  keep_ = true;
  if (keeps_idle_for) owner_->idle_limit_.advertised(*keeps_idle_for);
}

std::optional<close_reason> pool::lease::spoilt() noexcept {
  close_reason why{};
  if (connection_->usable(owner_->net_.loop.now(), why)) return std::nullopt;
  --owner_->busy_;
  owner_->discard(std::move(connection_), why);
  return why;
}

void pool::lease::end() noexcept {
  if (!connection_) return;
  --owner_->busy_;
  if (keep_) {
    owner_->idle_limit_.survived(connection_->rested_before());
    connection_->mark_used();
    owner_->put_back(std::move(connection_));
  } else {
    owner_->discard(std::move(connection_), close_reason::error);
  }
}

pool::pool(network net, upstream::target where, pool_options options, connection_budget& budget,
           std::function<double()> uniform)
    : net_{net},
      target_{std::move(where)},
      options_{options},
      source_{net_, target_, options_.max_age},
      budget_{budget},
      uniform_{std::move(uniform)},
      idle_limit_{options_.idle_timeout},
      peak_{options_.peak_window} {
  budget_.join(*this);
}

pool::~pool() {
  assert(waiters_.empty() && busy_ == 0);
  close_idle();
  openings_.clear();
  budget_.leave(*this);
  *alive_ = false;
  // What was granted and did not arrive any more.
  for (auto unused = grants_.exchange(0); unused > 0; --unused) connection_budget::right{budget_, *this};
}

// The connection is somebody's for one exchange.
pool::lease pool::lend(connection_ptr c) noexcept {
  ++busy_;
  peak_.note(busy_, net_.loop.now());
  return lease{*this, std::move(c)};
}

pool::lease pool::take_idle() noexcept {
  while (!idle_.empty()) {
    auto c = std::move(idle_.back());
    idle_.pop_back();
    close_reason why{};
    if (c->resume(net_.loop.now(), why)) return lend(std::move(c));
    if (why == close_reason::server_closed) learn_from_close(*c);
    discard(std::move(c), why);
  }
  return {};
}

task<std::expected<pool::lease, pool::error>> pool::acquire(time::instant deadline, time::duration connect_timeout) {
  if (auto found = take_idle()) co_return std::move(found);
  connect_timeout_ = connect_timeout;
  waiter self{*this};
  balance();
  co_await self.place.wait(net_.loop.deadlines(), deadline);
  if (self.handed) co_return lend(std::move(self.handed));
  if (self.failed) co_return std::unexpected{std::move(*self.failed)};
  co_return std::unexpected{error{failure::timed_out, openings_.empty()
                                                          ? "all connections to " + target_.host + " are busy"
                                                          : "no connection to " + target_.host + " came up in time"}};
}

// A connection has become free.
void pool::put_back(connection_ptr c) noexcept {
  const auto now = net_.loop.now();
  if (c->worn_out(now)) return discard(std::move(c), close_reason::age);
  if (c->gone()) return discard(std::move(c), close_reason::server_closed);
  // Before our own are served: where another loop has none of the connections, its callers would wait for ever. What
  // was just opened for somebody serves first, or two loops would hand a right to and fro and nobody were served.
  if ((c->used() || waiters_.empty()) && budget_.wanted_elsewhere(*this))
    return discard(std::move(c), close_reason::yielded);
  if (offer(c)) return;
  if (closing_) return discard(std::move(c), close_reason::drained);
  c->rest(net_.loop.deadlines(), now, now + jittered(idle_limit_.at(now)));
  idle_.push_back(std::move(c));
  yield_idle();
}

// What rests here goes to loops whose callers wait: at once to one that has fewer, to others when it was worth opening.
void pool::yield_idle() noexcept {
  while (!idle_.empty() && budget_.anybody_waits()) {
    auto given = idle_.begin();  // the one that was used longest ago
    if (!budget_.wanted_elsewhere(*this)) {
      given = std::ranges::min_element(idle_, {}, [](const auto& each) { return each->worth_it_at(); });
      if (const auto then = (*given)->worth_it_at(); net_.loop.now() < then) return arm(net_.loop.deadlines(), then);
    }
    rested_enough(**given, close_reason::yielded);
  }
}

void pool::expired() {
  yield_idle();
}

pool::waiter* pool::call_first() noexcept {
  auto* first = waiters_.front();
  waiters_.erase(std::exchange(first->in_line, waiters_.end()));
  return first;
}

// To whoever waits longest; false if nobody does.
bool pool::offer(connection_ptr& c) noexcept {
  if (waiters_.empty()) return false;
  auto* next = call_first();
  next->handed = std::move(c);
  next->place.wake_up();
  balance();
  return true;
}

void pool::discard(connection_ptr c, close_reason why) noexcept {
  const bool served = c->used();
  c->channel().finish();
  c.reset();
  if (options_.observer != nullptr) options_.observer->closed(why);
  if (served && (why == close_reason::idle_limit || why == close_reason::age || why == close_reason::server_closed))
    prepare();
}

void pool::rested_enough(pooled_connection& c, close_reason why) noexcept {
  const auto at = std::ranges::find(idle_, &c, &connection_ptr::get);
  if (at == idle_.end()) return;
  auto resting = std::move(*at);
  idle_.erase(at);
  if (why == close_reason::server_closed) learn_from_close(*resting);
  discard(std::move(resting), why);
}

void pool::learn_from_close(pooled_connection& c) noexcept {
  // Servers have other limits for what was never used, or one for all that share a connection.
  if (!c.used() || c.channel().one_of_several()) return;
  const auto now = net_.loop.now();
  time::duration longest{};
  for (const auto& other : idle_)
    if (other->used()) longest = std::max(longest, other->rested(now));
  idle_limit_.closed_after(c.rested(now), longest, now);
}

// As many connections are on their way, or rights to open one asked for, as somebody waits for.
void pool::balance() {
  while (in_line_ > 0 && openings_.size() + in_line_ > waiters_.size() && budget_.withdraw(*this)) --in_line_;
  while (openings_.size() + in_line_ < waiters_.size()) {
    if (auto right = budget_.take(*this))
      open(std::move(right));
    else
      ++in_line_;
  }
}

// Ahead of need, as far as rights are to spare.
void pool::prepare() {
  if (closing_) return;
  auto more = connections_to_prepare({.idle = idle_.size(),
                                      .busy = busy_,
                                      .connecting = openings_.size(),
                                      .waiting = waiters_.size(),
                                      .peak = peak_.at(net_.loop.now()),
                                      .reachable = reachable_},
                                     options_.ready_connections);
  for (; more > 0; --more) {
    auto right = budget_.take_spare(*this);
    if (!right) return;
    open(std::move(right));
  }
}

void pool::open(connection_budget::right right) {
  openings_.push_back(std::make_unique<opening>(*this, std::move(right), net_.loop.now() + connect_timeout_));
}

// From the loop, not from within `open`.
void pool::finished(opening& over) {
  const auto at = std::ranges::find(openings_, &over, &std::unique_ptr<opening>::get);
  const auto done = std::move(*at);
  openings_.erase(at);
  auto& outcome = done->connecting.outcome();
  reachable_ = outcome.has_value();
  if (outcome) {
    if (options_.observer != nullptr) options_.observer->opened();
    const auto now = net_.loop.now();
    const auto worth_it_at =
        now + std::clamp<time::duration>(stay_for_openings * (now - done->began), shortest_stay, longest_stay);
    const auto retire_at = now + jittered(options_.max_age);
    pooled_connection::keeper& self = *this;  // a private base: named here, where it can be reached
    put_back(
        std::make_unique<pooled_connection>(self, std::move(done->right), std::move(*outcome), worth_it_at, retire_at));
    return;
  }
  if (options_.observer != nullptr) options_.observer->open_failed(outcome.error());
  done->right = {};
  if (!waiters_.empty()) {
    auto* first = call_first();
    const auto what = net_.loop.now() >= done->deadline ? failure::timed_out : failure::unreachable;
    first->failed = error{what, std::move(outcome.error())};
    first->place.wake_up();
  }
  balance();
}

void pool::granted() noexcept {
  grants_.fetch_add(1);
  net_.loop.post([this, alive = alive_] {
    if (*alive) use_grant();
  });
}

void pool::use_grant() {
  grants_.fetch_sub(1);
  --in_line_;
  connection_budget::right right{budget_, *this};
  if (openings_.size() + in_line_ < waiters_.size()) open(std::move(right));
}

void pool::asked_to_yield() noexcept {
  net_.loop.post([this, alive = alive_] {
    if (*alive) yield_idle();
  });
}

pool::counts pool::count() const noexcept {
  return {idle_.size(), busy_, waiters_.size(), openings_.size()};
}

void pool::close_idle() noexcept {
  closing_ = true;
  while (!idle_.empty()) rested_enough(*idle_.back(), close_reason::drained);
}

time::duration pool::jittered(time::duration limit) {
  return std::chrono::duration_cast<time::duration>(limit * (0.9 + 0.1 * uniform_()));
}

}  // namespace gateway::upstream
