#include "app/drainer.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

namespace gateway::app {
namespace {

using std::chrono::steady_clock;

constexpr auto look_again = std::chrono::milliseconds{10};
// A store that does not answer keeps nobody: its reservations and leases run out by themselves.
constexpr auto longest_settling = std::chrono::seconds{1};

}  // namespace

drainer::drainer(boost::asio::io_context& on, steps what, journal::log& log)
    : main_{on}, timer_{on}, steps_{std::move(what)}, log_{log} {}

void drainer::begin(settings::drain how) {
  begun_ = true;
  timeout_ = how.timeout;
  log_.info("draining", {{"delay_ms", how.delay.count()}, {"timeout_ms", how.timeout.count()}});
  timer_.expires_after(how.delay);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) stop_accepting();
  });
}

void drainer::stop_accepting() {
  give_up_at_ = steady_clock::now() + timeout_;
  on_each_loop(steps_.stop_accepting, [this] {
    steps_.hand_back();
    // Each loop has told those whom it refuses before any of them accepts again: the first visit comes in the turn that
    // finds out about them, the second one after it.
    on_each_loop([](std::size_t) {}, [this] { on_each_loop([](std::size_t) {}, [this] { close_ports(); }); });
  });
  look();
}

void drainer::close_ports() {
  on_each_loop(steps_.close_port, [this] { closed_ = true; });
}

void drainer::on_each_loop(const std::function<void(std::size_t)>& what, std::function<void()> next) {
  auto left = std::make_shared<std::atomic<std::size_t>>(steps_.loops);
  for (std::size_t i = 0; i < steps_.loops; ++i)
    steps_.on_loop(i, [this, i, what, left, next] {
      what(i);
      if (left->fetch_sub(1) == 1) boost::asio::post(main_, next);
    });
}

void drainer::look() {
  timer_.expires_after(look_again);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (finished()) return steps_.done();
    if (steady_clock::now() < give_up_at_) return look();
    if (drained_at_ == steady_clock::time_point{}) log_.warn("drain.timeout is over: ending what still runs");
    steps_.done();
  });
}

bool drainer::finished() {
  if (!closed_ || !steps_.drained()) return false;
  const auto now = steady_clock::now();
  if (drained_at_ == steady_clock::time_point{}) drained_at_ = now;
  if (!steps_.settled() && now - drained_at_ < longest_settling) return false;
  return steps_.observed();
}

}  // namespace gateway::app
