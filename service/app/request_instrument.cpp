#include "app/request_instrument.hpp"

#include <algorithm>

#include "app/severity.hpp"

namespace gateway::app {

namespace {

// Unknown methods share one name: a label may not hold what a caller makes up.
std::string_view method_of(const listener::exchange& x) noexcept {
  const auto known = boost::beast::http::to_string(x.head.method);
  return x.head.method == http::verb::unknown ? std::string_view{"other"}
                                              : std::string_view{known.data(), known.size()};
}

// Where it came from; empty: that is not known any more.
std::string address_of(const listener::exchange& x) {
  const auto address = x.connection == nullptr ? std::nullopt : x.connection->peer_address();
  return address ? address->to_string() : std::string{};
}

std::optional<errors::problem> problem_of(const listener::exchange& x) noexcept {
  if (x.problem_number == 0) return std::nullopt;
  return static_cast<errors::problem>(x.problem_number - 1);
}

constexpr unsigned char stage_queue = 0;
constexpr unsigned char stage_token = 1;
constexpr unsigned char stage_connect = 2;
constexpr unsigned char stage_upstream = 3;

}  // namespace

void request_instrument::answered(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages,
                                  unsigned upstream_status) {
  if constexpr (metrics::counting) count(x, took, stages);
  if (x.abandoned) count_abandoned(x);
  if (tracer_.records(x.trace.own)) note_span(x, took);
  auto severity = severity_of(problem_of(x));
  if (x.lines) severity = std::max(severity, severity_of_lines(x.lines->problems));
  if (!log_.enabled(severity)) return;
  journal::access_entry entry;
  entry.at = loop_.wall_at(x.began + took);
  entry.severity = severity;
  entry.request_id = x.request_id.view();
  if (!x.trace.none()) entry.trace_id = x.trace.own.trace();
  entry.caller = x.caller;
  const auto peer = x.caller.empty() ? address_of(x) : std::string{};
  entry.peer = peer;
  entry.account = x.account.empty() ? x.account_of_path : x.account;
  entry.route = x.route;
  entry.method = method_of(x);
  entry.code = x.reply.status;
  entry.problem = x.problem;
  entry.effect = errors::to_string(x.effect);
  entry.session = x.session.view();
  entry.upstream_status = upstream_status;
  entry.caller_left = x.abandoned;
  if (x.lines)
    entry.batch = journal::batch_entry{.lines = x.lines->lines,
                                       .created = x.lines->created,
                                       .reused = x.lines->reused,
                                       .replayed = x.lines->replayed,
                                       .failed = x.lines->failed,
                                       .complete = x.lines->complete};
  entry.duration = took;
  entry.queue = stages.queue;
  entry.token = stages.token;
  entry.connect = stages.connect;
  entry.upstream = stages.upstream;
  lines_.append(entry);
  if (lines_.should_flush()) lines_.flush();
}

void request_instrument::note_span(const listener::exchange& x, time::duration took) {
  trace::span one;
  one.own = x.trace.own;
  one.parent = x.trace.parent;
  one.has_parent = x.trace.has_parent;
  one.kind = trace::span_kind::server;
  one.began = x.began;
  one.ended = x.began + took;
  one.method = x.head.method == http::verb::unknown ? std::string_view{"_OTHER"} : method_of(x);
  one.route = x.pattern;
  one.status = x.reply.status;
  one.problem = x.problem;
  one.effect = errors::to_string(x.effect);
  one.caller_left = x.abandoned;
  one.account = trace::short_text<64>{x.account.empty() ? x.account_of_path : x.account};
  one.caller = trace::short_text<64>{x.caller};
  one.session = x.session;
  one.request_id = trace::short_text<128>{x.request_id.view()};
  tracer_.record(one);
}

void request_instrument::answered(const listener::answered_line& line) {
  if constexpr (metrics::counting) {
    const auto number = static_cast<std::uint8_t>(line.problem ? std::to_underlying(*line.problem) + 1 : 0);
    lines_of_batches_
        .get(metrics::pack(line.account_number, line.caller_number, line.status, number),
             [&]() -> metrics::counter& {
               return shard_.at(families_.batch_lines_total, line.account, line.caller, std::to_string(line.status),
                                line.problem ? errors::row(*line.problem).name : std::string_view{});
             })
        .add();
    level_.count(line.account_number, line.status, line.problem);
    if (line.guard) refused(line.account_number, line.account, line.caller_number, line.caller, *line.guard);
  }
}

void request_instrument::failed(const listener::exchange& x, std::string_view reason) {
  log_.error("a request failed inside the gateway",
             {{"request_id", x.request_id.view()}, {"route", x.route}, {"account", x.account}, {"reason", reason}});
}

void request_instrument::count_abandoned(const listener::exchange& x) {
  if constexpr (metrics::counting)
    abandoned_
        .get(metrics::pack(x.route_number, x.account_number, x.caller_number),
             [&]() -> metrics::counter& {
               return shard_.at(families_.requests_abandoned_total, x.route, x.account, x.caller);
             })
        .add();
}

void request_instrument::count(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages) {
  const auto method = static_cast<std::uint8_t>(x.head.method);
  const auto code = static_cast<std::uint16_t>(x.reply.status);
  requests_
      .get(metrics::pack(x.route_number, method, code, x.caller_number, x.account_number, x.problem_number),
           [&]() -> metrics::counter& {
             return shard_.at(families_.requests_total, x.route, method_of(x), std::to_string(code), x.caller,
                              x.account, x.problem);
           })
      .add();
  level_.count(x.account_number, code, problem_of(x));
  if (x.guard) refused(x.account_number, x.account, x.caller_number, x.caller, *x.guard);
  auto& whole = durations_.get(metrics::pack(x.route_number, x.account_number), [&]() -> metrics::histogram& {
    return shard_.at(families_.request_duration_seconds, x.route, x.account);
  });
  const bool traced = tracer_.records(x.trace.own);
  const auto observe = [&](metrics::histogram& in, time::duration spent) {
    if (!traced) return in.observe(spent);
    in.observe(spent, x.trace.own.trace(),
               std::chrono::duration_cast<std::chrono::milliseconds>(loop_.wall_now().time_since_epoch()));
  };
  observe(whole, took);
  const auto stage = [&](unsigned char number, std::string_view name, const std::optional<time::duration>& spent) {
    if (!spent) return;
    observe(stages_.get(
                metrics::pack(number, x.account_number),
                [&]() -> metrics::histogram& { return shard_.at(families_.stage_duration_seconds, name, x.account); }),
            *spent);
  };
  stage(stage_queue, "queue", stages.queue);
  stage(stage_token, "token", stages.token);
  stage(stage_connect, "connect", stages.connect);
  stage(stage_upstream, "upstream", stages.upstream);
}

void request_instrument::refused(std::uint8_t account_number, std::string_view account, std::uint16_t caller_number,
                                 std::string_view caller, errors::guard by) {
  refusals_
      .get(metrics::pack(account_number, caller_number, by),
           [&]() -> metrics::counter& {
             return shard_.at(families_.requests_refused_total, account, caller, errors::to_string(by));
           })
      .add();
}

}  // namespace gateway::app
