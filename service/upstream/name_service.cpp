#include "upstream/name_service.hpp"

#include <netdb.h>

#include <algorithm>
#include <memory>

namespace gateway::upstream {

using transport::task;
using transport::wake;

namespace {

addresses ask_system(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (error != 0) return std::unexpected{std::string{::gai_strerror(error)}};
  struct list_deleter {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
  };
  const std::unique_ptr<addrinfo, list_deleter> list{first};
  std::vector<transport::endpoint> found;
  for (const auto* each = list.get(); each != nullptr; each = each->ai_next) {
    transport::endpoint place;
    if (each->ai_addrlen > place.capacity()) continue;
    place.resize(each->ai_addrlen);
    std::copy_n(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen, reinterpret_cast<char*>(place.data()));
    if (std::ranges::find(found, place) == found.end()) found.push_back(place);
  }
  if (found.empty()) return std::unexpected{std::string{"the name has no address"}};
  return found;
}

}  // namespace

lookup_thread::lookup_thread() : thread_{[this] { work(); }} {}

lookup_thread::~lookup_thread() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void lookup_thread::look_up(std::string host, std::uint16_t port, handler done) {
  {
    const std::lock_guard lock{mutex_};
    jobs_.push_back({std::move(host), port, std::move(done)});
  }
  wake_.notify_one();
}

void lookup_thread::work() {
  for (;;) {
    job next;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      next = std::move(jobs_.front());
      jobs_.pop_front();
    }
    next.done(ask_system(next.host, next.port));
  }
}

task<addresses> name_service::resolve(const std::string& host, std::uint16_t port, time::instant deadline) {
  boost::system::error_code not_an_address;
  const auto literal = boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{transport::endpoint{literal, port}};

  auto& about = entries_[{host, port}];
  if (!about.asking && (about.good.empty() || loop_.now() >= about.asked_at + fresh_for_)) ask(host, port, about);
  if (!about.good.empty()) co_return about.good;

  transport::parking place{loop_.ready()};
  about.waiting.push_back(&place);
  struct departure {
    std::deque<transport::parking*>& line;
    transport::parking* self;
    ~departure() { std::erase(line, self); }
  } on_leaving{about.waiting, &place};
  const auto woken = co_await place.wait(loop_.deadlines(), deadline);
  if (!about.good.empty()) co_return about.good;
  co_return std::unexpected{woken == wake::timed_out ? std::string{"the name servers have not answered in time"}
                                                     : about.failure};
}

void name_service::ask(const std::string& host, std::uint16_t port, entry& about) {
  about.asking = true;
  about.asked_at = loop_.now();
  // Entries are never removed and a map's do not move, so the address stays good as long as the door is open.
  lookups_.look_up(host, port, [this, &about, door = door_](addresses found) {
    const std::lock_guard lock{door->mutex};
    if (door->loop == nullptr) return;
    door->loop->post([this, &about, door, found = std::move(found)]() mutable {
      if (door->loop != nullptr) learn(about, std::move(found));  // on the loop, which is where it is closed
    });
  });
}

name_service::~name_service() {
  const std::lock_guard lock{door_->mutex};
  door_->loop = nullptr;
}

void name_service::learn(entry& about, addresses found) {
  about.asking = false;
  if (found)
    about.good = std::move(*found);
  else
    about.failure = std::move(found.error());
  for (auto* waiter : about.waiting) waiter->wake_up();
}

task<addresses> override_resolver::resolve(const std::string& host, std::uint16_t port, time::instant deadline) {
  for (const auto& r : rules_)
    if (r.host == host && (r.port == 0 || r.port == port))
      co_return std::vector{transport::endpoint{r.address, r.to_port == 0 ? port : r.to_port}};
  auto asked = co_await otherwise_.resolve(host, port, deadline);
  co_return asked;
}

}  // namespace gateway::upstream
