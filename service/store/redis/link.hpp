#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "foundation/transport/background.hpp"
#include "store/redis/backoff.hpp"
#include "store/redis/observer.hpp"
#include "store/redis/place.hpp"

namespace gateway::store::redis {

struct link_options {
  // From the name to the end of the handshake.
  time::duration connect_timeout = std::chrono::seconds{2};
  backoff_options reconnect;
  connection_options connection;
};

// Keeps one connection open: opens it in the background, and again, with back-off, whenever it is over. Nobody's
// request waits for that. Of one loop.
class link final {
 public:
  struct parts {
    redis::network network;
    redis::place place;
    redis::identity identity;
    link_options options;
    std::function<double()> uniform;  // [0, 1)
    redis::observer& observer;
  };
  // Whose connection it is.
  class user {
   public:
    virtual void up(connection& now) = 0;
    virtual void down() noexcept = 0;  // the connection that was up is still there, and goes next

   protected:
    ~user() = default;
  };

  link(parts given, user& whose) : parts_{std::move(given)}, user_{whose}, backoff_{parts_.options.reconnect} {}
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  // Once; begins the first attempt.
  void start() { keeping_.emplace(keep()); }

  // Takes commands now; null where there is none.
  redis::connection* connection() const noexcept {
    return opened_ && opened_->connection->usable() ? opened_->connection.get() : nullptr;
  }
  // Of the connection that is up, else null.
  const server_facts* facts() const noexcept { return connection() != nullptr ? &opened_->facts : nullptr; }

  transport::loop& loop() const noexcept { return parts_.network.loop; }
  redis::observer& observer() const noexcept { return parts_.observer; }

 private:
  transport::task<> keep();
  transport::task<std::expected<opened, std::string>> try_open();
  transport::task<time::duration> one_connection();

  parts parts_;
  user& user_;
  backoff backoff_;
  std::optional<opened> opened_;
  std::optional<transport::background> keeping_;  // last: it uses all of the above
};

}  // namespace gateway::store::redis
