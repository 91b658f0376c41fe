#include "upstream/address_race.hpp"

#include <algorithm>

#include "foundation/transport/parking.hpp"

namespace gateway::upstream {
namespace {

// What the attempts have come to, and who waits for it.
class race {
 public:
  explicit race(network net, time::instant deadline) noexcept : net_{net}, deadline_{deadline} {}

  void try_next(transport::endpoint where) {
    ++running_;
    attempts_.push_back(std::make_unique<attempt>(net_.loop, net_.connector.connect(where, deadline_),
                                                  [this](attempt& over) { finished(over.outcome()); }));
  }
  // Until an attempt is over, or `until`.
  transport::task<> wait(time::instant until) {
    transport::parking place{net_.loop.ready()};
    waiter_ = &place;
    co_await place.wait(net_.loop.deadlines(), until);
    waiter_ = nullptr;
  }
  bool won() const noexcept { return winner_ != nullptr; }
  bool all_failed() const noexcept { return running_ == 0; }
  std::unique_ptr<transport::channel> winner() noexcept { return std::move(winner_); }
  std::string reason() const { return reason_.empty() ? "timed out" : reason_; }

 private:
  void finished(opened& outcome) {
    --running_;
    if (!outcome)
      reason_ = std::move(outcome.error());
    else if (!winner_)
      winner_ = std::move(*outcome);
    if (waiter_ != nullptr) waiter_->wake_up();
  }

  network net_;
  time::instant deadline_;
  std::vector<std::unique_ptr<attempt>> attempts_;
  std::size_t running_ = 0;
  std::unique_ptr<transport::channel> winner_;
  std::string reason_;
  transport::parking* waiter_ = nullptr;
};

}  // namespace

std::vector<transport::endpoint> interleaved(const std::vector<transport::endpoint>& addresses) {
  if (addresses.empty()) return {};
  std::vector<transport::endpoint> first;
  std::vector<transport::endpoint> second;
  for (const auto& each : addresses) (each.protocol() == addresses.front().protocol() ? first : second).push_back(each);
  std::vector<transport::endpoint> order;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < second.size()) order.push_back(second[i]);
  }
  return order;
}

transport::task<opened> connect_to_any(network net, std::vector<transport::endpoint> addresses,
                                       time::instant deadline) {
  const auto order = interleaved(addresses);
  race run{net, deadline};
  for (auto next = order.begin(); next != order.end();) {
    run.try_next(*next++);
    const auto patience = next == order.end() ? deadline : std::min(deadline, net.loop.now() + net.attempt_delay);
    do {
      co_await run.wait(patience);
    } while (!run.won() && !run.all_failed() && net.loop.now() < patience);
    if (run.won()) co_return run.winner();
    if (net.loop.now() >= deadline) break;
  }
  co_return std::unexpected{order.empty() ? std::string{"no address"} : run.reason()};
}

}  // namespace gateway::upstream
