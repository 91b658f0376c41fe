#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "app/service.hpp"
#include "flow/memory_upstream.hpp"
#include "proto_free_api.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace gateway::flow {

// Files and variables as literals.
class literal_environment final : public settings::environment {
 public:
  std::expected<std::string, std::string> read_file(const std::filesystem::path& file) const override;
  std::optional<std::string> variable(const std::string& name) const override;
  std::map<std::string, std::string> files;
};

// The same bytes each time, until it is told to fail, once.
class unreliable_source final : public random::source {
 public:
  void fill(std::span<std::byte> into) override {
    if (std::exchange(fails, false)) throw std::runtime_error{"the well of chance is dry"};
    bytes_.fill(into);
  }
  bool fails = false;

 private:
  random::seeded_source bytes_{42};
};

// An answer as a caller gets it.
struct answer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};
// All that came over a connection, as answers; what is no whole answer is left out.
std::vector<answer> read_answers(std::string_view bytes);

// The whole gateway in memory: configuration from a text, callers and Podero over pairs of memory channels (Podero's
// with TLS), one loop that the test turns, and a clock that stands still.
class world : public support::loop_fixture {
 public:
  static constexpr std::string_view client_secret = "example-client-secret-not-real";

  // `upstream` answers for Podero, token endpoint included.
  explicit world(memory_upstream::handler upstream);
  ~world();

  // Starts the gateway. `yaml` is the whole configuration; the files /t/ca.pem and /t/secret are there.
  void start_gateway(const std::string& yaml);

  // One request over a connection of its own that stays open; `raw` is complete HTTP.
  support::memory_peer connect();
  // `takes`: so long the clock goes before it is answered.
  answer ask(std::string_view raw, time::duration takes = time::duration::zero());
  // The answers to what is under way on that connection.
  std::optional<answer> heard(support::memory_peer& peer);

  std::string metrics() const { return metrics::render(registry_); }
  // Everything that was logged, events and requests.
  std::string logged();

  // What problem pages there are.
  std::function<std::optional<proto_free_api::problem_page>(std::string_view name)> find_problem_page =
      &proto_free_api::find_problem_page;
  literal_environment* environment = nullptr;
  unreliable_source randomness;
  memory_upstream upstream;
  std::unique_ptr<app::service> gateway;

 private:
  class nowhere_else;

  // No secret that this world used may show: not the client's, not one that was sent upstream (Basic pairs and tokens).
  void check_that_no_secret_shows();
  void check(std::string_view shown) const;

  std::shared_ptr<literal_environment> environment_;
  journal::memory_sink events_;
  journal::log log_;
  app::trusted_authorities trusted_;
  int lines_descriptor_;
  std::unique_ptr<journal::output> lines_;
  metrics::catalogue catalogue_;
  metrics::gateway_metrics families_;
  metrics::registry registry_;
  std::unique_ptr<upstream::resolver> names_;
  std::set<std::string> secrets_{std::string{client_secret}};
};

// The configuration that most flows start from: one account `sandbox` at podero.test, anonymous callers.
std::string plain_configuration();

}  // namespace gateway::flow
