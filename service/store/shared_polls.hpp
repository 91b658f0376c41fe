#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "foundation/time/clock.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::store {

// Whether this replica asks Podero for a session now.
struct poll_turn {
  enum class outcome : std::uint8_t {
    yours,  // nobody else does until `ended`
    found,  // another replica has: `upstream_body`, `age` old
    later,  // another replica is at it, or has just been: look again at `again`, or when something changes
    away    // the store does not answer
  } is = outcome::away;
  std::uint64_t number = 0;  // yours: to be said again; found: what is known from now on
  std::string upstream_body{};
  time::duration age{0};
  time::instant again{};
};

// What replicas tell each other of the sessions that callers wait for, so that however many there are one of them asks.
class shared_polls {
 public:
  virtual ~shared_polls() = default;

  // `known`: the number of what this replica knows already, 0: nothing. `interval`: not sooner after the last poll.
  virtual transport::task<poll_turn> begin(std::string session, std::uint64_t known, time::duration interval) = 0;
  // Podero's answer; nothing: there was none, and others need not try at once. Whoever lost its turn says nothing with
  // it; a number of 0 is somebody's who asked without one. The result is the number of what was kept, or 0.
  virtual transport::task<std::uint64_t> ended(std::string session, std::uint64_t number,
                                               std::optional<std::string> upstream_body) = 0;
  // Until another replica has something to say of it, or `until`.
  virtual transport::task<bool> changed(std::string session, time::instant until) = 0;
  // True for the first replica that says so of a session.
  virtual transport::task<bool> completed_first(std::string session) = 0;
};

}  // namespace gateway::store
