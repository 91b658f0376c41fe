#include "upstream/pool.hpp"

#include <algorithm>
#include <array>

namespace gateway::upstream {

using transport::io_status;
using transport::task;
using transport::wake;

// One open connection. While it is idle it watches itself for a close and for its idle limit.
class pool::connection final : private transport::readiness::observer, private time::deadline {
 public:
  connection(pool& owner, std::unique_ptr<transport::channel> channel, time::instant retire_at) noexcept
      : owner_{owner}, channel_{std::move(channel)}, retire_at_{retire_at} {}

  transport::channel& channel() noexcept { return *channel_; }
  time::instant retire_at() const noexcept { return retire_at_; }
  bool used() const noexcept { return used_; }

  void rest(time::deadline_queue& queue, time::instant until) {
    used_ = true;
    channel_->ready().observe(this);
    arm(queue, until);
  }
  void resume() noexcept {
    disarm();
    channel_->ready().observe(nullptr);
  }

  // The server has closed it, or said something that nobody asked for.
  bool gone() noexcept {
    std::array<char, 64> unexpected;
    const auto got = channel_->try_read(unexpected);
    return got.status != io_status::want_read && got.status != io_status::want_write;
  }

 private:
  void channel_event() override {
    if (gone()) owner_.drop_idle(*this);
  }
  void expired() override { owner_.drop_idle(*this); }

  pool& owner_;
  std::unique_ptr<transport::channel> channel_;
  time::instant retire_at_;
  bool used_ = false;
};

void pool::connection_deleter::operator()(connection* c) const noexcept {
  delete c;
}

// Somebody who waits for a connection or for the right to open one. Whatever it was given and did not use goes on to
// the next one when it leaves.
struct pool::waiter {
  explicit waiter(pool& from) noexcept : owner{from}, place{from.net_.loop.ready()} { owner.waiters_.push_back(this); }
  ~waiter() {
    std::erase(owner.waiters_, this);
    if (handed) owner.put_back(std::move(handed));
    if (may_open) owner.use_grant();
  }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  pool& owner;
  transport::parking place;
  connection_ptr handed;
  bool may_open = false;
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

void pool::lease::end() noexcept {
  if (!connection_) return;
  if (keep_)
    owner_->put_back(std::move(connection_));
  else
    owner_->discard(std::move(connection_));
}

transport::channel& pool::lease::channel() noexcept {
  return connection_->channel();
}
bool pool::lease::reused() const noexcept {
  return connection_->used();
}

pool::pool(network net, upstream::target where, pool_options options, connection_budget& budget,
           std::function<double()> uniform)
    : net_{net}, target_{std::move(where)}, options_{options}, budget_{budget}, uniform_{std::move(uniform)} {
  budget_.join(*this);
}

pool::~pool() {
  close_idle();
  budget_.leave(*this);
  *alive_ = false;
}

pool::lease pool::take_idle() noexcept {
  while (!idle_.empty()) {
    auto c = std::move(idle_.back());
    idle_.pop_back();
    c->resume();
    if (!c->channel().ready().has(transport::readiness::hung_up) && !worn_out(*c)) return lease{*this, std::move(c)};
    discard(std::move(c));
  }
  return {};
}

task<std::expected<pool::lease, pool::error>> pool::acquire(time::instant deadline, time::duration connect_timeout) {
  if (auto found = take_idle()) co_return std::move(found);
  const auto open_until = [&] { return std::min(deadline, net_.loop.now() + connect_timeout); };
  if (budget_.take(*this)) {
    auto opened = co_await open(open_until());
    co_return std::move(opened);
  }
  waiter self{*this};
  const auto woken = co_await self.place.wait(net_.loop.deadlines(), deadline);
  if (self.handed) co_return lease{*this, std::move(self.handed)};
  if (self.may_open) {
    self.may_open = false;
    auto opened = co_await open(open_until());
    co_return std::move(opened);
  }
  // Nobody gave it anything: it leaves its place in line, unless a grant is on its way, which `granted` passes on.
  budget_.withdraw(*this);
  co_return std::unexpected{error{failure::timed_out, woken == wake::timed_out
                                                          ? "all connections to " + target_.host + " are busy"
                                                          : std::string{"cancelled"}}};
}

// With the right to open one, which is given back if it fails, also when this coroutine is destroyed on its way.
task<std::expected<pool::lease, pool::error>> pool::open(time::instant deadline) {
  struct right {
    pool* owner;
    ~right() {
      if (owner != nullptr) owner->budget_.give_back();
    }
  } unused{this};
  auto opened = co_await open_connection(net_, target_, deadline);
  if (!opened) {
    const auto what = net_.loop.now() >= deadline ? failure::timed_out : failure::unreachable;
    co_return std::unexpected{error{what, std::move(opened.error())}};
  }
  unused.owner = nullptr;
  ++open_;
  const auto age = std::chrono::duration_cast<time::duration>(options_.max_age * (0.9 + 0.1 * uniform_()));
  co_return lease{*this, connection_ptr{new connection{*this, std::move(*opened), net_.loop.now() + age}}};
}

void pool::put_back(connection_ptr c) noexcept {
  if (closing_ || worn_out(*c) || c->gone()) return discard(std::move(c));
  if (!waiters_.empty()) {
    auto* next = waiters_.front();
    waiters_.pop_front();
    // The waiter no longer needs a right. If one is on its way already, `granted` finds nobody and gives it back.
    budget_.withdraw(*this);
    next->handed = std::move(c);
    next->place.wake_up();
    return;
  }
  if (budget_.wanted_elsewhere(open_)) return discard(std::move(c));
  c->rest(net_.loop.deadlines(), std::min(net_.loop.now() + options_.idle_timeout, c->retire_at()));
  idle_.push_back(std::move(c));
}

void pool::discard(connection_ptr c) noexcept {
  c->channel().finish();
  c.reset();
  --open_;
  budget_.give_back();
}

void pool::drop_idle(connection& c) noexcept {
  const auto at = std::ranges::find(idle_, &c, &connection_ptr::get);
  if (at == idle_.end()) return;
  auto gone = std::move(*at);
  idle_.erase(at);
  discard(std::move(gone));
}

bool pool::worn_out(const connection& c) const noexcept {
  return net_.loop.now() >= c.retire_at();
}

void pool::granted() {
  net_.loop.post([this, alive = alive_] {
    if (*alive) use_grant();
  });
}

void pool::use_grant() noexcept {
  if (waiters_.empty() || closing_) return budget_.give_back();
  auto* next = waiters_.front();
  waiters_.pop_front();
  next->may_open = true;
  next->place.wake_up();
}

void pool::asked_to_yield() {
  net_.loop.post([this, alive = alive_] {
    if (!*alive || idle_.empty()) return;
    drop_idle(*idle_.front());  // the one that was used longest ago
  });
}

pool::counts pool::count() const noexcept {
  return {idle_.size(), open_ - idle_.size(), waiters_.size()};
}

void pool::close_idle() noexcept {
  closing_ = true;
  while (!idle_.empty()) drop_idle(*idle_.back());
}

}  // namespace gateway::upstream
