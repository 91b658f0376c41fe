#include <netdb.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "foundation/transport/parking.hpp"
#include "store/redis/place.hpp"

namespace gateway::store::redis {
namespace {

using found = std::expected<std::vector<transport::endpoint>, std::string>;

found ask_system(const std::string& host, std::uint16_t port) {
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
  transport::loop* loop;                // null: nobody waits any more
  transport::parking* place = nullptr;  // of the loop's thread
  found answer = std::unexpected{std::string{"the name servers have not answered in time"}};
};

void answer(const std::shared_ptr<lookup>& about, found what) {
  const std::lock_guard lock{about->mutex};
  if (about->loop == nullptr) return;
  about->loop->post([about, what = std::move(what)]() mutable {
    if (about->place == nullptr) return;
    about->answer = std::move(what);
    about->place->wake_up();
  });
}

transport::task<found> look_up(transport::loop& loop, std::string host, std::uint16_t port, time::instant deadline) {
  boost::system::error_code not_an_address;
  const auto literal = boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{transport::endpoint{literal, port}};

  transport::parking place{loop.ready()};
  const auto about = std::make_shared<lookup>();
  about->loop = &loop;
  about->place = &place;
  struct departure {
    lookup& from;
    ~departure() {
      const std::lock_guard lock{from.mutex};
      from.loop = nullptr;
      from.place = nullptr;
    }
  };
  const departure on_leaving{*about};
  try {
    // Nobody can wait for it: getaddrinfo may block for half a minute, and whoever asked may go at any time.
    std::thread{[about, host, port] { answer(about, ask_system(host, port)); }}.detach();
  } catch (const std::system_error& failure) {
    co_return std::unexpected{std::string{failure.what()}};
  }
  co_await place.wait(loop.deadlines(), deadline);
  co_return std::move(about->answer);
}

}  // namespace

resolver system_resolver(transport::loop& loop) {
  return [&loop](std::string host, std::uint16_t port, time::instant deadline) {
    return look_up(loop, std::move(host), port, deadline);
  };
}

}  // namespace gateway::store::redis
