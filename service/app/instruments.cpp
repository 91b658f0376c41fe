#include "app/instruments.hpp"

#include <array>

namespace gateway::app {
namespace {

std::string_view name_of(dispatch::operation what) noexcept {
  return what == dispatch::operation::create_session ? "create_session" : "read_session";
}

std::string_view name_of(upstream::exchange_end end) noexcept {
  switch (end) {
    case upstream::exchange_end::answered:
      return "answered";
    case upstream::exchange_end::lost:
      return "lost";
    case upstream::exchange_end::timed_out:
      return "timed_out";
    case upstream::exchange_end::unusable:
      return "unusable";
  }
  return "lost";
}

// Unknown methods share one name: a label may not hold what a caller makes up.
std::string_view method_of(const listener::exchange& x) noexcept {
  const auto known = boost::beast::http::to_string(x.head.method);
  return x.head.method == http::verb::unknown ? std::string_view{"other"}
                                              : std::string_view{known.data(), known.size()};
}

constexpr unsigned char stage_queue = 0;
constexpr unsigned char stage_token = 1;
constexpr unsigned char stage_connect = 2;
constexpr unsigned char stage_upstream = 3;

}  // namespace

void request_instrument::answered(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages,
                                  unsigned upstream_status) {
  count(x, took, stages);
  if (!log_.enabled(journal::level::info)) return;
  journal::access_entry entry;
  entry.at = clock_.wall_now();
  entry.severity = x.reply.status >= 500 ? journal::level::error : journal::level::info;
  entry.request_id = x.request_id.view();
  entry.caller = x.caller;
  entry.account = x.account;
  entry.route = x.route;
  entry.code = x.reply.status;
  entry.problem = x.problem;
  entry.effect = errors::to_string(x.effect);
  entry.upstream_status = upstream_status;
  entry.duration = took;
  entry.queue = stages.queue;
  entry.token = stages.token;
  entry.connect = stages.connect;
  entry.upstream = stages.upstream;
  lines_.append(entry);
  if (lines_.should_flush()) lines_.flush();
}

void request_instrument::failed(const listener::exchange& x, std::string_view reason) {
  log_.error("a request failed inside the gateway",
             {{"request_id", x.request_id.view()}, {"route", x.route}, {"account", x.account}, {"reason", reason}});
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
  if (x.guard)
    refusals_
        .get(metrics::pack(x.account_number, x.caller_number, *x.guard),
             [&]() -> metrics::counter& {
               return shard_.at(families_.requests_refused_total, x.account, x.caller, errors::to_string(*x.guard));
             })
        .add();
  durations_
      .get(metrics::pack(x.route_number, x.account_number),
           [&]() -> metrics::histogram& { return shard_.at(families_.request_duration_seconds, x.route, x.account); })
      .observe(took);
  const auto stage = [&](unsigned char number, std::string_view name, const std::optional<time::duration>& spent) {
    if (!spent) return;
    stages_
        .get(metrics::pack(number, x.account_number),
             [&]() -> metrics::histogram& { return shard_.at(families_.stage_duration_seconds, name, x.account); })
        .observe(*spent);
  };
  stage(stage_queue, "queue", stages.queue);
  stage(stage_token, "token", stages.token);
  stage(stage_connect, "connect", stages.connect);
  stage(stage_upstream, "upstream", stages.upstream);
}

upstream_instrument::upstream_instrument(std::string account, const metrics::gateway_metrics& families,
                                         metrics::shard& shard, journal::log& log)
    : account_{std::move(account)},
      families_{families},
      shard_{shard},
      log_{log},
      over_new_{shard.at(families.upstream_connection_uses_total, account_, "new")},
      over_reused_{shard.at(families.upstream_connection_uses_total, account_, "reused")},
      admitted_{shard.at(families.permits_total, account_, "admitted")},
      queued_{shard.at(families.permits_total, account_, "queued")},
      refused_{shard.at(families.permits_total, account_, "refused")},
      created_{shard.at(families.sessions_total, account_, "created")},
      reused_{shard.at(families.sessions_total, account_, "reused")},
      replayed_{shard.at(families.sessions_total, account_, "replayed")},
      completed_{shard.at(families.sessions_total, account_, "completed")},
      foreign_{shard.at(families.upstream_foreign_members_total, account_)} {}

void upstream_instrument::exchanged(dispatch::operation what, unsigned status, bool reused,
                                    const upstream::exchange_result& result) {
  (reused ? over_reused_ : over_new_).add();
  const auto end = static_cast<std::uint8_t>(result.end);
  exchanges_
      .get(metrics::pack(static_cast<std::uint8_t>(what), end, static_cast<std::uint16_t>(status)),
           [&]() -> metrics::counter& {
             const auto code = status == 0 ? std::string{name_of(result.end)} : std::to_string(status);
             return shard_.at(families_.upstream_requests_total, account_, name_of(what), code);
           })
      .add();
  if (result.end != upstream::exchange_end::answered)
    log_.warn("upstream exchange failed", {{"account", account_},
                                           {"operation", name_of(what)},
                                           {"end", name_of(result.end)},
                                           {"sent", result.sent},
                                           {"reason", result.reason}});
}

void upstream_instrument::repeated(dispatch::operation, std::string_view reason) {
  shard_.at(families_.retries_total, account_, reason).add();
}

void upstream_instrument::permitted(dispatch::operation, std::string_view decision) {
  (decision == "admitted" ? admitted_ : decision == "queued" ? queued_ : refused_).add();
}

void upstream_instrument::paused(time::duration how_long) {
  log_.warn("account paused: Podero asked for it",
            {{"account", account_}, {"seconds", std::chrono::ceil<std::chrono::seconds>(how_long).count()}});
}

void upstream_instrument::connect_failed(std::string_view reason) {
  log_.warn("upstream connection failed", {{"account", account_}, {"reason", reason}});
}

void upstream_instrument::circuit_changed(dispatch::circuit_state now) {
  if (now == dispatch::circuit_state::closed)
    log_.info("circuit closed: Podero answers again", {{"account", account_}});
  else
    log_.warn("circuit open: Podero fails and is not asked for a while", {{"account", account_}});
}

void upstream_instrument::foreign_member_dropped() {
  foreign_.add();
  log_.warn("Podero sends a member named gateway; ours stands", {{"account", account_}});
}

connection_instrument::connection_instrument(const std::string& account, const metrics::gateway_metrics& families,
                                             metrics::shard& shard)
    : closed_{},
      failed_{shard.at(families.upstream_connections_ended_total, account, "open_failed")},
      full_{shard.at(families.upstream_handshakes_total, account, "full")},
      resumed_{shard.at(families.upstream_handshakes_total, account, "resumed")} {
  for (const auto why : upstream::all_close_reasons)
    closed_[static_cast<std::size_t>(why)] =
        &shard.at(families.upstream_connections_ended_total, account, upstream::to_string(why));
}

token_instrument::token_instrument(std::string account, const metrics::gateway_metrics& families, metrics::shard& shard,
                                   journal::log& log)
    : account_{std::move(account)},
      log_{log},
      renewed_{shard.at(families.token_renewals_total, account_, "renewed")},
      adopted_{shard.at(families.token_renewals_total, account_, "adopted")},
      failed_{shard.at(families.token_renewals_total, account_, "failed")},
      refused_{shard.at(families.token_renewals_total, account_, "refused")},
      full_{shard.at(families.upstream_handshakes_total, account_, "full")},
      resumed_{shard.at(families.upstream_handshakes_total, account_, "resumed")} {}

void token_instrument::renewed(time::duration lifetime) {
  renewed_.add();
  log_.info("token renewed", {{"account", account_},
                              {"lifetime_s", std::chrono::duration_cast<std::chrono::seconds>(lifetime).count()}});
}

void token_instrument::adopted(time::duration left) {
  adopted_.add();
  log_.info("token of another replica adopted",
            {{"account", account_}, {"left_s", std::chrono::duration_cast<std::chrono::seconds>(left).count()}});
}

void token_instrument::failed(const token::trouble& why) {
  (why.refused ? refused_ : failed_).add();
  if (why.refused)
    log_.error("credentials refused", {{"account", account_}, {"reason", why.reason}});
  else
    log_.warn("token renewal failed", {{"account", account_}, {"reason", why.reason}});
}

}  // namespace gateway::app
