#pragma once

#include "foundation/transport/departure.hpp"
#include "foundation/transport/readiness.hpp"

namespace gateway::listener {

// Watches a connection on which nobody waits, for as long as its request is handled. A caller that has closed its
// direction counts as gone; bytes of its next request do not matter.
class departure_watch final : transport::readiness::observer {
 public:
  departure_watch(transport::readiness& of, transport::departure& who, transport::ready_list& list) noexcept
      : of_{of}, who_{who}, list_{list} {
    look();
    of_.observe(this);
  }
  ~departure_watch() { of_.observe(nullptr); }
  departure_watch(const departure_watch&) = delete;
  departure_watch& operator=(const departure_watch&) = delete;

 private:
  void channel_event() override { look(); }
  void look() noexcept {
    if (of_.has(transport::readiness::hung_up) && !who_.happened()) who_.happen(list_);
  }

  transport::readiness& of_;
  transport::departure& who_;
  transport::ready_list& list_;
};

}  // namespace gateway::listener
