#include "app/account.hpp"

#include <algorithm>

#include "app/shared_store.hpp"
#include "settings/secret_files.hpp"

namespace gateway::app {
namespace {

constexpr auto longest_pause = std::chrono::hours{24};

// Beyond what one exchange may take: the poll's wait for its turn, a token, and a connection.
constexpr auto poll_margin = std::chrono::seconds{15};
// Beyond what asking the token endpoint may take.
constexpr auto lease_margin = std::chrono::seconds{5};

std::optional<upstream::proxy> proxy_of(const settings::account& from) {
  if (!from.proxy) return std::nullopt;
  return upstream::proxy{.host = from.proxy->host, .port = from.proxy->port, .credentials = {}};
}

upstream::target target_of(const settings::url& url, const settings::account& from,
                           std::shared_ptr<tls::client_context> tls) {
  return {.host = url.host,
          .port = url.port,
          .server_name = from.tls.server_name.value_or(url.host),
          .tls = std::move(tls),
          .proxy = proxy_of(from)};
}

upstream::target api_target_of(const settings::account& from, std::shared_ptr<tls::client_context> tls) {
  auto target = target_of(from.base_url, from, std::move(tls));
  target.http2_streams = from.pool.http2_streams;
  return target;
}

// The token endpoint may be another server, whose certificate has a name of its own.
upstream::target token_target_of(const settings::account& from, std::shared_ptr<tls::client_context> tls) {
  auto target = target_of(from.token.url, from, std::move(tls));
  if (from.token.url.host != from.base_url.host) target.server_name = from.token.url.host;
  return target;
}

onboarding::answer_policy answers_of(const settings::account& from) {
  onboarding::answer_policy policy;
  if (from.connect.base_url) policy.connect_base_url = from.connect.base_url->text();
  for (const auto& [name, path] : from.connect.shortcuts) policy.shortcuts.push_back({name, path});
  policy.expiry_utc_offset = from.expiry_utc_offset.value;
  return policy;
}

dispatch::breaker_options breaker_of(const settings::account& from) {
  const auto& b = from.circuit_breaker;
  return {.window = b.window,
          .min_requests = b.min_requests,
          .failure_ratio = b.failure_ratio,
          .open_for = b.open_for,
          .probe_timeout = from.timeouts.connect + from.timeouts.exchange};
}

dispatch::options ways_of(const std::string& name, const settings::account& from) {
  dispatch::options how;
  how.account = name;
  how.server = from.base_url.host;
  how.port = from.base_url.port;
  how.retries.most_attempts = from.retries.attempts;
  how.longest_pause = from.pause.max;
  how.connect_timeout = from.timeouts.connect;
  how.exchange_timeout = from.timeouts.exchange;
  how.patience = std::min(from.timeouts.exchange, from.timeouts.total);
  return how;
}

onboarding::reuse_rules reuse_of(const settings::account& from) {
  return {from.session_reuse.lifetime, from.session_reuse.scope == settings::reuse_scope::account};
}

std::vector<upstream::override_resolver::rule> rules_of(const settings::account& from) {
  std::vector<upstream::override_resolver::rule> rules;
  for (const auto& o : from.resolve) rules.push_back({o.host, o.port, o.address, o.to_port});
  return rules;
}

std::expected<token::credentials, std::string> read_credentials(const settings::token& from,
                                                                const settings::environment& environment) {
  const auto id = settings::read_again(from.client_id, environment);
  if (!id) return std::unexpected{id.error()};
  auto secret = settings::read_again(from.client_secret, environment);
  if (!secret) return std::unexpected{secret.error()};
  return token::credentials{std::string{id->reveal()}, std::move(*secret)};
}

std::optional<store::redis_token> shared_token_of(const std::string& name, const settings::account& from,
                                                  const loop_parts& home, shared_store* shared) {
  if (shared == nullptr) return std::nullopt;
  return std::optional<store::redis_token>{
      std::in_place, store::redis_token::parts{.loop = home.loop,
                                               .client = shared->client(0),
                                               .hints = shared->hints(0),
                                               .randomness = home.randomness,
                                               .options = {.prefix = shared->configured().key_prefix,
                                                           .account = name,
                                                           .endpoint = from.token.url.text(),
                                                           .lease = from.timeouts.exchange + lease_margin,
                                                           .timeout = shared->patience()}}};
}

std::optional<store::redis_records> shared_records_of(const account_core& core, const loop_parts& on,
                                                      std::size_t number, shared_store* shared,
                                                      store::record_observer& observer) {
  if (shared == nullptr) return std::nullopt;
  return std::optional<store::redis_records>{
      std::in_place, store::redis_records::parts{.loop = on.loop,
                                                 .client = shared->client(number),
                                                 .hints = shared->hints(number),
                                                 .randomness = on.randomness,
                                                 .observer = observer,
                                                 .seals = core.seals,
                                                 .options = {.prefix = shared->configured().key_prefix,
                                                             .account = core.name,
                                                             .callers = core.callers,
                                                             .timeout = shared->patience()}}};
}

std::optional<store::redis_polls> shared_polls_of(const account_core& core, const loop_parts& on, std::size_t number,
                                                  shared_store* shared) {
  if (shared == nullptr) return std::nullopt;
  return std::optional<store::redis_polls>{
      std::in_place, store::redis_polls::parts{.loop = on.loop,
                                               .client = shared->client(number),
                                               .hints = shared->hints(number),
                                               .randomness = on.randomness,
                                               .seals = core.poll_seals,
                                               .options = {.prefix = shared->configured().key_prefix,
                                                           .account = core.name,
                                                           .lease = core.configured.timeouts.exchange + poll_margin,
                                                           .timeout = shared->patience()}}};
}

onboarding::device_rules device_rules_of(const settings::account& from) {
  return {.types = from.devices.types, .good_for = from.devices.cache};
}

onboarding::poll_pace pace_of(const settings::account& from) {
  return {.interval = from.completion_polls.interval, .longest = from.completion_polls.max_interval};
}

}  // namespace

std::expected<std::unique_ptr<account_core>, std::string> account_core::make(
    const std::string& name, const settings::account& from, std::shared_ptr<const settings::environment> environment,
    trusted_authorities& trusted, const loop_parts& home, limits::place place, shared_store* shared,
    const metrics::gateway_metrics& families, metrics::shard& home_shard, journal::log& log) {
  auto context = trusted.of(
      "accounts." + name + ".tls", from.tls.ca_file,
      from.tls.min_version == settings::tls_version::tls_1_3 ? tls::version::tls_1_3 : tls::version::tls_1_2);
  if (!context) return std::unexpected{std::move(context.error())};
  std::shared_ptr<const store::sealing> seals;
  std::shared_ptr<const store::sealing> poll_seals;
  if (shared != nullptr) {
    const auto secret = settings::read_again(from.token.client_secret, *environment);
    if (!secret) return std::unexpected{"accounts." + name + ".token.client_secret: " + secret.error()};
    seals = std::make_shared<const store::sealing>(*secret, store::redis_records::purpose);
    poll_seals = std::make_shared<const store::sealing>(*secret, store::redis_polls::purpose);
  }
  std::unique_ptr<account_core> made{new account_core{name, from, std::move(*context), std::move(environment), home,
                                                      place, shared, std::move(seals), families, home_shard, log}};
  made->poll_seals = std::move(poll_seals);
  return made;
}

account_core::account_core(std::string its_name, const settings::account& from,
                           std::shared_ptr<tls::client_context> tls,
                           std::shared_ptr<const settings::environment> environment, const loop_parts& home,
                           limits::place place, shared_store* shared, std::shared_ptr<const store::sealing> seals_of,
                           const metrics::gateway_metrics& families, metrics::shard& home_shard, journal::log& log)
    : name{std::move(its_name)},
      configured{from},
      target{api_target_of(from, tls)},
      wire{from.base_url.authority(), from.base_url.path},
      answers{answers_of(from)},
      budget{from.pool.max_connections},
      health{breaker_of(from), {.share = from.retries.budget, .floor_per_second = from.retries.floor_per_second}},
      limited{place},
      seals{std::move(seals_of)},
      sessions{.limits = *place.domain, .account = place.account, .reuse = reuse_of(from), .watches = {}},
      credentials_{from.token},
      home_names_{rules_of(from), home.names},
      token_instrument_{name, families, home_shard, log},
      endpoint_{
          {.loop = home.loop, .connector = home.connector, .resolver = home_names_, .handshakes = &token_instrument_},
          {.target = token_target_of(from, tls),
           .host_header = from.token.url.authority(),
           .path = from.token.url.path.empty() ? "/" : from.token.url.path,
           .timeout = from.timeouts.exchange,
           .longest_pause = from.pause.max}},
      shared_token_{shared_token_of(name, from, home, shared)},
      tokens{{.home = home.loop,
              .endpoint = endpoint_,
              .credentials =
                  [this, environment = std::move(environment)] { return read_credentials(credentials_, *environment); },
              .encoding =
                  from.token.encoding == settings::token_encoding::json ? token::encoding::json : token::encoding::form,
              .options = {},
              .uniform = [&randomness = home.randomness] { return randomness.uniform(); },
              .observer = token_instrument_,
              .shared = shared_token_ ? &*shared_token_ : nullptr}} {
  if (shared == nullptr) records.emplace(home.loop.clock());
  sessions.watches.adopt(pace_of(from));
  for (const auto& caller : place.domain->rules().callers) callers.push_back(caller.name);
}

control_answer account_core::pause(std::chrono::milliseconds how_long) {
  if (how_long.count() <= 0) return {false, "a pause is longer than nothing"};
  const auto now = limited.domain->now();
  // `pause.max` of the account bounds it, too; what is longer than this could not be added to an instant.
  limited.domain->hold(limited.account, now + std::min<std::chrono::milliseconds>(how_long, longest_pause));
  const auto left = limited.domain->state(limited.account).paused_until - limited.domain->now();
  auto text = "paused for " + std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count()) + " s";
  if (left < how_long - std::chrono::seconds{1}) text += ", which is all that its pause.max allows";
  return {true, text + "; a pause never becomes shorter, `resume` ends it"};
}

control_answer account_core::resume() {
  if (limited.domain->state(limited.account).paused_until <= limited.domain->now()) return {true, "was not paused"};
  limited.domain->resume(limited.account);
  return {true, "resumed"};
}

control_answer account_core::free_slot(const std::string& id) {
  if (!limited.domain->of_test_account()) return {false, "the account is on no test account: it has no slots"};
  for (const auto& one : limited.domain->slots()) {
    if (std::to_string(one.id) != id && (one.session.empty() || one.session != id)) continue;
    limited.domain->free_slot(one.id);
    return {true, "slot " + std::to_string(one.id) + " is free; its session lives on at Podero"};
  }
  return {false, "no slot " + id + " is held"};
}

void account_core::adopt(settings::token from) {
  credentials_ = std::move(from);
  tokens.renew_now();
}

account_on_loop::account_on_loop(account_core& core, const loop_parts& on, std::size_t number, shared_store* shared,
                                 const metrics::gateway_metrics& families, metrics::shard& shard, journal::log& log,
                                 journal::access_log& lines, trace::tracer& tracer, bool audit)
    : account_{core.name},
      names_{rules_of(core.configured), on.names},
      connections_{core.name, families, shard},
      pool_{{.loop = on.loop, .connector = on.connector, .resolver = names_, .handshakes = &connections_},
            core.target,
            {.idle_timeout = core.configured.pool.idle_timeout,
             .max_age = core.configured.pool.max_age,
             .observer = &connections_},
            core.budget,
            [&randomness = on.randomness] { return randomness.uniform(); }},
      token_{on.loop, core.tokens},
      instrument_{{.account = core.name,
                   .callers = core.callers,
                   .loop = on.loop,
                   .families = families,
                   .shard = shard,
                   .lines = lines,
                   .log = log,
                   .audit = audit}},
      gate_{on.loop, *core.limited.domain, core.limited.account},
      way_{{.loop = on.loop,
            .pool = pool_,
            .tokens = token_,
            .wire = core.wire,
            .health = core.health,
            .limits = gate_,
            .uniform = [&randomness = on.randomness] { return randomness.uniform(); },
            .observer = instrument_,
            .tracer = tracer},
           ways_of(core.name, core.configured)},
      record_instrument_{core.name, log},
      shared_records_{shared_records_of(core, on, number, shared, record_instrument_)},
      shared_polls_{shared_polls_of(core, on, number, shared)},
      sessions_{{.loop = on.loop,
                 .way = way_,
                 .answers = core.answers,
                 .shared = core.sessions,
                 .records = shared_records_ ? static_cast<store::records&>(*shared_records_) : *core.records,
                 .clock = on.loop.clock(),
                 .observer = instrument_,
                 .account = core.name,
                 .health = [this, &core, &loop = on.loop]() -> onboarding::upstream_view {
                   return {.token = token_.usable() != nullptr,
                           .circuit = dispatch::to_string(core.health.state(loop.now()))};
                 },
                 .polls = shared_polls_ ? &*shared_polls_ : nullptr}},
      waiting_{{.loop = on.loop,
                .sessions = sessions_,
                .watches = core.sessions.watches,
                .shared = shared_polls_ ? &*shared_polls_ : nullptr}},
      users_{{.loop = on.loop,
              .way = way_,
              .records = shared_records_ ? static_cast<store::records&>(*shared_records_) : *core.records,
              .under_way = core.sessions.under_way,
              .account = core.name,
              .org_id = core.configured.org_id,
              .observer = instrument_}},
      devices_{{.loop = on.loop,
                .way = way_,
                .cache = core.devices,
                .account = core.name,
                .org_id = core.configured.org_id,
                .observer = instrument_,
                .rules = device_rules_of(core.configured)}} {}

void account_on_loop::drain() {
  waiting_.drain();
  pool_.close_idle();
}

void account_on_loop::adopt(const settings::account& now, std::span<const admission::caller> callers) {
  std::vector<std::string> names;
  for (const auto& caller : callers) names.push_back(caller.name);
  instrument_.know(std::move(names));
  way_.adopt(ways_of(account_, now));
  sessions_.adopt(reuse_of(now));
  waiting_.adopt(pace_of(now));
  devices_.adopt(device_rules_of(now));
}

}  // namespace gateway::app
