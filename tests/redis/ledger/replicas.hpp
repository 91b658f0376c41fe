#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "server.hpp"
#include "store/shared_ledger.hpp"

namespace gateway::store {

class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_{seed} {}
  // [from, to]
  std::int64_t between(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>{from, to}(engine_);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(between(0, static_cast<std::int64_t>(n) - 1)); }
  bool chance(int percent) { return between(1, 100) <= percent; }
  time::duration us(std::int64_t from, std::int64_t to) { return std::chrono::microseconds{between(from, to)}; }
  std::uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// What happens when, in virtual time.
class agenda {
 public:
  time::duration now{0};
  void at(time::duration when, std::function<void()> what) { all_.emplace(std::max(when, now), std::move(what)); }
  void until(time::duration end) {
    while (!all_.empty() && all_.begin()->first <= end) {
      auto next = all_.extract(all_.begin());
      now = next.key();
      next.mapped()();
    }
    now = end;
  }

 private:
  std::multimap<time::duration, std::function<void()>> all_;
};

// One sort of permit, and everything that was sent of it by anybody.
struct sending {
  std::size_t use = 0;
  bool without_effect = false;
  time::duration at{0};
};
struct holding {
  time::duration from{0};
  time::duration until{0};
};

struct network_traits {
  time::duration least{0};  // one way
  time::duration most{0};
  int lost_percent = 0;  // of questions, and of answers
  bool cut = false;
};

struct shared_world {
  dice& d;
  agenda& when;
  scripted_redis& redis;
  std::int64_t redis_start;
  std::vector<sending> sent{};
  std::vector<holding> held{};
};

// A process with its ledger, a clock of its own and a way to Redis.
class replica {
 public:
  replica(shared_world& in, ledger_rules rules, shared_options options, std::vector<use> uses);

  // It dies and comes back with nothing remembered, after a while.
  void restart(time::duration away);
  void want(std::size_t which, std::size_t how_many);
  std::size_t wanted(std::size_t which) const { return wanted_[which]; }
  void pause(time::duration length);
  void free_some_slot();
  void step();

  network_traits net;
  bool careless = false;       // sends late, gives back, has no effect
  std::size_t drawn_away = 0;  // from the degraded share

 private:
  time::instant local(time::duration at) const {
    return clock_start_ + at + std::chrono::nanoseconds{at.count() / 1'000'000 * ppm_};
  }
  time::duration global(time::instant at) const {
    const auto passed = at - clock_start_;
    return passed - std::chrono::nanoseconds{passed.count() / 1'000'000 * ppm_};
  }
  time::instant now() const { return local(in_.when.now); }
  void connect();
  void run(order what);
  void answer(std::uint64_t tag, redis::outcome what, time::instant asked, time::duration at);
  void draw(std::size_t which);
  void release(std::uint64_t slot);
  void use_permit(std::size_t which, drawing what);

  shared_world& in_;
  const ledger_rules rules_;
  const shared_options options_;
  const std::vector<use> uses_;
  time::instant clock_start_;
  std::int64_t ppm_;
  std::unique_ptr<shared_ledger> ledger_;
  std::shared_ptr<int> alive_;
  std::vector<std::size_t> wanted_;
  std::map<std::uint64_t, std::size_t> slots_;  // slot -> index in held
  time::duration last_arrival_{0};
  time::duration last_answer_{0};
  std::uint64_t wake_ = 0;
  std::string run_id_;
};

}  // namespace gateway::store
