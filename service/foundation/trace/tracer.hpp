#pragma once

#include <string_view>

#include "foundation/trace/span_queue.hpp"

namespace gateway::trace {

// Where a request stands: our own span, and the one it is a child of, where the caller sent one.
struct place {
  context own;
  std::array<char, 16> parent{};
  bool has_parent = false;

  // Of a request that was refused before anybody could look for its trace.
  bool none() const noexcept { return own.none(); }
};

// What of requests becomes spans, on one loop. Sampling is the caller's word where there is one (parent-based), else a
// share of the new traces, decided by the trace's id so that everybody who decides by it decides alike. Where nothing
// is exported, a caller's trace is continued all the same and ours are never sampled. Loop's thread only.
class tracer {
 public:
  // `to`: where spans go; null: nothing is exported. `ratio`: of new traces, 0 to 1.
  tracer(random::source& randomness, span_queue* to, double ratio) noexcept
      : random_{randomness}, to_{to}, ratio_{to == nullptr ? 0 : ratio} {}

  // For a request with that traceparent; empty or unusable: it begins a trace. Throws what the source throws.
  place begin(std::string_view traceparent);
  // A span below ours, for a request upstream.
  context child(const context& of) { return trace::child(of, random_); }

  // Whether a span of that trace would be kept: asked before one is put together.
  bool records(const context& of) const noexcept { return to_ != nullptr && of.sampled; }
  // Never waits. Of a trace that is not sampled it does nothing.
  void record(const span& one) noexcept {
    if (records(one.own)) to_->push(one);
  }

 private:
  random::source& random_;
  span_queue* to_;
  double ratio_;
};

// Whether a trace of that id belongs to the share: by the last 52 bits of the id, which the specification asks to be
// random (W3C Trace Context level 2, section 3.2.2.3). Pure.
bool in_share(const context& of, double ratio) noexcept;

}  // namespace gateway::trace
