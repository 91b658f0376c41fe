#include "upstream/name_service.hpp"

#include <netdb.h>

#include <algorithm>
#include <system_error>
#include <thread>

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

// What the threads own together with the service, and go on owning when it has gone.
struct system_lookups::shared {
  using place = std::pair<std::string, std::uint16_t>;

  const function ask;
  const std::size_t most;
  std::mutex mutex;
  std::map<place, std::vector<handler>> asked;  // in line or under way
  std::deque<place> line;
  std::size_t threads = 0;
};

system_lookups::system_lookups() : system_lookups{&ask_system} {}

system_lookups::system_lookups(function ask, std::size_t most)
    : shared_{std::make_shared<shared>(std::move(ask), most)} {}

system_lookups::~system_lookups() {
  const std::lock_guard lock{shared_->mutex};
  shared_->line.clear();
  shared_->asked.clear();
}

void system_lookups::look_up(std::string host, std::uint16_t port, handler done) {
  const shared::place what{std::move(host), port};
  std::unique_lock lock{shared_->mutex};
  auto& listeners = shared_->asked[what];
  listeners.push_back(std::move(done));
  if (listeners.size() > 1) return;
  shared_->line.push_back(what);
  if (shared_->threads == shared_->most) return;
  // Detached, for nobody can end a getaddrinfo and a process that was told to stop cannot wait for one. So a thread may
  // still run when this service, main's objects and the statics are destroyed. It then touches what it owns (`shared`,
  // its stack, the resolver's state, which libc keeps per thread), libc itself, which exit leaves usable, and no
  // handler: they were dropped. One that was being told just then finds its door closed. No lookup reads a static of
  // ours. In the end the kernel takes the thread away where it stands, with nothing of it that anybody waits for.
  try {
    std::thread{[with = shared_] { work(*with); }}.detach();
    ++shared_->threads;
  } catch (const std::system_error& no_thread) {
    if (shared_->threads > 0) return;  // the next one that is free takes it
    shared_->line.clear();
    const auto told = shared_->asked.extract(what);
    lock.unlock();
    for (const auto& each : told.mapped())
      each(std::unexpected{"no thread to look it up: " + no_thread.code().message()});
  }
}

void system_lookups::work(shared& with) {
  std::unique_lock lock{with.mutex};
  while (!with.line.empty()) {
    const auto what = std::move(with.line.front());
    with.line.pop_front();
    lock.unlock();
    const auto found = with.ask(what.first, what.second);
    lock.lock();
    const auto told = with.asked.extract(what);  // who asks from now on wants a new answer
    lock.unlock();
    if (told)
      for (const auto& each : told.mapped()) each(found);
    lock.lock();
  }
  --with.threads;
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
