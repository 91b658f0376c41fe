#include "replicas.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store {

using namespace std::chrono_literals;

replica::replica(shared_world& in, ledger_rules rules, shared_options options, std::vector<use> uses)
    : in_{in},
      rules_{std::move(rules)},
      options_{std::move(options)},
      uses_{std::move(uses)},
      clock_start_{std::chrono::seconds{in.d.between(1, 1'000'000)}},
      ppm_{in.d.between(-100, 100)},
      wanted_(uses_.size()) {
  restart(0s);
}

void replica::restart(time::duration away) {
  slots_.clear();
  alive_ = std::make_shared<int>(0);
  ledger_.reset();
  in_.when.at(in_.when.now + away, [this, alive = std::weak_ptr{alive_}] {
    if (!alive.lock()) return;
    auto options = options_;
    options.replica += std::to_string(in_.d.bits());
    ledger_ =
        std::make_unique<shared_ledger>(rules_, std::move(options), in_.redis.scripts, [this] { return in_.d.bits(); });
    connect();
    step();
  });
}

void replica::connect() {
  run_id_ = in_.redis.run_id;
  ledger_->connected(run_id_, now());
}

void replica::want(std::size_t which, std::size_t how_many) {
  wanted_[which] = how_many;
  if (ledger_) ledger_->want(uses_[which], how_many, now());
}

void replica::pause(time::duration length) {
  if (ledger_) ledger_->pause(0, now() + length, now());
}

void replica::free_some_slot() {
  if (!ledger_ || slots_.empty()) return;
  const auto id = slots_.begin()->first;
  release(id);
  ledger_->free_slot(id, now());
}

// Everything that can be done now, and when to look again.
void replica::step() {
  if (!ledger_) return;
  for (std::size_t i = 0; i < uses_.size(); ++i) draw(i);
  for (auto& one : ledger_->take_orders(now())) run(std::move(one));
  auto next = ledger_->next_order(now());
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    if (wanted_[i] == 0) continue;
    const auto opens = ledger_->drawable(uses_[i], now());
    if (opens.at > now()) next = std::min(next, opens.at);
  }
  if (next == time::instant::max()) return;
  const auto lag = in_.d.chance(90) ? in_.d.us(0, 300) : in_.d.us(0, 30'000);
  in_.when.at(std::max(global(next), in_.when.now) + 1us + lag, [this, which = ++wake_, alive = std::weak_ptr{alive_}] {
    if (alive.lock() && which == wake_) step();
  });
}

// There in its turn, run there, and back in its turn: one connection keeps the order.
void replica::run(order what) {
  const auto asked = now();
  const auto sent_at = in_.when.now;
  const auto gives_up = std::max(global(what.deadline), sent_at);
  const auto lost = net.cut || in_.d.chance(net.lost_percent);
  last_arrival_ = std::max(last_arrival_, sent_at + in_.d.us(net.least / 1us, net.most / 1us));
  const auto timed_out = [this, tag = what.tag, asked, gives_up](bool written) {
    redis::trouble t;
    t.what = redis::trouble::kind::timed_out;
    t.written = written;
    answer(tag, std::unexpected{std::move(t)}, asked, gives_up);
  };
  if (lost) return timed_out(true);
  in_.when.at(last_arrival_, [this, what, asked, gives_up, timed_out, alive = std::weak_ptr{alive_}] {
    if (run_id_ != in_.redis.run_id) {
      // The connection ended with the server that it led to.
      if (!alive.lock()) return;
      connect();
      return timed_out(true);
    }
    in_.redis.now = in_.redis_start + in_.when.now / 1us;
    auto got = in_.redis.run(*what.what, what.keys, what.arguments);
    if (!alive.lock()) return;
    last_answer_ = std::max(last_answer_, in_.when.now + in_.d.us(net.least / 1us, net.most / 1us));
    if (last_answer_ > gives_up || net.cut || in_.d.chance(net.lost_percent)) return timed_out(true);
    answer(what.tag, std::move(got), asked, last_answer_);
  });
}

void replica::answer(std::uint64_t tag, redis::outcome what, time::instant asked, time::duration at) {
  // The loop hears of it a little later.
  const auto lag = in_.d.chance(95) ? 0us : std::chrono::microseconds{in_.d.between(0, 20'000)};
  last_answer_ = std::max(last_answer_, at + lag);
  in_.when.at(last_answer_, [this, tag, what = std::move(what), asked, alive = std::weak_ptr{alive_}] {
    if (!alive.lock()) return;
    ledger_->answered(tag, what, asked, now());
    step();
  });
}

void replica::draw(std::size_t which) {
  while (wanted_[which] != 0 && ledger_->drawable(uses_[which], now()).at <= now()) {
    const auto got = ledger_->draw(uses_[which], now());
    if (got.id == 0) ++drawn_away;
    want(which, wanted_[which] - 1);
    if (got.slot != 0) {
      slots_[got.slot] = in_.held.size();
      // It ends by the instant that was reserved.
      in_.held.push_back({in_.when.now, std::chrono::microseconds{got.stamp - in_.redis_start} + rules_.slot_ttl});
    }
    const auto lag = careless && in_.d.chance(20) ? in_.d.us(0, 150'000) : in_.d.us(0, 200);
    in_.when.at(in_.when.now + lag, [this, which, got, alive = std::weak_ptr{alive_}] {
      if (alive.lock()) use_permit(which, got);
    });
  }
}

void replica::release(std::uint64_t slot) {
  const auto found = slots_.find(slot);
  if (found == slots_.end()) return;
  auto& one = in_.held[found->second];
  one.until = std::min(one.until, in_.when.now);
  slots_.erase(found);
}

void replica::use_permit(std::size_t which, drawing what) {
  const auto& of = uses_[which];
  if (now() > what.send_by || (careless && in_.d.chance(10))) {
    ledger_->give_back(of, what, now());
    release(what.slot);
    return step();
  }
  const auto in_vain = careless && !of.creations.empty() && in_.d.chance(15);
  in_.sent.push_back({which, in_vain, in_.when.now});
  const auto at = now();
  ledger_->sent(of, what, at);
  if (!in_vain) return step();
  in_.when.at(in_.when.now + in_.d.us(0, 500'000), [this, which, what, at, alive = std::weak_ptr{alive_}] {
    if (!alive.lock()) return;
    ledger_->forget(uses_[which], what, at);
    release(what.slot);
    step();
  });
}

}  // namespace gateway::store
