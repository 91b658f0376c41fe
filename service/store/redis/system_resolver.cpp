#include <netdb.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "foundation/transport/parking.hpp"
#include "store/redis/place.hpp"

namespace gateway::store::redis {
namespace {

addresses ask_system(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (error != 0) return std::unexpected{std::string{::gai_strerror(error)}};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{first, &::freeaddrinfo};
  std::vector<transport::endpoint> all;
  for (const auto* each = list.get(); each != nullptr; each = each->ai_next) {
    transport::endpoint address;
    if (each->ai_addrlen > address.capacity()) continue;
    address.resize(each->ai_addrlen);
    std::copy_n(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen,
                reinterpret_cast<char*>(address.data()));
    all.push_back(address);
  }
  return all;
}

// Between the thread of a lookup and the coroutine that waits for it, either of which may end first.
struct lookup {
  std::mutex mutex;
  transport::loop* loop = nullptr;      // null: nobody waits any more
  transport::parking* place = nullptr;  // of the loop's thread
  addresses answer = std::unexpected{std::string{"the name servers have not answered in time"}};
};

void deliver(const std::shared_ptr<lookup>& to, addresses found) {
  const std::lock_guard lock{to->mutex};
  if (to->loop == nullptr) return;
  to->loop->post([to, found = std::move(found)]() mutable {
    if (to->place == nullptr) return;
    to->answer = std::move(found);
    to->place->wake_up();
  });
}

// One loop's.
struct names {
  transport::loop& loop;
  std::function<addresses(const std::string& host, std::uint16_t port)> look_up;
  std::map<std::pair<std::string, std::uint16_t>, std::vector<transport::endpoint>> good;
};

transport::task<addresses> ask(std::shared_ptr<names> from, std::string host, std::uint16_t port,
                               time::instant deadline) {
  transport::parking place{from->loop.ready()};
  const auto one = std::make_shared<lookup>();
  one->loop = &from->loop;
  one->place = &place;
  struct departure {
    lookup& of;
    ~departure() {
      const std::lock_guard lock{of.mutex};
      of.loop = nullptr;
      of.place = nullptr;
    }
  };
  const departure on_leaving{*one};
  try {
    // Nobody can wait for its end: a lookup may block for half a minute, and whoever asked may go at any time.
    std::thread{[one, look_up = from->look_up, host, port] { deliver(one, look_up(host, port)); }}.detach();
  } catch (const std::system_error& failure) {
    co_return std::unexpected{std::string{failure.what()}};
  }
  co_await place.wait(from->loop.deadlines(), deadline);
  co_return std::move(one->answer);
}

transport::task<addresses> resolve(std::shared_ptr<names> from, std::string host, std::uint16_t port,
                                   time::instant deadline) {
  boost::system::error_code not_an_address;
  const auto literal = boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{transport::endpoint{literal, port}};

  auto& good = from->good[{host, port}];
  const auto now = from->loop.now();
  // What is known is worth trying, so time is left for it.
  const auto until = good.empty() ? deadline : now + (deadline - now) / 2;
  auto found = co_await ask(from, host, port, until);
  if (found && !found->empty()) good = *found;
  if (!found && !good.empty()) co_return good;
  co_return std::move(found);
}

}  // namespace

resolver system_resolver(transport::loop& loop,
                         std::function<addresses(const std::string& host, std::uint16_t port)> look_up) {
  if (!look_up) look_up = &ask_system;
  const auto shared = std::make_shared<names>(loop, std::move(look_up));
  return [shared](std::string host, std::uint16_t port, time::instant deadline) {
    return resolve(shared, std::move(host), port, deadline);
  };
}

}  // namespace gateway::store::redis
