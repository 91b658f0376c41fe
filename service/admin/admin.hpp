#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/journal/log.hpp"
#include "listener/server.hpp"

namespace gateway::admin {

// One condition of health, as it is now.
struct check {
  std::string name;
  bool passing = false;
  std::string detail;  // for people
};

// Where the operator's listener gets what it shows. All of it is called on the operator's own thread.
struct sources {
  std::function<std::string()> metrics;       // Prometheus text format
  std::function<std::string()> open_metrics;  // the same as OpenMetrics text
  std::function<std::vector<check>()> live;
  std::function<std::vector<check>()> ready;
  std::function<std::vector<check>()> started;
  std::function<std::string()> status;         // JSON
  std::function<std::string()> configuration;  // effective, masked, YAML
};

// The operator-facing routes: what is asked while something burns, so they depend on nothing that may be stuck.
class handler final : public listener::handler {
 public:
  handler(sources from, journal::log& log);

  std::unique_ptr<listener::scratch> make_scratch() override { return nullptr; }
  std::size_t on_head(listener::exchange& x) override;
  transport::task<> on_request(listener::exchange& x) override;
  void on_failure(const listener::exchange& x, std::string_view reason) override;
  void on_done(const listener::exchange&, time::duration) override {}

 private:
  sources from_;
  journal::log& log_;
  const std::string page_policy_;
};

// {"status":"ok"|"failing","checks":[...]}: every failing check, and with `verbose` the passing ones too.
std::string render(const std::vector<check>& checks, bool verbose);
bool passing(const std::vector<check>& checks) noexcept;

}  // namespace gateway::admin
