// One domain between threads: every loop on a thread of its own, and a clock that moves under all of them.
#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <thread>

#include "domain_fixture.hpp"
#include "limiter/gate.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using transport::task;

class moving_clock final : public time::clock {
 public:
  time::instant now() const noexcept override { return start + time::duration{passed_.load()}; }
  time::wall_instant wall_now() const noexcept override { return {}; }
  void advance(time::duration by) noexcept { passed_ += by.count(); }

 private:
  std::atomic<time::duration::rep> passed_{0};
};

constexpr window most{20, 20ms};
constexpr std::uint32_t slots = 2;
constexpr int loops = 3;
constexpr int requests_per_loop = 150;

// A loop, its thread, and what its requests did.
class side {
 public:
  side(const moving_clock& clock, std::uint64_t seed) : loop{clock, transport::loop::drive::by_hand}, dice_{seed} {}
  void join(shared_domain& of) { gate_.emplace(loop, of, 0); }
  // Until all have their answers, and `stop` says that the others have theirs: they may need this loop's timer.
  void work(const std::atomic<bool>& stop) {
    int asked = 0;
    while (!stop) {
      for (int i = 0; i < 3 && asked < requests_per_loop; ++i, ++asked) loop.spawn(request(dice_()));
      loop.turn();
      done = asked == requests_per_loop && loop.spawned() == 0;
      ++turns;
    }
  }

  transport::loop loop;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> turns{0};
  std::vector<time::instant> sent;
  int granted = 0;
  int left = 0;
  int refused = 0;

 private:
  task<> request(std::uint64_t number) {
    const bool creates = number % 3 == 0;
    // One in eight leaves soon, one in eight does not send with its permit.
    const auto until = number % 8 == 0 ? loop.now() + 3ms : time::instant::max();
    turn place{*gate_};
    auto at = place.enter({.caller = number % 4, .what = creates ? kind::creation : kind::request, .latest = until});
    while (at != stage::granted && at != stage::refused && loop.now() < until) {
      if (at == stage::preparing) {
        at = place.ready();
        continue;
      }
      at = co_await place.change(at, until);
    }
    if (at == stage::refused) ++refused;
    if (at != stage::granted && at != stage::refused) ++left;
    if (at != stage::granted) co_return;
    ++granted;
    if (number % 8 == 1) co_return;
    place.sent();
    sent.push_back(place.drawn_permit().sent_at);
    // As a completed session's would be, so that the others come to their turns.
    gate_->shared().free_slot(place.drawn_permit().slot);
    place.settle(errors::effect::created);
  }

  std::mt19937_64 dice_;
  std::optional<gate> gate_;
};

TEST_CASE("three threads share a domain: no window is exceeded, and everybody gets a permit or an answer") {
  auto rules =
      on_test_account(rules_of({.windows = {.requests = {most}}, .queue_length = 10'000, .max_wait = 1000h}, 4),
                      {.open_sessions = slots});
  moving_clock clock;
  std::vector<std::unique_ptr<side>> sides;
  for (int i = 0; i < loops; ++i) sides.push_back(std::make_unique<side>(clock, static_cast<std::uint64_t>(i) + 1));
  shared_domain domain{rules, sides.front()->loop};
  for (auto& one : sides) one->join(domain);

  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  for (auto& one : sides) threads.emplace_back([&stop, &one] { one->work(stop); });
  while (!std::ranges::all_of(sides, [](const auto& one) { return one->done.load(); })) {
    // No loop is left behind by the clock, as none is stopped for seconds between its permit and the socket.
    std::vector<std::uint64_t> before;
    for (const auto& one : sides) before.push_back(one->turns);
    clock.advance(1ms);
    for (std::size_t i = 0; i < sides.size(); ++i)
      while (sides[i]->turns == before[i]) std::this_thread::yield();
  }
  stop = true;
  threads.clear();

  std::vector<time::instant> sent;
  int ended = 0;
  for (const auto& one : sides) {
    sent.insert(sent.end(), one->sent.begin(), one->sent.end());
    ended += one->granted + one->left + one->refused;
    CHECK(one->granted > 0);
  }
  CHECK(ended == loops * requests_per_loop);
  CHECK(sent.size() > loops * requests_per_loop / 2);
  std::ranges::sort(sent);
  for (std::size_t i = most.rate; i < sent.size(); ++i) REQUIRE(sent[i] - sent[i - most.rate] >= most.per);
  CHECK(domain.state(0).waiting == 0);
  CHECK(domain.slots().empty());
}

}  // namespace
