#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/transport/parking.hpp"
#include "http2/connection.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

// Where a pool's connections come from: each is one of its own, or a place on an HTTP/2 connection that several share.
// What the server speaks is known after the first handshake, so others wait for that, and where it is HTTP/2, for every
// one: a crowd that finds nothing open shakes hands once and not once for each. Of one loop.
class connection_source {
 public:
  // All outlive it, and it outlives what it opens. A shared connection takes on no others once it is as old as
  // `max_age`.
  connection_source(network net, const target& where, time::duration max_age) noexcept
      : net_{net}, target_{where}, max_age_{max_age} {}

  // Until `deadline`. Destroying the task ends it where it is; if others wait for the same connection, one of them
  // opens it. Where it fails they all hear why.
  transport::task<opened> open(time::instant deadline);
  // Those that are open and shared.
  std::size_t shared_connections() const noexcept;

 private:
  struct waiter;
  class turn;
  struct shared {
    std::weak_ptr<http2::connection> connection;
    time::instant old_at;
  };

  std::unique_ptr<transport::channel> take_place();
  transport::task<opened> open_own(time::instant deadline, turn* alone);

  network net_;
  const target& target_;
  const time::duration max_age_;
  bool http11_ = false;   // is what the server took last
  bool opening_ = false;  // somebody does, and others may wait for it
  std::list<waiter*> waiting_;
  std::vector<shared> shared_;  // the last opened last
};

}  // namespace gateway::upstream
