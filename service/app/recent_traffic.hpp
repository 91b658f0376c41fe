#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "foundation/metrics/cells.hpp"
#include "listener/api.hpp"

namespace gateway::app {

// One sort of problem that callers were answered with: who, where, what. Not how often each: `times` of them.
struct problem_seen {
  std::string route;
  std::string caller;   // empty: not known
  std::string account;  // empty: about none
  std::string problem;
  unsigned status = 0;
  std::optional<errors::guard> guard{};
  errors::effect effect = errors::effect::none;
  std::uint64_t times = 0;
  time::instant first{};
  time::instant last{};
  std::string request_id;  // of the last
};

// What a caller was answered since the start.
struct caller_totals {
  std::uint64_t served = 0;   // 2xx, and 3xx
  std::uint64_t refused = 0;  // 4xx, and 503 of a guard
  std::uint64_t failed = 0;   // 5xx otherwise
};

// What one loop answered lately, for the operator's page: hears of every answer before the next observer does. Equal
// problems share a place, so that a flood of one does not wash out what else happens; of more than `most_problems`
// sorts the one that was seen longest ago goes. Written on the loop, read on any thread; an answer without a problem
// takes no lock.
class recent_traffic final : public listener::request_observer {
 public:
  static constexpr std::size_t most_problems = 50;

  // `callers`: how many the directory has.
  recent_traffic(listener::request_observer& next, const time::clock& clock, std::size_t callers);

  void answered(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages,
                unsigned upstream_status) override;
  // A line of a batch counts with its problem alone: who sent the batch is answered once.
  void answered(const listener::answered_line& line) override;
  void failed(const listener::exchange& x, std::string_view reason) override { next_.failed(x, reason); }

  // On the loop: of more callers from now on. What was counted stays.
  void make_room_for(std::size_t callers);

  // Any thread.
  void append_problems(std::vector<problem_seen>& into) const;
  caller_totals totals(std::size_t caller) const;

 private:
  struct counts {
    metrics::counter served;
    metrics::counter refused;
    metrics::counter failed;
  };
  struct sort {
    std::string_view route;
    std::string_view caller;
    std::string_view account;
    std::string_view problem;
    unsigned status;
    std::optional<errors::guard> guard;
    errors::effect effect;
    std::string_view request_id;
  };
  void note_problem(const sort& what);

  listener::request_observer& next_;
  const time::clock& clock_;
  mutable std::mutex mutex_;
  std::deque<counts> by_caller_;  // grows under the lock; its counts stay where they are
  std::vector<problem_seen> problems_;
};

// Of several loops as one: equal ones added up, the latest first, `most_problems` at most.
std::vector<problem_seen> merged(std::vector<problem_seen> problems);

}  // namespace gateway::app
