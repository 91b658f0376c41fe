#include "app/process.hpp"

#include <boost/asio/signal_set.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "app/control.hpp"
#include "app/control_server.hpp"
#include "app/creation_rules.hpp"
#include "app/drainer.hpp"
#include "app/handshakes.hpp"
#include "app/hardening.hpp"
#include "app/listening.hpp"
#include "app/reloader.hpp"
#include "app/scrapes.hpp"
#include "app/service.hpp"
#include "app/tls_files.hpp"
#include "app/trace_export.hpp"
#include "foundation/metrics/open_metrics.hpp"
#include "foundation/metrics/process.hpp"
#include "foundation/transport/acceptor.hpp"
#include "proto_free_api.hpp"
#include "settings/load.hpp"
#include "settings/threads.hpp"

namespace gateway::app {
namespace {

using boost::asio::ip::tcp;

// Connections are descriptors. The soft limit is low for the sake of select(), which nothing here uses. The result is
// what is allowed now.
rlim_t use_all_descriptors() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  const rlimit all{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &all) == 0 ? all.rlim_cur : limit.rlim_cur;
}

// Connections in and out, and some for files.
rlim_t most_descriptors(const settings::configuration& configuration) noexcept {
  rlim_t all = 100 + configuration.listeners.api.max_connections + configuration.listeners.admin.max_connections;
  for (const auto& [name, account] : configuration.accounts) all += account.pool.max_connections;
  return all;
}

// One event loop with what stands on it and the thread that turns it.
struct loop_thread {
  explicit loop_thread(const time::clock& clock, upstream::system_lookups& lookups)
      : loop{clock}, connector{loop}, names{loop, lookups} {}

  void start() {
    thread = std::thread{[this] { loop.run(); }};
  }
  void stop() {
    if (!thread.joinable()) return;
    loop.stop();
    thread.join();
  }
  ~loop_thread() { stop(); }

  transport::loop loop;
  transport::socket_connector connector;
  upstream::name_service names;
  random::system_source randomness;
  std::unique_ptr<transport::acceptor> acceptor;
  std::thread thread;
};

class process {
 public:
  process(std::filesystem::path file, std::shared_ptr<const settings::configuration> configuration,
          std::shared_ptr<const settings::environment> environment, const build& is)
      : configuration_{std::move(configuration)},
        environment_{std::move(environment)},
        build_{is},
        log_{sink_,
             clock_,
             {.threshold = level_of(configuration_->log.level),
              .style = configuration_->log.format == settings::log_format::json ? journal::format::json
                                                                                : journal::format::text}},
        families_{catalogue_},
        registry_{catalogue_},
        reloader_{{.main = main_,
                   .file = std::move(file),
                   .environment = environment_,
                   .first = configuration_,
                   .clock = clock_,
                   .log = log_,
                   .adopt = [this](auto next) { return adopt(std::move(next)); }}},
        admin_{admin_sources(), log_},
        admin_connections_{connection_limits_of(configuration_->listeners.admin)} {}

  int run() {
    std::signal(SIGPIPE, SIG_IGN);
    if (auto ready = prepare(); !ready) {
      std::fprintf(stderr, "onboarding-gateway: %s\n", ready.error().c_str());
      return 1;
    }
    begin();
    watch_signals();
    reloader_.start();
    tls_.watch();
    main_.run();
    control_server_.reset();
    end();
    return 0;
  }

 private:
  std::expected<void, std::string> prepare() {
    if (auto read = tls_.read(configuration_->listeners); !read) return read;
    prepare_admin_server();
    const auto count =
        settings::threads_of(configuration_->threads, *environment_, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<loop_thread>(clock_, lookups_));
    service::parts parts{.configuration = configuration_,
                         .environment = environment_,
                         .trusted = tls_.trusted(),
                         .clock = clock_,
                         .log = log_,
                         .metrics = registry_,
                         .families = families_,
                         .loops = {},
                         .papers = {proto_free_api::openapi_json(), &proto_free_api::find_problem_page},
                         .caller_tls = tls_.of_callers(),
                         .certificates = [this] { return tls_.certificates(); }};
    auto exporting = trace_export::make({.configuration = *configuration_,
                                         .trusted = tls_.trusted(),
                                         .net = {admin_loop_.loop, admin_loop_.connector, admin_loop_.names},
                                         .loops = loops_.size(),
                                         .from = {build_.version, instance_name()},
                                         .log = log_,
                                         .metrics = registry_,
                                         .families = families_});
    if (!exporting) return std::unexpected{std::move(exporting.error())};
    traces_ = std::move(*exporting);
    for (auto& each : loops_) {
      each->loop.on_escape([this](std::exception_ptr escaped) { report(escaped); });
      parts.loops.push_back({each->loop, each->connector, each->names, each->randomness, output_,
                             traces_ ? traces_->queue(parts.loops.size()) : nullptr});
    }
    auto made = service::make(std::move(parts));
    if (!made) return std::unexpected{std::move(made.error())};
    service_ = std::move(*made);
    declare_constants();
    tls_.declare_gauges(registry_, families_, constants_);
    if (auto opened = listen_for_callers(); !opened) return std::unexpected{"listeners.api: " + opened.error()};
    if (auto opened = listen_for_operators(); !opened) return std::unexpected{"listeners.admin: " + opened.error()};
    if (auto opened = listen_for_orders(); !opened) return std::unexpected{"control_socket: " + opened.error()};
    return {};
  }

  void prepare_admin_server() {
    const auto& wanted = configuration_->listeners.admin;
    listener::server_tls tls;
    if (auto context = tls_.of_operators()) {
      admin_handshakes_.emplace("admin", families_, registry_.add_shard(), log_, clock_);
      tls = {std::move(context), &*admin_handshakes_, std::max<std::size_t>(1, wanted.max_connections / 2)};
    }
    admin_server_.emplace(admin_loop_.loop, admin_,
                          server_options_of(wanted, admin_connections_, nullptr, std::move(tls)),
                          admin_loop_.randomness);
  }

  std::expected<void, std::string> listen_for_callers() {
    const auto& wanted = configuration_->listeners.api;
    tcp::endpoint where{wanted.address, wanted.port};
    // Loops share the port, which would also let another gateway share it unnoticed: so it is first taken alone.
    if (!wanted.reuse_port) {
      auto alone = transport::acceptor::probe(where);
      if (!alone) return std::unexpected{std::move(alone.error())};
      where = *alone;
    }
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      auto opened = transport::acceptor::open(
          loops_[i]->loop, where, true,
          [this, i](std::unique_ptr<transport::channel> c) { service_->callers(i).accept(std::move(c)); });
      if (!opened) return std::unexpected{std::move(opened.error())};
      loops_[i]->acceptor = std::move(*opened);
      where = loops_[i]->acceptor->local_endpoint();
    }
    api_endpoint_ = where;
    return {};
  }

  std::expected<void, std::string> listen_for_operators() {
    const auto& wanted = configuration_->listeners.admin;
    auto opened = transport::acceptor::open(
        admin_loop_.loop, {wanted.address, wanted.port}, false,
        [this](std::unique_ptr<transport::channel> c) { admin_server_->accept(std::move(c)); });
    if (!opened) return std::unexpected{std::move(opened.error())};
    admin_loop_.acceptor = std::move(*opened);
    return {};
  }

  std::expected<void, std::string> listen_for_orders() {
    if (!configuration_->control_socket) return {};
    control_.emplace(
        control::parts{.on = *service_, .configuration = reloader_, .log = log_, .version = build_.version});
    auto opened = control_server::open(
        main_, *configuration_->control_socket,
        [this](std::string_view line, const control_peer& who) { return control_->obey(line, who); });
    if (!opened) return std::unexpected{std::move(opened.error())};
    control_server_ = std::move(*opened);
    return {};
  }

  // On the main thread. The log's level and the drain's times are the process's own.
  std::expected<void, std::string> adopt(std::shared_ptr<const settings::configuration> next) {
    const bool another_level = next->log.level != reloader_.current()->log.level;
    if (auto taken = service_->adopt(next); !taken) return taken;
    if (another_level) log_.set_threshold(level_of(next->log.level));
    warn_of(*next);
    return {};
  }

  void warn_of(const settings::configuration& configuration) {
    for (const auto& w : warnings_of(configuration, static_cast<unsigned>(loops_.size())))
      log_.warn("the configuration is legal and unwise", {{"key", w.path}, {"detail", w.what}});
  }

  void begin() {
    drainer_.emplace(main_, drain_steps(), log_);
    if (runs_as_root()) log_.warn("running as root, which nothing here needs: use a user of its own");
    warn_of(*configuration_);
    if (const auto allowed = use_all_descriptors(), wanted = most_descriptors(*configuration_); allowed < wanted)
      log_.warn("fewer files may be open than the configuration allows connections",
                {{"allowed", allowed}, {"wanted", wanted}});
    service_->start();
    if (traces_) traces_->start();
    for (auto& each : loops_) {
      each->acceptor->start();
      each->start();
    }
    admin_loop_.acceptor->start();
    admin_loop_.start();
    const auto admin_endpoint = admin_loop_.acceptor->local_endpoint();
    log_.info("ready to serve", {{"version", build_.version},
                                 {"api", text_of(api_endpoint_)},
                                 {"admin", text_of(admin_endpoint)},
                                 {"loops", loops_.size()},
                                 {"config", settings::hash(*configuration_)}});
  }

  void watch_signals() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        if (!drainer_->begun()) reloader_.reload("SIGHUP");
      } else if (drainer_->begun()) {
        log_.warn("told to stop a second time: stopping at once");
        at_once_ = true;
        main_.stop();
        return;
      } else {
        reloader_.stop();
        service_->announce_drain();
        for (std::size_t i = 0; i < loops_.size(); ++i)
          loops_[i]->loop.post([this, i] { service_->callers(i).send_away(); });
        drainer_->begin(reloader_.current()->drain);
      }
      watch_signals();
    });
  }

  drainer::steps drain_steps() {
    return {.loops = loops_.size(),
            .on_loop = [this](std::size_t i, std::function<void()> what) { loops_[i]->loop.post(std::move(what)); },
            .stop_accepting =
                [this](std::size_t i) {
                  loops_[i]->acceptor->pause();
                  service_->drain(i);  // before anything is answered that ends: every answer closes its connection
                },
            .hand_back = [this] { service_->hand_back(); },
            .close_port = [this](std::size_t i) { loops_[i]->acceptor->finish(); },
            .drained =
                [this] {
                  const bool drained = service_->drained();
                  if (drained && drained_at_ == time::instant{}) drained_at_ = clock_.now();
                  return drained;
                },
            .settled = [this] { return service_->settled(); },
            .observed = [this] { return !scrapes_.expected(drained_at_, clock_.now()) && admin_server_->busy() == 0; },
            .done = [this] { main_.stop(); }};
  }

  void end() {
    for (auto& each : loops_) each->stop();
    flush_traces();
    admin_loop_.stop();
    admin_loop_.loop.abandon();
    service_.reset();
    log_.info("stopped");
    output_.drain(std::chrono::milliseconds{500});
  }

  // The last spans, within what is left of the drain.
  void flush_traces() {
    if (!traces_ || at_once_) return;
    const auto left = drainer_->latest() - std::chrono::steady_clock::now();
    traces_->flush(admin_loop_.loop,
                   std::clamp<time::duration>(left, time::duration::zero(), configuration_->tracing.timeout));
  }

  static std::string instance_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return std::to_string(::getpid());
    return std::string{name.data()} + ":" + std::to_string(::getpid());
  }

  admin::sources admin_sources() {
    return {.metrics = [this] { return scraped(metrics::render(registry_)); },
            .open_metrics = [this] { return scraped(metrics::render_open(registry_)); },
            .live = [this] { return service_->live(); },
            .ready = [this] { return service_->ready(); },
            .started = [this] { return service_->started(); },
            .status = [this] { return service_->status({build_.version, build_.revision, reloader_.trouble()}); },
            .configuration = [this] { return settings::print(*reloader_.current()); }};
  }

  std::string scraped(std::string text) {
    scrapes_.scraped(clock_.now());
    return text;
  }

  void declare_constants() {
    registry_.attach(std::make_unique<metrics::process_collector>());
    constants_.push_back(
        registry_.compute(families_.build_info, [this](auto& out) { out.add(1.0, build_.version, build_.revision); }));
    constants_.push_back(registry_.compute(families_.config_hash_info,
                                           [this](auto& out) { out.add(1.0, settings::hash(*reloader_.current())); }));
    constants_.push_back(registry_.compute(families_.config_reload_success,
                                           [this](auto& out) { out.add(reloader_.trouble().empty() ? 1.0 : 0.0); }));
    constants_.push_back(registry_.compute(families_.config_reload_timestamp_seconds, [this](auto& out) {
      out.add(std::chrono::duration<double>{reloader_.since().time_since_epoch()}.count());
    }));
  }

  void report(std::exception_ptr escaped) noexcept {
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& failure) {
      log_.error("a coroutine failed", {{"reason", std::string_view{failure.what()}}});
    } catch (...) {
      log_.error("a coroutine failed");
    }
  }

  static std::string text_of(const tcp::endpoint& where) {
    const auto host = where.address().is_v6() ? "[" + where.address().to_string() + "]" : where.address().to_string();
    return host + ":" + std::to_string(where.port());
  }

  std::shared_ptr<const settings::configuration> configuration_;
  std::shared_ptr<const settings::environment> environment_;
  build build_;
  time::system_clock clock_;
  journal::output output_{STDOUT_FILENO};
  journal::output_sink sink_{output_};
  journal::log log_;
  metrics::catalogue catalogue_;
  metrics::gateway_metrics families_;
  metrics::registry registry_;
  boost::asio::io_context main_{1};
  tls_files tls_{main_, environment_, log_};
  reloader reloader_;
  std::optional<handshake_instrument> admin_handshakes_;
  upstream::system_lookups lookups_;
  std::vector<std::unique_ptr<loop_thread>> loops_;
  std::unique_ptr<service> service_;
  std::vector<metrics::computed> constants_;

  loop_thread admin_loop_{clock_, lookups_};
  std::unique_ptr<trace_export> traces_;  // none: no spans are exported
  admin::handler admin_;
  admission::connection_ledger admin_connections_;
  std::optional<listener::server> admin_server_;

  tcp::endpoint api_endpoint_;
  boost::asio::signal_set signals_{main_, SIGTERM, SIGINT, SIGHUP};
  scrapes scrapes_;
  time::instant drained_at_{};
  std::optional<drainer> drainer_;
  std::optional<control> control_;
  std::unique_ptr<control_server> control_server_;
  bool at_once_ = false;
};

}  // namespace

int run(std::filesystem::path file, std::shared_ptr<const settings::configuration> configuration,
        std::shared_ptr<const settings::environment> environment, const build& is) {
  return process{std::move(file), std::move(configuration), std::move(environment), is}.run();
}

}  // namespace gateway::app
