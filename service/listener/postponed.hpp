#pragma once

#include <string>

#include "foundation/transport/task.hpp"
#include "listener/exchange.hpp"

namespace gateway::listener {

// A request whose answer comes later, in a fraction of the memory that a request takes while it is handled: of those
// who wait for somebody in a browser there may be ten thousand. The handler adds what it needs to answer.
class postponed {
 public:
  postponed() = default;
  virtual ~postponed() = default;
  postponed(const postponed&) = delete;
  postponed& operator=(const postponed&) = delete;

  // Until it can be answered. Destroying the task is giving up. The result is always true.
  virtual transport::task<bool> wait() = 0;

  // Keeps what is still needed of the request, and puts it back into another exchange.
  void keep(const exchange& from, std::string came_behind_it);
  void restore(exchange& into);

 private:
  trace::request_id request_id_;
  time::instant began_{};
  request_facts facts_;
  http::verb method_ = http::verb::unknown;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  std::string following_;  // the beginning of the next request
};

}  // namespace gateway::listener
