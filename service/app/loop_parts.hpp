#pragma once

#include "foundation/journal/output.hpp"
#include "foundation/random/source.hpp"
#include "foundation/trace/span_queue.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/socket.hpp"
#include "upstream/target.hpp"

namespace gateway::app {

// What a loop runs on. Outlives everything that is built on it.
struct loop_parts {
  transport::loop& loop;
  transport::connector& connector;
  upstream::resolver& names;
  random::source& randomness;
  journal::output& lines;
  trace::span_queue* spans = nullptr;  // null: none are exported
};

}  // namespace gateway::app
