#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/journal/log.hpp"
#include "foundation/trace/span_queue.hpp"
#include "foundation/transport/parking.hpp"
#include "telemetry/export_pace.hpp"
#include "telemetry/otlp.hpp"
#include "upstream/exchange.hpp"
#include "upstream/target.hpp"

namespace gateway::telemetry {

// Hears what becomes of spans. On the exporter's loop.
class export_observer {
 public:
  virtual ~export_observer() = default;
  virtual void exported(std::size_t spans) = 0;
  virtual void lost(std::size_t spans) = 0;
  virtual void tried(export_end how) = 0;
};

// Takes the loops' spans and posts them to a collector (OTLP over HTTP, POST, JSON), in batches, on a loop that serves
// no caller. What the collector does, or does not, reaches no request: when it is slow the queues fill and drop.
class exporter {
 public:
  struct place {
    upstream::target target;
    std::string host_header;
    std::string path;
    time::duration timeout = std::chrono::seconds{5};  // for one batch, connecting included
  };
  struct parts {
    upstream::network net;
    std::vector<trace::span_queue*> queues;  // outlive it
    resource from;
    journal::log& log;
    export_observer& observer;
  };
  static constexpr std::size_t most_in_batch = 512;

  exporter(parts given, place where) : parts_{std::move(given)}, place_{std::move(where)} {}
  exporter(const exporter&) = delete;
  exporter& operator=(const exporter&) = delete;

  // On its loop, once: exports until `finish`. The loop is abandoned before this goes.
  void start() { parts_.net.loop.spawn(run()); }
  // On its loop: what is there is sent at once, without further tries after a failure, until `deadline`; then `done` is
  // called. Once.
  void finish(time::instant deadline, std::function<void()> done);

 private:
  transport::task<> run();
  struct sent {
    export_end how;
    time::duration wait;  // before the next batch, or the next try
  };
  transport::task<> rest(time::duration how_long);
  transport::task<> wait_for_spans();
  std::size_t queued() const noexcept;
  bool take_batch();
  transport::task<sent> send_batch();
  transport::task<export_end> post(std::optional<time::duration>& asked, std::string& reason);
  transport::task<bool> connect(time::instant deadline, std::string& reason);
  void say(export_end how, bool failing_before, const std::string& reason);

  parts parts_;
  place place_;
  export_pace pace_;
  std::vector<trace::span> batch_;
  std::unique_ptr<transport::channel> connection_;
  bool used_ = false;  // the connection has carried a batch: it may have gone stale
  upstream::answer answer_;
  transport::parking* waiting_ = nullptr;
  time::instant give_up_at_ = time::instant::max();
  std::function<void()> done_;
};

}  // namespace gateway::telemetry
