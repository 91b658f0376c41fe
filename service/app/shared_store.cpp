#include "app/shared_store.hpp"

#include <charconv>

#include "foundation/random/uuid.hpp"
#include "foundation/transport/parking.hpp"
#include "settings/secret_files.hpp"

namespace gateway::app {

namespace redis = store::redis;

namespace {

constexpr auto settings_looked_at_every = std::chrono::minutes{1};
constexpr auto settings_timeout = std::chrono::seconds{1};

redis::client_options options_of(const settings::redis& from) {
  redis::client_options how;
  how.command_timeout = from.timeout;
  how.link.connection.pipelining.patience = std::max<time::duration>(10 * from.timeout, std::chrono::milliseconds{500});
  return how;
}

unsigned database_of(const settings::redis& from) {
  unsigned number = 0;
  const std::string_view path = from.url.path;
  if (path.size() > 1) std::from_chars(path.data() + 1, path.data() + path.size(), number);
  return number;
}

redis::resolver resolver_of(upstream::resolver& names) {
  return [&names](std::string host, std::uint16_t port, time::instant deadline) {
    struct lookup {
      static transport::task<std::expected<std::vector<transport::endpoint>, std::string>> make(
          upstream::resolver& names, std::string host, std::uint16_t port, time::instant deadline) {
        auto resolving = names.resolve(host, port, deadline);
        auto found = co_await std::move(resolving);
        co_return found;
      }
    };
    return lookup::make(names, std::move(host), port, deadline);
  };
}

}  // namespace

struct shared_store::on_loop {
  on_loop(shared_store& of, const loop_parts& on, metrics::shard& shard, const metrics::gateway_metrics& families,
          journal::log* log)
      : instrument{on.loop, families, shard, log, of.refusals_},
        quiet{on.loop, families, shard, nullptr, of.refusals_},
        client{{.network = network_of(on),
                .place = of.place(),
                .identity = of.identity(),
                .options = options_of(of.from_),
                .uniform = [&randomness = on.randomness] { return randomness.uniform(); },
                .observer = instrument}},
        hints{on.loop},
        subscriber{{.network = network_of(on),
                    .place = of.place(),
                    .identity = of.identity(),
                    .options = options_of(of.from_).link,
                    .uniform = [&randomness = on.randomness] { return randomness.uniform(); },
                    .observer = quiet},
                   {store::hints::channel(of.from_.key_prefix)},
                   handlers_of(of)} {}

  redis::subscriber::handlers handlers_of(shared_store& of) {
    auto told = hints.handlers();
    told.refused = [&of](std::string_view why) { of.hints_refused(why); };
    return told;
  }
  static redis::network network_of(const loop_parts& on) { return {on.loop, on.connector, resolver_of(on.names)}; }

  store_instrument instrument;
  store_instrument quiet;  // of the second connection
  redis::client client;
  store::hints hints;
  redis::subscriber subscriber;
};

std::expected<std::unique_ptr<shared_store>, std::string> shared_store::make(
    const settings::redis& from, std::shared_ptr<const settings::environment> environment, trusted_authorities& trusted,
    const std::vector<loop_parts>& loops, metrics::registry& registry, const metrics::gateway_metrics& families,
    journal::log& log) {
  std::shared_ptr<tls::client_context> tls;
  if (from.url.scheme == "rediss") {
    auto made = trusted.of("shared_state.redis", from.ca_file);
    if (!made) return std::unexpected{std::move(made.error())};
    tls = std::move(*made);
  }
  return std::unique_ptr<shared_store>{
      new shared_store{from, std::move(environment), std::move(tls), loops, registry, families, log}};
}

shared_store::shared_store(const settings::redis& from, std::shared_ptr<const settings::environment> environment,
                           std::shared_ptr<tls::client_context> tls, const std::vector<loop_parts>& loops,
                           metrics::registry& registry, const metrics::gateway_metrics& families, journal::log& log)
    : from_{from},
      environment_{std::move(environment)},
      tls_{std::move(tls)},
      log_{log},
      home_{loops.front().loop},
      refusals_{log, registry.add_shard().at(families.log_lines_summarised_total)},
      replica_{random::view(random::make_uuid(loops.front().randomness))},
      loops_{[&] {
        std::vector<std::unique_ptr<on_loop>> all;
        for (const auto& on : loops)
          all.push_back(
              std::make_unique<on_loop>(*this, on, registry.add_shard(), families, all.empty() ? &log : nullptr));
        return all;
      }()},
      courier_{loops_.front()->client} {}

shared_store::~shared_store() = default;

redis::place shared_store::place() const {
  return {.host = from_.url.host,
          .port = from_.url.port,
          .unix_path = from_.unix_socket ? from_.unix_socket->string() : std::string{},
          .tls = tls_,
          .server_name = {}};
}

redis::identity shared_store::identity() const {
  redis::identity who{.credentials = {}, .database = database_of(from_), .client_name = "onboarding-gateway"};
  if (from_.password.empty()) return who;
  who.credentials = [this]() -> std::expected<redis::credentials, std::string> {
    auto password = settings::read_again(from_.password, *environment_);
    if (!password) return std::unexpected{std::move(password.error())};
    return redis::credentials{from_.username.value_or(""), std::move(*password)};
  };
  return who;
}

void shared_store::start(std::function<void(const std::string& run_id)> connected) {
  connected_ = std::move(connected);
  loops_.front()->instrument.on_connected([this](const redis::server_facts& facts) {
    connected_(facts.run_id);
    for (auto* const one : {watching_, waiting_})
      if (one != nullptr) one->wake_up();
  });
  home_.spawn(watch_settings());
  for (auto& each : loops_) {
    each->client.start();
    each->subscriber.start();
  }
}

redis::client& shared_store::client(std::size_t loop) noexcept {
  return loops_[loop]->client;
}

store::hints& shared_store::hints(std::size_t loop) noexcept {
  return loops_[loop]->hints;
}

transport::task<> shared_store::connection(time::instant until) {
  if (client(0).connected()) co_return;
  transport::parking place{home_.ready()};
  waiting_ = &place;
  co_await place.wait(home_.deadlines(), until);
  waiting_ = nullptr;
}

// At every connection, and later from time to time: settings change.
transport::task<> shared_store::watch_settings() {
  for (;;) {
    {
      transport::parking place{home_.ready()};
      watching_ = &place;
      co_await place.wait(home_.deadlines(), home_.now() + settings_looked_at_every);
      watching_ = nullptr;
    }
    auto looking = look_at_settings();
    co_await std::move(looking);
  }
}

transport::task<> shared_store::look_at_settings() {
  auto& client = loops_.front()->client;
  if (!client.connected()) co_return;
  std::vector<redis::command> questions;
  questions.push_back({"INFO", "persistence"});
  questions.push_back({"INFO", "memory"});
  questions.push_back({"PUBLISH", store::hints::channel(from_.key_prefix), ""});  // wakes nobody
  auto asking = client.send_all(std::move(questions), home_.now() + settings_timeout);
  const auto answers = co_await std::move(asking);
  if (!answers[2] && answers[2].error().what == redis::trouble::kind::error) hints_refused(answers[2].error().reason);
  if (!answers[0] || !answers[1]) co_return;
  const auto found = store::read_durability(answers[0]->text(), answers[1]->text());
  if (appends_.exchange(found.appends) && !found.appends)
    log_.warn("the shared store has appendonly off: a restart of it forgets what was sent, and permits are kept back",
              {{"key", "appendonly"}});
  if (!evicts_.exchange(found.evicts) && found.evicts)
    log_.warn("the shared store evicts keys when memory is short, so that limits may be forgotten: set noeviction",
              {{"key", "maxmemory-policy"}});
}

// Once: it works without them, and stays so until somebody changes the user's rights. Other errors pass.
void shared_store::hints_refused(std::string_view why) {
  if (!why.starts_with("NOPERM") || hints_refused_.exchange(true)) return;
  log_.warn("the shared store refuses hints, so replicas hear of each other late: the user needs the channels &PREFIX*",
            {{"reason", store_refusals::shown(why)}});
}

}  // namespace gateway::app
