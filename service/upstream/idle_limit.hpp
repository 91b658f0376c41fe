#pragma once

#include <chrono>
#include <optional>

#include "foundation/http/head.hpp"
#include "foundation/time/clock.hpp"

namespace gateway::upstream {

// What an answer says about how long its server keeps an idle connection: the timeout of `Keep-Alive: timeout=5,
// max=100`. Nothing where it says nothing, or nothing sane.
std::optional<std::chrono::seconds> kept_idle_for(const http::answer_head& head) noexcept;

// Learns after how long a server closes idle connections, so that ours are closed first: a request that meets the
// server's close on the way fails, and a creation must not be sent twice (lessons.md, 13). It knows it from what the
// server says, and from the ages at which it closes. A decision: it asks no clock.
//
// An age at which an idle connection was closed is believed at once and for `suspect_for`; the same age again, later,
// confirms it for `confirmed_for`. Then longer rests are tried again, for servers change and a restart closes
// connections of any age. What survives longer than such an age refutes it.
class idle_limit {
 public:
  static constexpr time::duration suspect_for = std::chrono::minutes{10};
  static constexpr time::duration confirmed_for = std::chrono::hours{6};

  explicit idle_limit(time::duration configured) noexcept : configured_{configured} {}

  // An answer said so.
  void advertised(std::chrono::seconds timeout) noexcept { advertised_ = timeout; }
  // The server closed a connection that had rested for `rested` since its last answer. `longest`: how long the one has
  // rested that rests longest of those it did not close; where that is more, it was no idle limit.
  void closed_after(time::duration rested, time::duration longest, time::instant now) noexcept;
  // An exchange went well on a connection that had rested for so long.
  void survived(time::duration rested) noexcept;

  // How long a connection may rest from `now` on: below what the server allows, by a margin, and never longer than
  // configured.
  time::duration at(time::instant now) const noexcept;

 private:
  struct observation {
    time::duration age{};
    time::instant seen_at{};
    bool confirmed = false;
  };
  bool believed(time::instant now) const noexcept;

  time::duration configured_;
  std::optional<time::duration> advertised_;
  std::optional<observation> seen_;
};

}  // namespace gateway::upstream
