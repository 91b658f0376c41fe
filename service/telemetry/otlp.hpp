#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "foundation/trace/span.hpp"

namespace gateway::telemetry {

// Who says it: attributes of OpenTelemetry's resource.
struct resource {
  std::string version;
  std::string instance;  // tells the replicas apart
};

// Spans as an ExportTraceServiceRequest in OTLP's JSON form: identifiers in hexadecimal, 64-bit integers as strings,
// enumerations as numbers (OTLP 1.x, "JSON Protobuf Encoding"); attributes by the semantic conventions for HTTP. A path
// is given only where it consists of what we know: callers may put anything into one. `wall` is what the calendar says
// at `now`. Pure.
std::string render(std::span<const trace::span> spans, const resource& from, time::instant now,
                   time::wall_instant wall);

// How many spans a collector's answer of success says that it did not take (`partialSuccess`); 0 where it says nothing.
std::uint64_t rejected_spans(std::string_view answer) noexcept;

}  // namespace gateway::telemetry
