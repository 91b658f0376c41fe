#include "app/process.hpp"

#include <boost/asio/signal_set.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "app/control.hpp"
#include "app/control_server.hpp"
#include "app/drainer.hpp"
#include "app/not_served.hpp"
#include "app/reloader.hpp"
#include "app/scrapes.hpp"
#include "app/service.hpp"
#include "foundation/json/write.hpp"
#include "foundation/metrics/process.hpp"
#include "foundation/transport/acceptor.hpp"
#include "proto_free_api.hpp"
#include "settings/load.hpp"
#include "settings/threads.hpp"

namespace gateway::app {
namespace {

using boost::asio::ip::tcp;

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
    reloader_.start();
    main_.run();
    control_server_.reset();
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
    if (auto opened = listen_for_orders(); !opened) return std::unexpected{"control_socket: " + opened.error()};
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
    return {};
  }

  void begin() {
    drainer_.emplace(main_, drain_steps(), log_);
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
        if (!drainer_->begun()) reloader_.reload("SIGHUP");
      } else if (drainer_->begun()) {
        log_.warn("told to stop a second time: stopping at once");
        main_.stop();
        return;
      } else {
        service_->announce_drain();
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
            .observed = [this] { return !scrapes_.expected(drained_at_, clock_.now()) && admin_server_.busy() == 0; },
            .done = [this] { main_.stop(); }};
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
    return {.metrics =
                [this] {
                  auto text = metrics::render(registry_);
                  scrapes_.scraped(clock_.now());
                  return text;
                },
            .live = [this] { return service_->live(); },
            .ready = [this] { return service_->ready(); },
            .started = [this] { return service_->started(); },
            .status = [this] { return with_configuration(service_->status()); },
            .configuration = [this] { return settings::print(*reloader_.current()); }};
  }

  // The status of the service, a JSON object, with what there is to say of the configuration before it.
  std::string with_configuration(std::string status) const {
    const auto trouble = reloader_.trouble();
    std::string member = R"({"configuration":{"hash":")" + settings::hash(*reloader_.current()) + R"(","refused":)";
    if (trouble.empty())
      member += "null";
    else
      json::append_string(member, trouble);
    return status.replace(0, 1, member + "},");
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
  reloader reloader_;
  upstream::lookup_thread lookups_;
  std::vector<std::unique_ptr<loop_thread>> loops_;
  std::unique_ptr<service> service_;
  std::vector<metrics::computed> constants_;

  loop_thread admin_loop_{clock_, lookups_};
  admin::handler admin_;
  listener::server admin_server_;

  tcp::endpoint api_endpoint_;
  boost::asio::signal_set signals_{main_, SIGTERM, SIGINT, SIGHUP};
  scrapes scrapes_;
  time::instant drained_at_{};
  std::optional<drainer> drainer_;
  std::optional<control> control_;
  std::unique_ptr<control_server> control_server_;
};

}  // namespace

int run(std::filesystem::path file, std::shared_ptr<const settings::configuration> configuration,
        std::shared_ptr<const settings::environment> environment, const build& is) {
  return process{std::move(file), std::move(configuration), std::move(environment), is}.run();
}

}  // namespace gateway::app
