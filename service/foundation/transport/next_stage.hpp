#pragma once

#include <coroutine>

#include "foundation/transport/ready_list.hpp"

namespace gateway::transport {

// Between two stages of a coroutine's work: those that became ready together with it come as far as it has, and then it
// goes on. So a stage's code runs for all of them in a row. A request goes through six times as much code as the
// processor's first cache holds, and with each taken to its next wait before the others none found any of it there
// (cohort scheduling: Larus and Parkes, "Using Cohort Scheduling to Enhance Server Performance", USENIX 2002).
//
// Within one turn of the loop: its time stands still and no event comes in between, but others of the turn run. Where
// nobody else is ready it is no wait at all. Whoever waits may be destroyed: it leaves the list.
//
//     co_await next_stage{loop.ready()};
class next_stage final : public ready_item {
 public:
  explicit next_stage(ready_list& list) noexcept : list_{&list} {}

  bool await_ready() const noexcept { return list_->alone(); }
  void await_suspend(std::coroutine_handle<> who) noexcept {
    auto& list = *list_;
    waiting_ = who;
    list.push_next(*this);
  }
  void await_resume() const noexcept {}

  void run() override { waiting_.resume(); }

 private:
  union {  // each of the frames that a request waits in has room for one of these
    ready_list* list_;
    std::coroutine_handle<> waiting_;  // from `await_suspend` on
  };
};

}  // namespace gateway::transport
