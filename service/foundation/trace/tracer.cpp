#include "foundation/trace/tracer.hpp"

#include <charconv>

namespace gateway::trace {

bool in_share(const context& of, double ratio) noexcept {
  constexpr std::size_t digits = 13;
  const auto tail = of.trace().substr(of.trace().size() - digits);
  std::uint64_t number = 0;
  std::from_chars(tail.data(), tail.data() + tail.size(), number, 16);
  return static_cast<double>(number) < ratio * static_cast<double>(std::uint64_t{1} << 52);
}

place tracer::begin(std::string_view traceparent) {
  place out;
  if (const auto came = parse_traceparent(traceparent)) {
    out.parent = came->span_id;
    out.has_parent = true;
    out.own = child(*came);
    return out;
  }
  out.own = start(random_);
  out.own.sampled = ratio_ > 0 && in_share(out.own, ratio_);
  return out;
}

}  // namespace gateway::trace
