#include "store/redis/link.hpp"

#include <exception>
#include <utility>

namespace gateway::store::redis {

using transport::task;

task<> link::keep() {
  for (;;) {
    const auto rest = co_await one_connection();
    transport::parking pause{loop().ready()};
    co_await pause.wait(loop().deadlines(), loop().now() + rest);
  }
}

task<std::expected<opened, std::string>> link::try_open() {
  try {
    auto made = co_await open(parts_.network, parts_.place, parts_.identity, parts_.options.connection,
                              loop().now() + parts_.options.connect_timeout);
    co_return std::move(made);
  } catch (const std::exception& failure) {
    co_return std::unexpected{std::string{failure.what()}};
  }
}

// From the attempt to its end; how long to rest then.
task<time::duration> link::one_connection() {
  auto made = co_await try_open();
  if (!made) {
    const auto rest = backoff_.failed(parts_.uniform());
    parts_.observer.connect_failed(made.error(), rest);
    co_return rest;
  }
  opened_ = std::move(*made);
  const auto since = loop().now();
  parts_.observer.connected(opened_->facts);
  user_.up(*opened_->connection);
  const auto why = co_await opened_->connection->over();
  user_.down();
  opened_.reset();
  const auto rest = backoff_.ended(loop().now() - since, parts_.uniform());
  parts_.observer.disconnected(why, rest);
  co_return rest;
}

}  // namespace gateway::store::redis
