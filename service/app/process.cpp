#include "app/process.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "app/not_served.hpp"
#include "app/service.hpp"
#include "foundation/metrics/process.hpp"
#include "foundation/transport/acceptor.hpp"
#include "proto_free_api.hpp"
#include "settings/load.hpp"
#include "settings/threads.hpp"

namespace gateway::app {
namespace {

using boost::asio::ip::tcp;

constexpr auto drain_look = std::chrono::milliseconds{20};

journal::level level_of(settings::log_level from) noexcept {
  switch (from) {
    case settings::log_level::trace:
    case settings::log_level::debug:
      return journal::level::debug;
    case settings::log_level::info:
      return journal::level::info;
    case settings::log_level::warn:
      return journal::level::warning;
    case settings::log_level::error:
      return journal::level::error;
  }
  return journal::level::info;
}

// One event loop with what stands on it and the thread that turns it.
struct loop_thread {
  explicit loop_thread(const time::clock& clock, upstream::lookup_thread& lookups)
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
  process(std::shared_ptr<const settings::configuration> configuration,
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
        admin_{admin_sources(), log_},
        admin_server_{admin_loop_.loop,
                      admin_,
                      {.most_connections = configuration_->listeners.admin.max_connections},
                      admin_loop_.randomness} {}

  int run() {
    std::signal(SIGPIPE, SIG_IGN);
    if (auto ready = prepare(); !ready) {
      std::fprintf(stderr, "onboarding-gateway: %s\n", ready.error().c_str());
      return 1;
    }
    begin();
    watch_signals();
    main_.run();
    end();
    return 0;
  }

 private:
  std::expected<void, std::string> prepare() {
    const auto count = configuration_->threads.is_auto()
                           ? settings::threads_here(*environment_, std::max(1U, std::thread::hardware_concurrency()))
                           : configuration_->threads.count;
    for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<loop_thread>(clock_, lookups_));
    service::parts parts{.configuration = configuration_,
                         .environment = environment_,
                         .clock = clock_,
                         .log = log_,
                         .metrics = registry_,
                         .families = families_,
                         .loops = {},
                         .papers = {proto_free_api::openapi_json(), &proto_free_api::problem_page}};
    for (auto& each : loops_) {
      each->loop.on_escape([this](std::exception_ptr escaped) { report(escaped); });
      parts.loops.push_back({each->loop, each->connector, each->names, each->randomness, output_});
    }
    auto made = service::make(std::move(parts));
    if (!made) return std::unexpected{std::move(made.error())};
    service_ = std::move(*made);
    declare_constants();
    if (auto opened = listen_for_callers(); !opened) return std::unexpected{"listeners.api: " + opened.error()};
    if (auto opened = listen_for_operators(); !opened) return std::unexpected{"listeners.admin: " + opened.error()};
    return {};
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
        [this](std::unique_ptr<transport::channel> c) { admin_server_.accept(std::move(c)); });
    if (!opened) return std::unexpected{std::move(opened.error())};
    admin_loop_.acceptor = std::move(*opened);
    return {};
  }

  void begin() {
    for (const auto& w : find_not_served(*configuration_).announced)
      log_.warn("configured, and not served by this version", {{"key", w.path}, {"detail", w.what}});
    for (const auto& w : settings::warnings(*configuration_))
      log_.warn("the configuration is legal and unwise", {{"key", w.path}, {"detail", w.what}});
    service_->start();
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
        log_.warn("SIGHUP: this version reads its configuration at start only");
      } else if (draining_) {
        log_.warn("told to stop a second time: stopping at once");
        main_.stop();
        return;
      } else {
        begin_drain();
      }
      watch_signals();
    });
  }

  // Unready first, and serving on: load balancers learn it late. Then no new connections, and what runs is finished.
  void begin_drain() {
    draining_ = true;
    service_->announce_drain();
    log_.info("draining", {{"delay_ms", configuration_->drain.delay.count()},
                           {"timeout_ms", configuration_->drain.timeout.count()}});
    timer_.expires_after(configuration_->drain.delay);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      for (std::size_t i = 0; i < loops_.size(); ++i)
        loops_[i]->loop.post([this, i] {
          loops_[i]->acceptor->close();
          service_->drain(i);
        });
      give_up_at_ = std::chrono::steady_clock::now() + configuration_->drain.timeout;
      look_whether_drained();
    });
  }

  void look_whether_drained() {
    timer_.expires_after(drain_look);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      if (service_->drained()) return main_.stop();
      if (std::chrono::steady_clock::now() < give_up_at_) return look_whether_drained();
      log_.warn("drain.timeout is over: ending what still runs");
      main_.stop();
    });
  }

  void end() {
    for (auto& each : loops_) each->stop();
    admin_loop_.stop();
    admin_loop_.loop.abandon();
    service_.reset();
    log_.info("stopped");
    output_.drain(std::chrono::milliseconds{500});
  }

  admin::sources admin_sources() {
    return {.metrics = [this] { return metrics::render(registry_); },
            .live = [this] { return service_->live(); },
            .ready = [this] { return service_->ready(); },
            .started = [this] { return service_->started(); },
            .status = [this] { return service_->status(build_.version, build_.revision); },
            .configuration = [this] { return settings::print(*configuration_); }};
  }

  void declare_constants() {
    registry_.attach(std::make_unique<metrics::process_collector>());
    constants_.push_back(
        registry_.compute(families_.build_info, [this](auto& out) { out.add(1.0, build_.version, build_.revision); }));
    constants_.push_back(registry_.compute(families_.config_hash_info,
                                           [this](auto& out) { out.add(1.0, settings::hash(*configuration_)); }));
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
  upstream::lookup_thread lookups_;
  std::vector<std::unique_ptr<loop_thread>> loops_;
  std::unique_ptr<service> service_;
  std::vector<metrics::computed> constants_;

  loop_thread admin_loop_{clock_, lookups_};
  admin::handler admin_;
  listener::server admin_server_;

  tcp::endpoint api_endpoint_;
  boost::asio::io_context main_{1};
  boost::asio::signal_set signals_{main_, SIGTERM, SIGINT, SIGHUP};
  boost::asio::steady_timer timer_{main_};
  std::chrono::steady_clock::time_point give_up_at_{};
  bool draining_ = false;
};

}  // namespace

int run(std::shared_ptr<const settings::configuration> configuration,
        std::shared_ptr<const settings::environment> environment, const build& is) {
  return process{std::move(configuration), std::move(environment), is}.run();
}

}  // namespace gateway::app
