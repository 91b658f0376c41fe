#include "app/recent_traffic.hpp"

#include <algorithm>

namespace gateway::app {
namespace {

bool same_sort(const problem_seen& a, const problem_seen& b) {
  return a.problem == b.problem && a.guard == b.guard && a.account == b.account && a.caller == b.caller &&
         a.route == b.route && a.effect == b.effect;
}

}  // namespace

recent_traffic::recent_traffic(listener::request_observer& next, const time::clock& clock, std::size_t callers)
    : next_{next}, clock_{clock}, by_caller_(callers) {
  problems_.reserve(most_problems);
}

void recent_traffic::answered(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages,
                              unsigned upstream_status) {
  next_.answered(x, took, stages, upstream_status);
  if (x.caller_number > 0 && x.caller_number <= by_caller_.size()) {
    auto& of = by_caller_[x.caller_number - 1U];
    auto& one = x.reply.status < 400 ? of.served : x.reply.status < 500 || x.guard ? of.refused : of.failed;
    one.add();
  }
  if (!x.problem.empty())
    note_problem({x.route, x.caller, x.account, x.problem, x.reply.status, x.guard, x.effect, x.request_id.view()});
}

void recent_traffic::answered(const listener::answered_line& line) {
  next_.answered(line);
  if (line.problem)
    note_problem({"create_batch", line.caller, line.account, errors::row(*line.problem).name, line.status, line.guard,
                  line.effect, line.request_id});
}

void recent_traffic::note_problem(const sort& x) {
  const std::lock_guard lock{mutex_};
  auto place = std::ranges::find_if(problems_, [&](const problem_seen& p) {
    return p.problem == x.problem && p.guard == x.guard && p.account == x.account && p.caller == x.caller &&
           p.route == x.route && p.effect == x.effect;
  });
  const auto now = clock_.now();
  if (place == problems_.end()) {
    if (problems_.size() < most_problems)
      place = problems_.insert(problems_.end(), problem_seen{});
    else
      place = std::ranges::min_element(problems_, {}, &problem_seen::last);
    place->route = x.route;
    place->caller = x.caller;
    place->account = x.account;
    place->problem = x.problem;
    place->status = x.status;
    place->guard = x.guard;
    place->effect = x.effect;
    place->times = 0;
    place->first = now;
  }
  ++place->times;
  place->last = now;
  place->request_id = x.request_id;
}

void recent_traffic::append_problems(std::vector<problem_seen>& into) const {
  const std::lock_guard lock{mutex_};
  into.insert(into.end(), problems_.begin(), problems_.end());
}

void recent_traffic::make_room_for(std::size_t callers) {
  const std::lock_guard lock{mutex_};
  while (by_caller_.size() < callers) by_caller_.emplace_back();
}

caller_totals recent_traffic::totals(std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  if (caller >= by_caller_.size()) return {};
  const auto& of = by_caller_[caller];
  return {of.served.value(), of.refused.value(), of.failed.value()};
}

std::vector<problem_seen> merged(std::vector<problem_seen> problems) {
  std::ranges::sort(problems, std::greater{}, &problem_seen::last);
  std::vector<problem_seen> all;
  for (auto& one : problems) {
    const auto there = std::ranges::find_if(all, [&](const problem_seen& p) { return same_sort(p, one); });
    if (there == all.end()) {
      all.push_back(std::move(one));
      continue;
    }
    there->times += one.times;
    there->first = std::min(there->first, one.first);
  }
  if (all.size() > recent_traffic::most_problems) all.resize(recent_traffic::most_problems);
  return all;
}

}  // namespace gateway::app
