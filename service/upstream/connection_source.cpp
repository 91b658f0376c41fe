#include "upstream/connection_source.hpp"

#include <algorithm>
#include <utility>

namespace gateway::upstream {

using transport::task;

// Somebody who waits until it is known what another one has opened.
struct connection_source::waiter {
  explicit waiter(connection_source& of)
      : from{of}, place{of.net_.loop.ready()}, in_line{of.waiting_.insert(of.waiting_.end(), this)} {}
  ~waiter() {
    if (in_line != from.waiting_.end()) from.waiting_.erase(in_line);
  }
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  connection_source& from;
  transport::parking place;
  std::list<waiter*>::iterator in_line;
  std::optional<std::string> failed;
};

// Of whom all others wait for. However it ends, they go on.
class connection_source::turn {
 public:
  explicit turn(connection_source& of) noexcept : of_{of} { of_.opening_ = true; }
  ~turn() { end(nullptr); }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  void end(const std::string* failure) {
    if (std::exchange(ended_, true)) return;
    of_.opening_ = false;
    for (auto* const each : of_.waiting_) {
      if (failure != nullptr) each->failed = *failure;
      each->in_line = of_.waiting_.end();
      each->place.wake_up();
    }
    of_.waiting_.clear();
  }

 private:
  connection_source& of_;
  bool ended_ = false;
};

// On the last opened that has room: it has most time before it.
std::unique_ptr<transport::channel> connection_source::take_place() {
  const auto now = net_.loop.now();
  std::erase_if(shared_, [](const shared& each) { return each.connection.expired(); });
  for (auto each = shared_.rbegin(); each != shared_.rend() && now < each->old_at; ++each)
    if (const auto one = each->connection.lock(); one && one->has_room()) return one->take_place();
  return nullptr;
}

std::size_t connection_source::shared_connections() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(shared_, [](const shared& each) { return !each.connection.expired(); }));
}

task<opened> connection_source::open(time::instant deadline) {
  if (target_.http2_streams == 0 || !target_.tls) co_return co_await open_connection(net_, target_, deadline);
  for (;;) {
    if (auto place = take_place()) co_return std::move(place);
    if (http11_) co_return co_await open_own(deadline, nullptr);
    if (!opening_) {
      turn alone{*this};
      co_return co_await open_own(deadline, &alone);
    }
    waiter self{*this};
    const auto woken = co_await self.place.wait(net_.loop.deadlines(), deadline);
    if (self.failed) co_return std::unexpected{std::move(*self.failed)};
    if (woken != transport::wake::ready)
      co_return std::unexpected{"no connection to " + place_of(target_.host, target_.port) + " came up in time"};
  }
}

task<opened> connection_source::open_own(time::instant deadline, turn* alone) {
  auto made = co_await connect(net_, target_, deadline, tls::offered::http2_or_http11);
  std::string failure;
  if (made) {
    http11_ = !made->http2;
    if (http11_) co_return std::move(made->channel);
    auto several =
        co_await http2::connection::open(net_.loop, std::move(made->channel), target_.http2_streams, deadline);
    if (several) {
      shared_.push_back({*several, net_.loop.now() + max_age_});
      if ((*several)->has_room()) co_return (*several)->take_place();
    }
    failure = "HTTP/2 with " + place_of(target_.host, target_.port) + ": " +
              (several ? "the server takes no requests" : several.error());
  } else {
    failure = std::move(made.error());
  }
  if (alone != nullptr) alone->end(&failure);
  co_return std::unexpected{std::move(failure)};
}

}  // namespace gateway::upstream
