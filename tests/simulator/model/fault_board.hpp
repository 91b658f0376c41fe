#pragma once

#include "simulator/model/calendar.hpp"
#include "simulator/model/fault_rule.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace simulator {

// What the rules have decided for one request or one connection. Where several rules set the same thing, the oldest
// rule's word stands.
struct fault_effects {
  bool any = false;
  std::chrono::milliseconds latency{0};
  fault_action action;  // its latency is decided already
};

// What a rule's action makes of the true answer. `work` is not called where the fault comes before the work.
template <class Work>
response apply(const fault_effects& effects, wall_instant now, Work&& work);

// The fault rules that are in force.
class fault_board {
 public:
  std::uint64_t add(fault_rule rule);  // its id, from 1 on
  bool remove(std::uint64_t id);
  std::size_t clear();
  std::string to_json() const;

  fault_effects draw_for_request(operation op);
  fault_effects draw_for_connection();

 private:
  struct entry {
    std::uint64_t id;
    fault_rule rule;
    std::mt19937_64 randomness;
    std::uint64_t seen = 0;
    std::uint64_t fired = 0;
  };

  static bool fires(entry& e);
  static void merge(fault_effects& into, entry& from);

  std::vector<entry> entries_;
  std::uint64_t last_id_ = 0;
};

// The answer that stands in for the true one: the rule's status, with a body in the API's style unless it brings one.
response stand_in(const fault_action& action);

// Body, headers and Retry-After of the rule put into an answer, and what happens to its bytes.
void decorate(response& answer, const fault_effects& effects, wall_instant now);

template <class Work>
response apply(const fault_effects& effects, wall_instant now, Work&& work) {
  const auto& action = effects.action;
  response answer;
  if (!action.status || action.after_work) answer = work();
  if (action.status) answer = stand_in(action);
  if (effects.any) decorate(answer, effects, now);
  return answer;
}

}  // namespace simulator
