#include "telemetry/otlp.hpp"

#include <boost/json.hpp>

#include <optional>

#include "foundation/json/write.hpp"

namespace gateway::telemetry {
namespace {

void begin_attribute(std::string& out, std::string_view key) {
  if (out.back() != '[') out += ',';
  out += R"({"key":")";
  out += key;
  out += R"(","value":{)";
}

// Left out where there is nothing to say.
void text(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  begin_attribute(out, key);
  out += R"("stringValue":)";
  json::append_string(out, value);
  out += "}}";
}

void number(std::string& out, std::string_view key, std::uint64_t value) {
  begin_attribute(out, key);
  out += R"("intValue":")" + std::to_string(value) + R"("}})";
}

// Left out where it is not so.
void truth(std::string& out, std::string_view key, bool value) {
  if (!value) return;
  begin_attribute(out, key);
  out += R"("boolValue":true}})";
}

bool failed(const trace::span& one) noexcept {
  const unsigned from = one.kind == trace::span_kind::client ? 400 : 500;
  return one.status >= from || !one.end.empty();
}

// The pattern with what is known put in; nothing where something is not.
std::optional<std::string> path_of(const trace::span& one) {
  std::string path{one.route};
  const auto put = [&path](std::string_view place, std::string_view value) {
    const auto at = path.find(place);
    if (at == std::string::npos) return true;
    if (value.empty()) return false;
    path.replace(at, place.size(), value);
    return true;
  };
  if (!put("{account}", one.account.view()) || !put("{id}", one.session.view())) return std::nullopt;
  if (path.empty() || path.contains('{')) return std::nullopt;
  return path;
}

void append_name(std::string& out, const trace::span& one) {
  if (!one.name.empty()) return json::append_string(out, one.name);
  std::string name{one.method == "_OTHER" ? std::string_view{"HTTP"} : one.method};
  if (!one.route.empty()) name += " " + std::string{one.route};
  json::append_string(out, name);
}

void append_attributes(std::string& out, const trace::span& one) {
  out += '[';
  if (one.kind != trace::span_kind::internal) {
    text(out, "http.request.method", one.method);
    text(out, one.kind == trace::span_kind::server ? "http.route" : "url.template", one.route);
    text(out, "url.scheme", one.kind == trace::span_kind::client ? "https" : "");
    if (one.kind == trace::span_kind::server)
      if (const auto path = path_of(one)) text(out, "url.path", *path);
    if (one.status != 0) number(out, "http.response.status_code", one.status);
    if (one.resend != 0) number(out, "http.request.resend_count", one.resend);
    text(out, "server.address", one.server.view());
    if (one.port != 0) number(out, "server.port", one.port);
  }
  if (failed(one)) text(out, "error.type", !one.end.empty() ? one.end : std::to_string(one.status));
  text(out, "onboarding_gateway.account", one.account.view());
  text(out, "onboarding_gateway.caller", one.caller.view());
  text(out, "onboarding_gateway.problem", one.problem);
  text(out, "onboarding_gateway.effect", one.effect);
  text(out, "onboarding_gateway.session_id", one.session.view());
  text(out, "onboarding_gateway.request_id", one.request_id.view());
  truth(out, "onboarding_gateway.caller_left", one.caller_left);
  out += ']';
}

std::string nanoseconds(time::instant at, time::instant now, time::wall_instant wall) {
  const auto when = wall.time_since_epoch() + (at - now);
  return std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(when).count());
}

void append_span(std::string& out, const trace::span& one, time::instant now, time::wall_instant wall) {
  out += R"({"traceId":")";
  out += one.own.trace();
  out += R"(","spanId":")";
  out += one.own.span();
  if (one.has_parent) {
    out += R"(","parentSpanId":")";
    out.append(one.parent.data(), one.parent.size());
  }
  out += R"(","name":)";
  append_name(out, one);
  out += R"(,"kind":)" + std::to_string(std::to_underlying(one.kind));
  out += R"(,"startTimeUnixNano":")" + nanoseconds(one.began, now, wall);
  out += R"(","endTimeUnixNano":")" + nanoseconds(one.ended, now, wall);
  out += R"(","attributes":)";
  append_attributes(out, one);
  out += failed(one) ? R"(,"status":{"code":2}})" : R"(,"status":{}})";
}

}  // namespace

std::string render(std::span<const trace::span> spans, const resource& from, time::instant now,
                   time::wall_instant wall) {
  std::string out;
  out.reserve(512 + spans.size() * 1024);
  out += R"({"resourceSpans":[{"resource":{"attributes":[)";
  text(out, "service.name", "onboarding-gateway");
  text(out, "service.version", from.version);
  text(out, "service.instance.id", from.instance);
  out += R"(]},"scopeSpans":[{"scope":{"name":"onboarding-gateway"},"spans":[)";
  for (const auto& one : spans) {
    if (&one != spans.data()) out += ',';
    append_span(out, one, now, wall);
  }
  out += "]}]}]}";
  return out;
}

std::uint64_t rejected_spans(std::string_view answer) noexcept {
  boost::system::error_code error;
  const auto read = boost::json::parse({answer.data(), answer.size()}, error);
  if (error || !read.is_object()) return 0;
  const auto* const partial = read.as_object().if_contains("partialSuccess");
  if (partial == nullptr || !partial->is_object()) return 0;
  const auto* const rejected = partial->as_object().if_contains("rejectedSpans");
  if (rejected == nullptr) return 0;
  if (rejected->is_string()) return std::strtoull(rejected->as_string().c_str(), nullptr, 10);
  const auto number = boost::json::try_value_to<std::uint64_t>(*rejected);
  return number ? *number : 0;
}

}  // namespace gateway::telemetry
