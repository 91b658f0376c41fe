#include "app/instruments.hpp"

#include "app/severity.hpp"
#include "foundation/random/uuid.hpp"
#include "foundation/secrets/sha256.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace gateway::app {
namespace {

std::string_view name_of(dispatch::operation what) noexcept {
  switch (what) {
    case dispatch::operation::create_session:
      return "create_session";
    case dispatch::operation::read_session:
      return "read_session";
    case dispatch::operation::create_user:
      return "create_user";
    case dispatch::operation::read_devices:
      return "read_devices";
  }
  return {};
}

constexpr std::array all_operations{dispatch::operation::create_session, dispatch::operation::read_session,
                                    dispatch::operation::create_user, dispatch::operation::read_devices};

std::string_view trace_id_of(const trace::context& of) noexcept {
  return of.trace_id[0] == '\0' ? std::string_view{} : of.trace();
}

// For a line that leaves out what it does not know.
std::optional<std::string_view> known(std::string_view text) noexcept {
  return text.empty() ? std::nullopt : std::optional{text};
}

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

// Tells equal keys of one caller apart from others, and not what they are.
std::array<char, 16> fingerprint_of(std::string_view caller, std::string_view key) {
  std::array<char, 16> text{};
  if (key.empty()) return text;
  std::string both{caller};
  both += '\0';
  both += key;
  const auto digest = secrets::sha256(both);
  random::write_hex(std::as_bytes(std::span{digest}.first(text.size() / 2)), text.data());
  return text;
}

// An audit line's message, of what nobody knows.
constexpr std::string_view unknown_outcome(bool of_user) noexcept {
  return of_user ? "user may have been created" : "session may have been created";
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

void storm::happened(time::instant now, std::string_view reason, const dispatch::errand* of) {
  if (repetition_.say(now)) {
    log_.warn(message_, {{"account", account_},
                         {"operation", of == nullptr ? std::nullopt : known(name_of(of->what))},
                         {"reason", reason},
                         {"request_id", of == nullptr ? std::nullopt : known(of->origin.request.view())},
                         {"trace_id", of == nullptr ? std::nullopt : known(trace_id_of(of->trace))}});
    return;
  }
  summarised_.add();
  note_reason(reason);
  what_.reset();
  trace_ = {};
  origin_ = {};
  if (of == nullptr) return;
  what_ = of->what;
  trace_ = of->trace;
  origin_ = of->origin;
}

void storm::note_reason(std::string_view reason) {
  reason_ = reason;
  const auto known = std::ranges::find(unsaid_, reason, &unsaid::reason);
  if (known != unsaid_.end())
    ++known->times;
  else if (unsaid_.size() < most_reasons)
    unsaid_.push_back({std::string{reason}, 1});
  else
    ++of_other_reasons_;
}

// Where there was more than one: "answered 500 (12), answered 503 (3)".
std::string storm::reasons() const {
  std::string all;
  if (unsaid_.size() < 2) return all;
  for (const auto& one : unsaid_)
    all += (all.empty() ? "" : ", ") + one.reason + " (" + std::to_string(one.times) + ")";
  if (of_other_reasons_ > 0) all += ", others (" + std::to_string(of_other_reasons_) + ")";
  return all;
}

void storm::tell(time::instant now) {
  const auto many = repetition_.due(now);
  if (!many) return;
  const auto within = std::chrono::duration_cast<std::chrono::seconds>(repetition_.interval()).count();
  const auto all = reasons();
  log_.warn(message_, {{"account", account_},
                       {"operation", what_ ? known(name_of(*what_)) : std::nullopt},
                       {"reason", reason_},
                       {"reasons", known(all)},
                       {"request_id", known(origin_.request.view())},
                       {"trace_id", known(trace_id_of(trace_))},
                       {"times", *many},
                       {"within_s", within}});
  unsaid_.clear();
  of_other_reasons_ = 0;
}

upstream_instrument::upstream_instrument(parts given)
    : parts_{std::move(given)},
      exchanges_failing_{parts_.log, parts_.shard.at(parts_.families.log_lines_summarised_total), parts_.account,
                         "upstream exchange failed"},
      connects_failing_{parts_.log, parts_.shard.at(parts_.families.log_lines_summarised_total), parts_.account,
                        "upstream connection failed"},
      pausing_{parts_.log, parts_.shard.at(parts_.families.log_lines_summarised_total), parts_.account,
               "account paused: Podero asked for it"},
      foreign_members_{parts_.log, parts_.shard.at(parts_.families.log_lines_summarised_total), parts_.account,
                       "Podero sends a member named gateway; ours stands"},
      unusable_answers_{parts_.log, parts_.shard.at(parts_.families.log_lines_summarised_total), parts_.account,
                        "Podero's answer cannot be used"},
      over_new_{parts_.shard.at(parts_.families.upstream_connection_uses_total, parts_.account, "new")},
      over_reused_{parts_.shard.at(parts_.families.upstream_connection_uses_total, parts_.account, "reused")},
      admitted_{parts_.shard.at(parts_.families.permits_total, parts_.account, "admitted")},
      queued_{parts_.shard.at(parts_.families.permits_total, parts_.account, "queued")},
      refused_{parts_.shard.at(parts_.families.permits_total, parts_.account, "refused")},
      created_{parts_.shard.at(parts_.families.sessions_total, parts_.account, "created")},
      reused_{parts_.shard.at(parts_.families.sessions_total, parts_.account, "reused")},
      replayed_{parts_.shard.at(parts_.families.sessions_total, parts_.account, "replayed")},
      completed_{parts_.shard.at(parts_.families.sessions_total, parts_.account, "completed")},
      foreign_{parts_.shard.at(parts_.families.upstream_foreign_members_total, parts_.account)},
      store_{parts_.shard.at(parts_.families.stage_duration_seconds, "store", parts_.account)} {
  for (const auto what : all_operations) {
    unusable_.at(static_cast<std::size_t>(what)) =
        &parts_.shard.at(parts_.families.upstream_answers_unusable_total, parts_.account, name_of(what));
    // There before the first one: of a counter that is born with its value no increase is seen.
    answers_of(what, 429, upstream::exchange_end::answered);
  }
}

metrics::counter& upstream_instrument::answers_of(dispatch::operation what, unsigned status,
                                                  upstream::exchange_end end) {
  return exchanges_.get(
      metrics::pack(static_cast<std::uint8_t>(what), static_cast<std::uint8_t>(end),
                    static_cast<std::uint16_t>(status)),
      [&]() -> metrics::counter& {
        const auto code = status == 0 ? std::string{upstream::to_string(end)} : std::to_string(status);
        return parts_.shard.at(parts_.families.upstream_requests_total, parts_.account, name_of(what), code);
      });
}

void upstream_instrument::exchanged(const dispatch::errand& of, unsigned status, bool reused,
                                    const upstream::exchange_result& result) {
  (reused ? over_reused_ : over_new_).add();
  if constexpr (metrics::counting) answers_of(of.what, status, result.end).add();
  if (result.reason.empty()) return;  // it was answered, and not with a 5xx
  if (parts_.log.enabled(journal::level::debug))
    parts_.log.debug("an exchange failed", {{"account", parts_.account},
                                            {"operation", name_of(of.what)},
                                            {"end", upstream::to_string(result.end)},
                                            {"sent", result.sent},
                                            {"reason", result.reason}});
  exchanges_failing_.happened(parts_.loop.now(), result.reason, &of);
}

void upstream_instrument::repeated(dispatch::operation, std::string_view reason) {
  // Found once: the shard's lock is for what is new, and a scrape may hold it.
  auto known = std::ranges::find(retries_, reason, &std::pair<std::string_view, metrics::counter*>::first);
  if (known == retries_.end())
    known = retries_.insert(known, {reason, &parts_.shard.at(parts_.families.retries_total, parts_.account, reason)});
  known->second->add();
}

void upstream_instrument::permitted(dispatch::operation, std::string_view decision) {
  (decision == "admitted" ? admitted_ : decision == "queued" ? queued_ : refused_).add();
}

void upstream_instrument::paused(time::duration how_long) {
  pausing_.happened(parts_.loop.now(),
                    "for " + std::to_string(std::chrono::ceil<std::chrono::seconds>(how_long).count()) + " s");
}

void upstream_instrument::connect_failed(const dispatch::errand& of, std::string_view reason) {
  connects_failing_.happened(parts_.loop.now(), reason, &of);
}

void upstream_instrument::circuit_changed(dispatch::circuit_state now, std::string_view reason) {
  if (now == dispatch::circuit_state::closed)
    parts_.log.info("circuit closed: Podero answers again", {{"account", parts_.account}});
  else
    parts_.log.warn("circuit open: Podero fails and is not asked for a while",
                    {{"account", parts_.account}, {"reason", reason}});
}

void upstream_instrument::abandoned(const dispatch::errand& of, std::size_t caller) noexcept {
  if (!dispatch::creates(of.what)) return;
  audit(unknown_outcome(of.what == dispatch::operation::create_user),
        {.caller = caller, .origin = of.origin, .trace_id = trace_id_of(of.trace)}, errors::effect::unknown);
}

void upstream_instrument::foreign_member_dropped() {
  foreign_.add();
  foreign_members_.happened(parts_.loop.now(), "dropped");
}

void upstream_instrument::tell_storms() {
  for (auto* each : {&exchanges_failing_, &connects_failing_, &pausing_, &foreign_members_, &unusable_answers_})
    each->tell(parts_.loop.now());
}

void upstream_instrument::unusable(dispatch::operation what, std::string_view reason) {
  unusable_[static_cast<std::size_t>(what)]->add();
  unusable_answers_.happened(parts_.loop.now(), reason);
}

void upstream_instrument::created(const onboarding::made_session& what) {
  if (!what.of_user) created_.add();
  audit(what.of_user ? "user created" : "session created", what, errors::effect::created);
}

void upstream_instrument::unaccounted(const onboarding::made_session& what, errors::effect how) {
  if (how == errors::effect::unknown)
    audit(unknown_outcome(what.of_user), what, how);
  else
    audit(what.of_user ? "user created, its answer cannot be used" : "session created, its answer cannot be used", what,
          how);
}

// A line for each thing that was made, or may have been: not for each request that hears of it.
void upstream_instrument::audit(std::string_view message, const onboarding::made_session& what, errors::effect how) {
  if (!parts_.audit) return;
  const auto& caller = parts_.callers[what.caller];
  const auto fingerprint = fingerprint_of(caller, what.idempotency_key);
  journal::audit_entry entry;
  entry.at = parts_.loop.wall_now();
  entry.message = message;
  entry.request_id = what.origin.request.view();
  entry.line = what.origin.line;
  entry.trace_id = what.trace_id;
  entry.caller = caller;
  entry.account = parts_.account;
  entry.effect = errors::to_string(how);
  entry.session = what.id;
  if (!what.idempotency_key.empty()) entry.key_fingerprint = {fingerprint.data(), fingerprint.size()};
  parts_.lines.append(entry);
  if (parts_.lines.should_flush()) parts_.lines.flush();
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
