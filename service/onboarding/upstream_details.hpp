#pragma once

#include "foundation/errors/problem.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gateway::onboarding {

// What Podero's error body says, in a form that may be shown: bounded in number and length, without control characters.
struct upstream_details {
  std::string text;                   // `detail` where it is a string; empty: none
  std::vector<errors::fault> faults;  // `detail` where it is a list: one per entry, with a JSON Pointer made from `loc`
};

// Of any bytes: {"detail": "..."}, {"detail": [{"type", "loc", "msg"}, ...]}, or something else, which gives nothing.
upstream_details read_details(std::string_view body);

}  // namespace gateway::onboarding
