#include "app/upstream_instrument.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "foundation/random/uuid.hpp"
#include "foundation/secrets/sha256.hpp"

namespace gateway::app {

namespace {

constexpr std::array all_operations{dispatch::operation::create_session, dispatch::operation::read_session,
                                    dispatch::operation::create_user, dispatch::operation::read_devices};

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

}  // namespace

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
        &parts_.shard.at(parts_.families.upstream_answers_unusable_total, parts_.account, to_string(what));
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
        return parts_.shard.at(parts_.families.upstream_requests_total, parts_.account, to_string(what), code);
      });
}

void upstream_instrument::exchanged(const dispatch::errand& of, unsigned status, bool reused,
                                    const upstream::exchange_result& result) {
  (reused ? over_reused_ : over_new_).add();
  if constexpr (metrics::counting) answers_of(of.what, status, result.end).add();
  if (result.reason.empty()) return;  // it was answered, and not with a 5xx
  if (parts_.log.enabled(journal::level::debug))
    parts_.log.debug("an exchange failed", {{"account", parts_.account},
                                            {"operation", to_string(of.what)},
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
        {.caller = caller, .origin = of.origin, .trace_id = of.trace.trace()}, errors::effect::unknown);
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

}  // namespace gateway::app
